"""Annotation: a multimodal model sees and hears each clip and writes the six fields of its record."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from swift_saber.annotation import DIMENSIONS, Record
from swift_saber.asker import Asker, replies_log
from swift_saber.clip_parts import clip_parts, data_url, media_part
from swift_saber.errors import InputError
from swift_saber.language import Language, text_language
from swift_saber.pipeline.clip_media import sound_of
from swift_saber.pipeline.no_reply import no_reply
from swift_saber.pipeline.stage import Drop, Row, Stage, in_order
from swift_saber.pipeline.stages.prompts import ANNOTATE
from swift_saber.reply import Unusable, read_object
from swift_saber.rows import media_list
from swift_saber.sed import reserved_markup
from swift_saber.service import Service, check_choice, read_media

_TEXT = {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


#: The record, evidence before reasoning.
SCHEMA = _object(
    video_desc=_TEXT,
    audio_desc=_object(acoustic_feat=_TEXT, speech_content=_TEXT),
    facial_exp_desc=_TEXT,
    body_lang_desc=_TEXT,
    sentiment_analysis=_TEXT,
)


def read_record(reply: str, language: Language) -> Record:
    """Return the record that an annotator's reply holds.

    Args:
        reply: one JSON object of SCHEMA, bare or in a fence. Only the speech may be blank.
        language: that the fields have to be written in; the speech may be in any.

    Raises:
        Unusable: it is not that, has other keys, holds a tag or control token of models (`sed.reserved_markup`), or
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
        if name != "speech_content" and not text.strip():
            raise Unusable(f"{name} is blank")
        if markup := reserved_markup(text):
            raise Unusable(f"{name} holds {markup}, which models read as a command")
    written = " ".join(getattr(record, name) for name in DIMENSIONS if name != "speech_content")
    if text_language(written) != language:
        raise Unusable(f"it is not written in {'Chinese' if language == 'zh' else 'English'}")
    return record


class Annotate(Stage):
    """Adds the record's keys to each row, or drops it with "no valid annotation".

    The model gets the clip and the prompt, and neither the transcript nor the labels of the source: what it wrote by
    itself can be checked against them.

    Where a clip's sound is inside its video, it goes along besides as a WAV file in a data URL, since servers do not
    look for it there.

    Args:
        language: "clip", the language of the clip (published), or "zh" or "en" for all.
        media: how clips travel (service.read_media): "base64" (default, ours), "path", "bare_path", or a mapping.
        service: the settings of service.Service.

    Raises:
        InputError: a setting is missing, not known or wrong.
    """

    name = "annotate"

    def __init__(self, *, language: str = "clip", media: Any = "base64", **service: Any) -> None:
        check_choice(language, "annotate.language", ("clip", "zh", "en"))
        self._language: Any = language
        self._media = read_media(media, "annotate.media")
        self._service = Service.read(service, self.name)

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its record, or its Drop; replies are kept in the folder."""
        with replies_log(folder, "annotate", rank) as log:
            asker = Asker(self._service, log)
            yield from in_order(partial(self._one, asker), rows, self._service.concurrency)

    def _one(self, asker: Asker, row: Row) -> Row | Drop:
        language: Language = row["language"] if self._language == "clip" else self._language
        try:
            content = [*self._parts(row), {"type": "text", "text": ANNOTATE[language]}]
            messages = [{"role": "user", "content": content}]
            record = asker.ask(row["id"], messages, partial(read_record, language=language), SCHEMA, language)
        except Unusable as error:
            return no_reply(row, "no valid annotation", error)
        return row | record.to_dict()

    def _parts(self, row: Row) -> list[dict[str, Any]]:
        videos, audios = media_list(row, "videos"), media_list(row, "audios")
        parts = clip_parts(videos, audios, **self._media)
        if audios:
            return parts
        return [*parts, *(media_part("audio", data_url(sound_of(path), "audio/wav")) for path in videos)]
