"""Annotation: a multimodal model sees and hears each clip and writes the six fields of its record."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from swift_saber.data.log import RowLog
from swift_saber.data.measured import voice_key
from swift_saber.data.rows import media_list
from swift_saber.data.voice import voice
from swift_saber.errors import InputError
from swift_saber.models.asker import Asker, in_order, replies_log
from swift_saber.models.clips import clip_parts, data_url, media_part
from swift_saber.models.form_choice import Media
from swift_saber.models.reply import Unusable, object_schema, read_object
from swift_saber.models.service import Service, read_media
from swift_saber.models.upload import NoClip, checked
from swift_saber.pipeline.clip_media import sound_of
from swift_saber.pipeline.stage import Drop, Row, Stage, no_reply
from swift_saber.pipeline.stages.prompts import ANNOTATE, FACTS
from swift_saber.sed.facts import facts
from swift_saber.sed.layout import reserved_markup
from swift_saber.sed.record import ACOUSTIC, CONCLUSION, DIMENSIONS, SPEECH, VISUAL, Record
from swift_saber.settings import SETTINGS
from swift_saber.text.language import Language, text_language

_TEXT = {"type": "string"}
#: The record, evidence before reasoning, in the order of the prompt.
SCHEMA = object_schema(
    **{VISUAL[0]: _TEXT, "audio_desc": object_schema(**dict.fromkeys(ACOUSTIC, _TEXT))},
    **dict.fromkeys((*VISUAL[1:], CONCLUSION), _TEXT),
)


def read_record(reply: str, language: Language) -> Record:
    """Return the record that an annotator's reply holds.

    Args:
        reply: one JSON object of SCHEMA, bare or in a fence. Only the speech may be blank.
        language: that the fields have to be written in; the speech may be in any.

    Raises:
        Unusable: it is not that, has other keys, holds a tag or control token of models (`layout.reserved_markup`), or
            is written in another language.
    """
    try:
        record = Record.from_dict(read_object(reply), "reply")
    except InputError as error:
        raise Unusable(f"{error.field} {error.problem}") from error
    if unknown := [*record.extra, *record.audio_extra]:
        raise Unusable(f"it has the unknown key {unknown[0]!r}")
    for name in DIMENSIONS:
        text = getattr(record, name)
        if name != SPEECH and not text.strip():
            raise Unusable(f"{name} is blank")
        if markup := reserved_markup(text):
            raise Unusable(f"{name} holds {markup}, which models read as a command")
    written = " ".join(getattr(record, name) for name in DIMENSIONS if name != SPEECH)
    if text_language(written) != language:
        raise Unusable(f"it is not written in {'Chinese' if language == 'zh' else 'English'}")
    return record


@dataclass(frozen=True, config=SETTINGS)
class Settings(Service):
    """The model that annotates, and how it is asked.

    Attributes:
        language: "clip", the language of the clip (published), or "zh" or "en" for all.
        media: how clips travel (service.read_media): themselves, in a form of endpoint.Endpoint ("auto" by default,
            ours), or by their addresses, "path", "bare_path", or a mapping.
        facts: whether the model is told what is measured of the voice (sed/facts.py). Off (ours): what it was told
            it may copy without hearing it, and the stage evidence, which measures the same sound, would then find
            that it agrees.
    """

    language: Literal["clip", "zh", "en"] = "clip"
    media: Any = "auto"
    facts: Annotated[bool, Field(strict=True)] = False

    @property
    def form(self) -> Media:
        """The form of what goes along itself."""
        return read_media(self.media, "annotate.media")[1]


class Annotate(Stage):
    """Adds the record's keys to each row, or drops it with "no valid annotation".

    The model gets the clip and the prompt, and neither the transcript nor the labels of the source: what it wrote by
    itself can be checked against them. With `facts`, it also gets what is measured of the voice and can be said without
    knowing who speaks, and the row keeps that as "facts"; a clip of which nothing can be said gets no such sentence.

    Where a clip's sound is inside its video, it goes along besides as a WAV file in a data URL, since servers do not
    look for it there.
    """

    name = "annotate"
    form = Settings
    shown = ("labels", "facts", *SCHEMA["properties"])
    settings: Settings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._address, _ = read_media(self.settings.media, "annotate.media")

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its record, or its Drop; replies and facts are kept in the folder."""
        offered = RowLog(folder / f"facts-{rank:05d}.jsonl") if self.settings.facts else nullcontext()
        with replies_log(folder, "annotate", rank) as log, offered as kept:
            asker = Asker(self.settings, log)
            told = _Facts(kept) if kept else None
            yield from in_order(partial(self._one, asker, told, folder.parent), rows, self.settings.concurrency)

    def _one(self, asker: Asker, told: "_Facts | None", output: Path, row: Row) -> Row | Drop:
        language: Language = row["language"] if self.settings.language == "clip" else self.settings.language
        known = told.of(row, language) if told else ""
        try:
            texts = [FACTS[language].format(facts=known), ANNOTATE[language]] if known else [ANNOTATE[language]]
            content = [*self._parts(row, output), *({"type": "text", "text": text} for text in texts)]
            messages = [{"role": "user", "content": content}]
            record = asker.ask(row["id"], messages, partial(read_record, language=language), SCHEMA, language)
        except Unusable as error:
            return no_reply(row, "no valid annotation", error)
        return row | record.to_dict() | ({"facts": known} if known else {})

    def _parts(self, row: Row, output: Path) -> list[dict[str, Any]]:
        videos, audios = media_list(row, "videos"), media_list(row, "audios")
        try:
            parts = clip_parts(videos, audios, **self._address, made_in=output)
            if audios:
                return parts
            for path in videos:
                with checked(path, "video", output) as clip:
                    parts.append(media_part("audio", data_url(sound_of(str(clip)), "audio/wav")))
        except NoClip as error:
            raise Unusable(f"{error.field} {error.problem}") from error
        return parts


class _Facts:
    """What can be said of the voice of each clip; threads may share it.

    It is kept, since a request is known again by its words, and other rules would find others.

    Args:
        log: an open one, of this and no other use.
    """

    def __init__(self, log: RowLog) -> None:
        self._log = log
        self._known: dict[str, str] = {entry["id"]: entry["facts"] for entry in log.read()}

    def of(self, row: Row, language: Language) -> str:
        """Return it in a language, by bounds, as nothing else is known by now; "" where nothing can be said."""
        key = f"{voice_key(row)} {language}"
        if key not in self._known:
            try:
                found = facts(voice(row, row["id"]), None, language)
            except InputError:  # of the sound; who sends the clip says what is wrong with it
                found = ""
            self._log.append({"id": key, "facts": found})
            self._known[key] = found
        return self._known[key]
