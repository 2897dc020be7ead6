"""Annotation: a multimodal model sees and hears each clip and writes the six fields of its record."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from swift_saber.data.rows import media_list
from swift_saber.errors import InputError
from swift_saber.models.asker import Asker, in_order, replies_log
from swift_saber.models.clips import clip_parts, data_url, media_part
from swift_saber.models.form_choice import Media
from swift_saber.models.reply import Unusable, object_schema, read_object
from swift_saber.models.service import Service, read_media
from swift_saber.models.upload import NoClip, checked
from swift_saber.pipeline.clip_media import sound_of
from swift_saber.pipeline.stage import Drop, Row, Stage, no_reply
from swift_saber.pipeline.stages.prompts import ANNOTATE
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
    """

    language: Literal["clip", "zh", "en"] = "clip"
    media: Any = "auto"

    @property
    def form(self) -> Media:
        """The form of what goes along itself."""
        return read_media(self.media, "annotate.media")[1]


class Annotate(Stage):
    """Adds the record's keys to each row, or drops it with "no valid annotation".

    The model gets the clip and the prompt, and neither the transcript nor the labels of the source: what it wrote by
    itself can be checked against them.

    Where a clip's sound is inside its video, it goes along besides as a WAV file in a data URL, since servers do not
    look for it there.
    """

    name = "annotate"
    form = Settings
    shown = ("labels", *SCHEMA["properties"])
    settings: Settings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._address, _ = read_media(self.settings.media, "annotate.media")

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its record, or its Drop; replies are kept in the folder."""
        with replies_log(folder, "annotate", rank) as log:
            asker = Asker(self.settings, log)
            yield from in_order(partial(self._one, asker, folder.parent), rows, self.settings.concurrency)

    def _one(self, asker: Asker, output: Path, row: Row) -> Row | Drop:
        language: Language = row["language"] if self.settings.language == "clip" else self.settings.language
        try:
            content = [*self._parts(row, output), {"type": "text", "text": ANNOTATE[language]}]
            messages = [{"role": "user", "content": content}]
            record = asker.ask(row["id"], messages, partial(read_record, language=language), SCHEMA, language)
        except Unusable as error:
            return no_reply(row, "no valid annotation", error)
        return row | record.to_dict()

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
