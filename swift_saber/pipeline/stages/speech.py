"""Takes out the records whose speech is not what an independent recogniser hears."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from swift_saber.asker import Replies
from swift_saber.endpoint import Endpoint, EndpointDown, EndpointFailed, EndpointRefused
from swift_saber.errors import InputError
from swift_saber.language import Language
from swift_saber.pipeline.stage import Drop, Row, Stage, in_order
from swift_saber.pipeline.stages.asr import LocalRecogniser
from swift_saber.pipeline.wer import UNIT, word_error_rate
from swift_saber.reply import UNANSWERED, Unusable
from swift_saber.row_log import RowLog
from swift_saber.service import Service, check_choice, check_number

Engine = Literal["endpoint", "pocketsphinx"]


class Speech(Stage):
    """Has each clip's sound transcribed, and compares that with audio_desc.speech_content (wer.py says how).

    The check is published (figure 1a: an ASR model's transcript, "WER"); its threshold and recogniser are not, so all
    values are ours. A row that stays gets "speech": {"heard", "error_rate", "unit": "wer" or "cer", "engine"}.

    What was heard, and which requests were refused, is kept in `transcripts/`, one file for each task; no clip is
    sent to the same recogniser twice. A clip whose file cannot be read is tried again when the stage is done again.

    Args:
        engine: "endpoint" (/v1/audio/transcriptions), or "pocketsphinx" on this machine: English only, for trying
            things out. The settings down to concurrency are the endpoint's alone.
        model: the name that the server knows its recogniser by, e.g. "whisper-large-v3".
        base_url: e.g. "http://127.0.0.1:8000/v1".
        key_env: the environment variable that holds the key; OPENAI_API_KEY where it is left out.
        requests_per_minute: the most that each task sends; no limit where it is left out.
        concurrency: requests under way at a time, for each task; 8 where it is left out.
        max_wer: 0.3: one word in four may be misheard, so that a short utterance survives one slip of the recogniser;
            of the words of another sentence, most are wrong.
        max_cer: 0.3: one word of two characters in seven.

    Raises:
        InputError: a setting is missing, wrong, or not of this engine.
    """

    name: ClassVar[str] = "speech"

    def __init__(
        self,
        *,
        engine: Engine = "endpoint",
        model: str | None = None,
        base_url: str | None = None,
        key_env: str | None = None,
        requests_per_minute: float | None = None,
        concurrency: int | None = None,
        max_wer: float = 0.3,
        max_cer: float = 0.3,
    ) -> None:
        check_choice(engine, "speech.engine", get_args(Engine))
        check_number(max_wer, "speech.max_wer", 0, whole=False)
        check_number(max_cer, "speech.max_cer", 0, whole=False)
        settings: dict[str, Any] = {"model": model, "base_url": base_url, "key_env": key_env}
        settings |= {"requests_per_minute": requests_per_minute, "concurrency": concurrency}
        given = {key: value for key, value in settings.items() if value is not None}
        self._service: Service | None = None
        if engine == "endpoint":
            self._service = Service.read(given, "speech")
        elif given:
            remedy = "leave it out, or write engine: endpoint"
            raise InputError("recipe", f"speech.{next(iter(given))}", "is not a setting of pocketsphinx", remedy)
        self._limits: dict[Language, float] = {"en": max_wer, "zh": max_cer}

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with "speech", or its Drop: "speech differs", "not transcribed" or "not answered".

        Raises:
            EndpointDown: the server cannot be asked, or had no answer to any of the first 20 clips.
            InputError: the recogniser does not know the language of a row, or as RowLog.
        """
        with RowLog(folder / "transcripts" / f"{rank:05d}.jsonl") as log:
            recogniser = self._service.endpoint() if self._service else LocalRecogniser()
            replies = Replies(log, {"engine": recogniser.model}, recogniser.address)
            threads = self._service.concurrency if self._service else 1
            yield from in_order(partial(self._check, recogniser, replies), rows, threads)

    def _check(self, recogniser: Endpoint | LocalRecogniser, replies: Replies, row: Row) -> Row | Drop:
        language: Language = row["language"]
        engine = recogniser.model
        if not self._service and language != "en":
            remedy = "write engine: endpoint and name a recogniser that does, or leave out such sources"
            raise InputError(row["id"], "language", f"is {language}, and {engine} knows en alone", remedy)
        if not row["audios"]:
            return Drop(row, "not transcribed", "the clip has no sound file")
        try:
            heard = replies.of(f"{row['id']}/{engine}", lambda: _heard(recogniser, row["audios"][0], language))["heard"]
        except Unusable as error:
            return Drop(row, UNANSWERED if error.kind == UNANSWERED else "not transcribed", error.reason)
        written, limit = row["audio_desc"]["speech_content"], self._limits[language]
        rate = word_error_rate(written, heard, language)
        if rate > limit:
            return Drop(row, "speech differs", {"heard": heard, "written": written, "error_rate": rate}, limit)
        return row | {"speech": {"heard": heard, "error_rate": rate, "unit": UNIT[language], "engine": engine}}


def _heard(recogniser: Endpoint | LocalRecogniser, path: str, language: Language) -> dict[str, Any]:
    """What is to be kept of what is heard in a file; nothing is of one that cannot be read."""
    try:
        if isinstance(recogniser, LocalRecogniser):
            return {"heard": recogniser.transcribe(path)}
        reply = recogniser.transcribe(path, language)
    except (EndpointDown, EndpointFailed, EndpointRefused):
        raise
    except InputError as error:
        raise Unusable(f"{error.field} {error.problem}") from error
    return {"heard": reply.answers[0].text, **reply.usage.tokens}
