"""Takes out the records whose speech is not what an independent recogniser hears."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from swift_saber.data.log import RowLog
from swift_saber.errors import InputError, unreadable
from swift_saber.media.sound import RATE
from swift_saber.models.answer import EndpointDown, EndpointFailed, EndpointRefused
from swift_saber.models.asker import Replies, in_order
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.models.service import Service
from swift_saber.models.upload import checked
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record
from swift_saber.sed.record import SPEECH
from swift_saber.settings import AS_WRITTEN, SETTINGS, Number
from swift_saber.text.error_rate import UNIT, word_error_rate
from swift_saber.text.language import Language

_OF_SERVICE = ("model", "base_url", "key_env", "requests_per_minute", "concurrency")


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """Who hears, and how much may differ. All values are ours.

    Attributes:
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
    """

    engine: Literal["endpoint", "pocketsphinx"] = "endpoint"
    model: Any = None
    base_url: Any = None
    key_env: Any = None
    requests_per_minute: Any = None
    concurrency: Any = None
    max_wer: Annotated[Number, Field(ge=0), AS_WRITTEN] = 0.3
    max_cer: Annotated[Number, Field(ge=0), AS_WRITTEN] = 0.3


class LocalRecogniser:
    """pocketsphinx with the American English model that its package holds: no download, no graphics card.

    For trying things out and for tests: of clear speech it hears most words, of acted or noisy speech few, and in
    silence it may hear a word.

    Not for several threads. They would gain nothing, since pocketsphinx keeps Python's interpreter lock while it hears
    (two threads with a decoder each took as long as one: ours, measured); more tasks do.

    Raises:
        InputError: pocketsphinx is not installed.
    """

    model, address = "pocketsphinx", "this machine"  # as an Endpoint has them

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            remedy = "pip install 'swift-saber[asr]'"
            raise InputError("this Python", "pocketsphinx", "is not installed", remedy) from error
        self._decoder = pocketsphinx.Decoder(loglevel="FATAL")

    def transcribe(self, path: str) -> str:
        """Return the words in a wav file of 16 kHz mono; "" where none are heard.

        They depend on the file alone, not on what was heard before.

        Raises:
            InputError: the file cannot be heard.
        """
        samples = _samples(path)
        # Else its estimates of level and noise go over from one file to the next and change what is heard there.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(samples, no_search=False, full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return heard.hypstr if heard else ""


def _samples(path: str) -> bytes:
    """The samples of a wav file, 16 bits each, as pocketsphinx takes them."""
    import soundfile

    try:
        with open(path, "rb") as file:
            sound: Any
            sound, rate = soundfile.read(file, dtype="int16", always_2d=True)
    except OSError as error:
        raise unreadable(path, error) from error
    except soundfile.LibsndfileError as error:
        raise InputError(path, "audios", f"cannot be read ({error.error_string})", "write it again as wav") from error
    if rate != RATE or sound.shape[1] != 1:
        problem = f"has {rate} Hz and {sound.shape[1]} channels"
        raise InputError(path, "audios", problem, "write it as wav of 16000 Hz and 1 channel")
    if not len(sound):
        raise InputError(path, "audios", "holds no sound", "leave out this clip")
    return bytes(sound.tobytes())


class Speech(Stage):
    """Has each clip's sound transcribed, and compares that with the words of its record (text/error_rate.py).

    The check is published (figure 1a: an ASR model's transcript, "WER"); its threshold and recogniser are not, so all
    values are ours. A row that stays gets "speech": {"heard", "error_rate", "unit": "wer" or "cer", "engine"}.

    What was heard, and which requests were refused, is kept in `transcripts/`, one file for each task; no clip is
    sent to the same recogniser twice. A clip whose file cannot be read is tried again when the stage is done again.
    """

    name = "speech"
    form = Settings
    measured = "speech"
    shown = ("speech", "audio_desc")
    settings: Settings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        given = {key: settings[key] for key in _OF_SERVICE if settings.get(key) is not None}
        if self.settings.engine == "pocketsphinx" and given:
            remedy = "leave it out, or write engine: endpoint"
            raise InputError("recipe", f"speech.{next(iter(given))}", "is not a setting of pocketsphinx", remedy)
        self._service = Service.read(given, "speech") if self.settings.engine == "endpoint" else None

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
            yield from in_order(partial(self._check, recogniser, replies, folder.parent), rows, threads)

    def _check(self, recogniser: Endpoint | LocalRecogniser, replies: Replies, output: Path, row: Row) -> Row | Drop:
        must_have_record(row)
        language: Language = row["language"]
        engine = recogniser.model
        if not self._service and language != "en":
            remedy = "write engine: endpoint and name a recogniser that does, or leave out such sources"
            raise InputError(row["id"], "language", f"is {language}, and {engine} knows en alone", remedy)
        if not row["audios"]:
            return Drop(row, "not transcribed", "the clip has no sound file")
        try:
            path = row["audios"][0]
            heard = replies.of(f"{row['id']}/{engine}", lambda: _heard(recogniser, path, language, output))["heard"]
        except Unusable as error:
            return Drop(row, UNANSWERED if error.kind == UNANSWERED else "not transcribed", error.reason)
        written = row["audio_desc"][SPEECH]
        limit = self.settings.max_wer if language == "en" else self.settings.max_cer
        rate = word_error_rate(written, heard, language)
        if rate > limit:
            return Drop(row, "speech differs", {"heard": heard, "written": written, "error_rate": rate}, limit)
        return row | {"speech": {"heard": heard, "error_rate": rate, "unit": UNIT[language], "engine": engine}}


def _heard(recogniser: Endpoint | LocalRecogniser, path: str, language: Language, output: Path) -> dict[str, Any]:
    """What is to be kept of what is heard in a file; nothing is of one that cannot be read."""
    try:
        if isinstance(recogniser, LocalRecogniser):
            return {"heard": recogniser.transcribe(path)}
        with checked(path, "audio", output) as clip:
            reply = recogniser.transcribe(str(clip), language)
    except (EndpointDown, EndpointFailed, EndpointRefused):
        raise
    except InputError as error:
        raise Unusable(f"{error.field} {error.problem}") from error
    return {"heard": reply.answers[0].text, **reply.usage.tokens}
