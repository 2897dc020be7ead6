"""Takes out the records whose speech is not what an independent recogniser hears."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Literal, get_args

from swift_saber.endpoint import EndpointDown, EndpointRefused
from swift_saber.errors import InputError
from swift_saber.language import Language
from swift_saber.pipeline.asr import EndpointRecogniser, LocalRecogniser, Recogniser
from swift_saber.pipeline.stage import Drop, Row, Stage, in_order
from swift_saber.pipeline.wer import UNIT, word_error_rate
from swift_saber.row_log import RowLog
from swift_saber.service import Service, check_choice, check_number

Engine = Literal["endpoint", "pocketsphinx"]

# Where not one clip was transcribed after so many refusals, it is the settings and not the clips (ours).
_ALL_REFUSED = 20


class Speech(Stage):
    """Has each clip's sound transcribed, and compares that with audio_desc.speech_content (wer.py says how).

    The check is published (figure 1a: an ASR model's transcript, "WER"); its threshold and recogniser are not, so all
    values are ours. A row that stays gets "speech": {"heard", "error_rate", "unit": "wer" or "cer", "engine"}.

    What was heard, and which requests were refused, is kept in `transcripts/`, one file for each task; no clip is
    sent to the same recogniser twice. A clip whose file cannot be read is tried again in the next run.

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
        """Yield each row with "speech", or its Drop: "speech differs" or "not transcribed".

        Raises:
            EndpointDown: the server cannot be asked, or has refused all of the first 20 clips.
            InputError: the recogniser does not know the language of a row, or as RowLog.
        """
        with RowLog(folder / "transcripts" / f"{rank:05d}.jsonl") as log:
            recogniser: Recogniser = (
                EndpointRecogniser(self._service.endpoint()) if self._service else LocalRecogniser()
            )
            hearing = _Hearing(recogniser, self._service.model if self._service else "pocketsphinx", log)
            threads = self._service.concurrency if self._service else 1
            yield from in_order(lambda row: self._check(row, hearing), rows, threads)

    def _check(self, row: Row, hearing: "_Hearing") -> Row | Drop:
        try:
            heard = hearing.of(row)
        except NotTranscribed as error:
            return Drop(row, "not transcribed", str(error))
        language: Language = row["language"]
        written, limit = row["audio_desc"]["speech_content"], self._limits[language]
        rate = word_error_rate(written, heard, language)
        if rate > limit:
            return Drop(row, "speech differs", {"heard": heard, "written": written, "error_rate": rate}, limit)
        speech = {"heard": heard, "error_rate": rate, "unit": UNIT[language], "engine": hearing.engine}
        return row | {"speech": speech}


class NotTranscribed(Exception):
    """This clip has no transcript; others may have one. Its text is the reason."""


class _Hearing:
    """What one recogniser hears in clips; each is heard once and kept. Threads may share it if they may the recogniser.

    Args:
        engine: names the recogniser in rows.
        log: open; what another recogniser has heard stays in it and does not count.
    """

    def __init__(self, recogniser: Recogniser, engine: str, log: RowLog) -> None:
        self.engine = engine
        self._recogniser, self._log = recogniser, log
        self._kept = {entry["id"]: entry for entry in log.read()}
        self._any_heard = any("heard" in entry and entry["engine"] == engine for entry in self._kept.values())
        self._refused = 0
        self._lock = Lock()

    def of(self, row: Row) -> str:
        """Return what is heard in a row's sound.

        Raises:
            NotTranscribed: nothing can be known of this one.
            InputError: the run cannot go on.
        """
        language: Language = row["language"]
        if language not in self._recogniser.languages:
            known = " and ".join(sorted(self._recogniser.languages))
            remedy = "write engine: endpoint and name a recogniser that does, or leave out such sources"
            raise InputError(row["id"], "language", f"is {language}, and {self.engine} knows {known} alone", remedy)
        name = f"{row['id']}/{self.engine}"
        with self._lock:
            entry = self._kept.pop(name, None)
        if entry is None:
            entry = {"id": name, "engine": self.engine, **self._transcribed(row, language)}
            self._log.append(entry)
        self._count(entry)
        if "refused" in entry:
            raise NotTranscribed(entry["refused"])
        heard: str = entry["heard"]
        return heard

    def _transcribed(self, row: Row, language: Language) -> dict[str, Any]:
        if not row["audios"]:
            raise NotTranscribed("the clip has no sound file")
        try:
            return {"heard": self._recogniser.transcribe(row["audios"][0], language)}
        except EndpointDown:
            raise
        except EndpointRefused as error:
            return {"refused": error.problem}
        except InputError as error:
            raise NotTranscribed(f"{error.field} {error.problem}") from error

    def _count(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._any_heard = self._any_heard or "heard" in entry
            self._refused += "refused" in entry
            hopeless = not self._any_heard and self._refused >= _ALL_REFUSED
        if hopeless:
            problem = f"all of the first {_ALL_REFUSED} clips were refused (the last: {entry['refused']})"
            remedy = f"correct the settings or the server, remove {self._log.path}, and run again"
            raise EndpointDown(self.engine, "request", problem, remedy)
