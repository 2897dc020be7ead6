"""Recognisers: a real server that takes uploads, and pocketsphinx on a real voice."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.models.endpoint import Endpoint, EndpointDown, EndpointRefused
from swift_saber.pipeline.stages.speech import LocalRecogniser
from swift_saber.text.error_rate import word_error_rate
from tests.pipeline.stages.asr_server import hearing, needs_espeak, say


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 9), 16_000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def local() -> LocalRecogniser:
    return LocalRecogniser()


def test_the_file_model_and_language_are_sent_and_the_text_comes_back(tone: Path) -> None:
    with hearing(lambda _: "你好") as server:
        heard = Endpoint("whisper", server.url).transcribe(str(tone), "zh")
    assert heard.answers[0].text == "你好"
    (upload,) = server.asked
    assert upload.path == "/v1/audio/transcriptions"
    assert upload.body["file"] == tone.read_bytes()
    assert {"model": "whisper", "language": "zh"}.items() <= upload.body.items()


def test_a_refusal_and_a_server_that_is_down_are_told_apart(tone: Path) -> None:
    with hearing(lambda _: (400, {"error": {"message": "audio too short"}})) as server:
        recogniser = Endpoint("whisper", server.url, retries=0)
        with pytest.raises(EndpointRefused, match="audio too short"):
            recogniser.transcribe(str(tone), "en")
    with pytest.raises(EndpointDown, match="cannot be reached"):
        recogniser.transcribe(str(tone), "en")


@needs_espeak
@pytest.mark.parametrize(
    "text", ["The airplane is almost full.", "I'm on my way to the meeting.", "Maybe tomorrow it will be cold."]
)
def test_pocketsphinx_hears_what_was_said(text: str, tmp_path: Path, local: LocalRecogniser) -> None:
    heard = local.transcribe(say(text, tmp_path / "a.wav"))
    assert word_error_rate(text, heard, "en") <= 0.2


@needs_espeak
def test_what_pocketsphinx_hears_depends_on_the_file_alone(tmp_path: Path, local: LocalRecogniser) -> None:
    noise = np.clip(np.random.default_rng(0).normal(0, 0.3, 32_000), -1, 1)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000)
    for number, text in enumerate(["The airplane is almost full.", "how could you do this to me"]):
        path = say(text, tmp_path / f"{number}.wav")
        first = local.transcribe(path)
        local.transcribe(str(tmp_path / "noise.wav"))
        assert local.transcribe(path) == first


def test_pocketsphinx_hears_nothing_in_sound_that_is_shorter_than_a_word(
    tmp_path: Path, local: LocalRecogniser
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16_000)
    assert local.transcribe(str(tmp_path / "a.wav")) == ""


@pytest.mark.parametrize(
    ("rate", "shape", "problem"),
    [
        (8_000, (8_000,), "8000 Hz and 1 channels"),
        (16_000, (16_000, 2), "16000 Hz and 2 channels"),
        (16_000, (0,), "no sound"),
    ],
)
def test_pocketsphinx_refuses_sound_of_another_form(
    rate: int, shape: tuple[int, ...], problem: str, tmp_path: Path, local: LocalRecogniser
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(shape), rate)
    with pytest.raises(InputError, match=problem):
        local.transcribe(str(path))


def test_pocketsphinx_refuses_what_is_no_sound_file(tmp_path: Path, local: LocalRecogniser) -> None:
    (tmp_path / "a.wav").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match="cannot be read"):
        local.transcribe(str(tmp_path / "a.wav"))
    with pytest.raises(InputError, match="No such file"):
        local.transcribe(str(tmp_path / "b.wav"))


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(InputError, match=r"pip install 'swift-saber\[asr\]'"):
        LocalRecogniser()
