"""A recogniser of speech on this machine: sound in, words out. The one behind an address is endpoint.transcribe."""

from typing import Any

from swift_saber.errors import InputError, unreadable

RATE = 16_000


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
