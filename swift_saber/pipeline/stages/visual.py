"""The check of the picture: an independent caption, and a verdict on each visual field of the record."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from swift_saber.data.rows import media_list
from swift_saber.models.asker import Asker, in_order, replies_log
from swift_saber.models.clips import data_url, media_part
from swift_saber.models.reply import Unusable, fenced_question, object_schema, read_object
from swift_saber.models.service import Service
from swift_saber.models.upload import NoClip, checked
from swift_saber.pipeline.clip_media import picture_of
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record, no_reply
from swift_saber.pipeline.stages.prompts import CAPTION, CHECK_VISUAL
from swift_saber.sed.record import VISUAL, Record
from swift_saber.settings import SETTINGS, Whole
from swift_saber.text.language import text_language

VERDICTS = ("supported", "contradicted", "not mentioned")

# The words stand first, so that the verdict is given after the evidence for it.
_VERDICT = object_schema(
    words={"type": "array", "items": {"type": "string"}}, verdict={"type": "string", "enum": list(VERDICTS)}
)
SCHEMA = object_schema(**dict.fromkeys(VISUAL, _VERDICT))


def read_caption(reply: str) -> str:
    """Return a caption: any text that is not blank.

    Raises:
        Unusable: it is blank, or holds no letter.
    """
    if text_language(reply) is None:
        raise Unusable("it says nothing", "empty")
    return reply.strip()


def read_verdicts(reply: str, fields: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return {field: {"verdict": one of VERDICTS, "words": the contradicted statements}}.

    Args:
        reply: one JSON object of SCHEMA, bare or in a fence. Other keys are not looked at.
        fields: the texts that were judged.

    Raises:
        Unusable: it is not that, a contradiction names no words or words that the field does not hold, or another
            verdict names some.
    """
    value = read_object(reply)
    found = {}
    for name, text in fields.items():
        one = value.get(name)
        verdict, words = (one.get("verdict"), one.get("words")) if isinstance(one, dict) else (None, None)
        if verdict not in VERDICTS:
            raise Unusable(f"{name} has no verdict of {', '.join(VERDICTS)}")
        if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
            raise Unusable(f"the words of {name} are not a list of texts")
        if bool(words) != (verdict == "contradicted"):
            wanted = "needs the contradicted words" if verdict == "contradicted" else "must have no words"
            raise Unusable(f"{name} is {verdict!r} and {wanted}")
        if absent := next((word for word in words if word not in text), None):
            raise Unusable(f"{name} does not hold the words {absent[:100]!r}; copy them character for character")
        found[name] = {"verdict": verdict, "words": words}
    return found


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """Who looks, who compares, and what is dropped.

    Attributes:
        caption: a video model, best not the one that annotated.
        judge: a language model.
        max_contradicted: a row with more contradicted fields than this, of three, is dropped. 0 is ours: a record
            with one field that a witness contradicts teaches evidence that is not there.
    """

    caption: Service
    judge: Service
    max_contradicted: Annotated[Whole, Field(ge=0)] = 0


class Visual(Stage):
    """Adds "visual" to each row, or drops it with "picture contradicted" or "no verdict".

    The captioning model gets a copy of the video without its sound, always as a data URL, so that it cannot take from
    the voice what it says of the face. The judging model gets the caption and the three visual fields as texts.
    """

    name = "visual"
    form = Settings
    measured = "visual"
    shown = ("visual", *VISUAL)
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its verdicts, or its Drop; replies are kept in the folder."""
        with replies_log(folder, "caption", rank) as captions, replies_log(folder, "judge", rank) as verdicts:
            askers = Asker(self.settings.caption, captions), Asker(self.settings.judge, verdicts)
            # Enough for both to be busy; each asker keeps to its own number.
            threads = self.settings.caption.concurrency + self.settings.judge.concurrency
            yield from in_order(partial(self._one, *askers, folder.parent), rows, threads)

    def _one(self, captioner: Asker, judge: Asker, output: Path, row: Row) -> Row | Drop:
        must_have_record(row)
        record = Record.from_dict(row, row["id"])
        fields = {name: getattr(record, name) for name in VISUAL}
        language = text_language("".join(fields.values())) or row["language"]
        try:
            content = [*_pictures(row, output), {"type": "text", "text": CAPTION[language]}]
            caption = captioner.ask(row["id"], [{"role": "user", "content": content}], read_caption, None, language)
            read = partial(read_verdicts, fields=fields)
            question = fenced_question(CHECK_VISUAL, {"caption": caption, **fields})
            verdicts = judge.ask(row["id"], question, read, SCHEMA)
        except Unusable as error:
            return no_reply(row, "no verdict", error)
        visual = {"caption": caption, "fields": verdicts}
        limit = self.settings.max_contradicted
        if sum(one["verdict"] == "contradicted" for one in verdicts.values()) > limit:
            return Drop(row, "picture contradicted", visual, limit)
        return row | {"visual": visual}


def _pictures(row: Row, output: Path) -> Iterator[dict[str, Any]]:
    """The parts of a user turn with what is seen of a clip."""
    for path in media_list(row, "videos"):
        try:
            with checked(path, "video", output) as clip:
                yield media_part("video", data_url(picture_of(str(clip)), "video/mp4"))
        except NoClip as error:
            raise Unusable(f"{error.field} {error.problem}") from error
