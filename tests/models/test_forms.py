"""A clip in the forms that services take: what goes over the wire, and how the form is found."""

import base64
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from swift_saber.errors import InputError
from swift_saber.media.frames import read_frames
from swift_saber.models.clips import clip_parts
from swift_saber.models.endpoint import Endpoint, EndpointRefused
from swift_saber.models.forms import FORMS, in_form
from tests import services
from tests.llm_server import Asked, LLMServer, Reply, fails
from tests.media_faults import encode, frames, sound

ASK = {"temperature": 0.0, "max_tokens": 16}
VIDEO_AND_SOUND = ["video_url", "audio_url"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A video of two seconds, eight frames a second, and its sound."""
    folder = tmp_path_factory.mktemp("clip")
    encode(folder / "a.mp4", frames(16))
    soundfile.write(folder / "a.wav", sound(2), 16_000)
    return str(folder / "a.mp4"), str(folder / "a.wav")


def turn(*parts: dict[str, Any], text: str = "What is felt?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]


def question(clip: tuple[str, str], **more: str) -> list[dict[str, Any]]:
    return turn(*clip_parts([clip[0]], [clip[1]]), **more)


def kinds(asked: Asked) -> list[str]:
    """The types of what went along, each once for each time in a row."""
    found = [part["type"] for part in asked.parts if part["type"] != "text"]
    return [kind for before, kind in zip([None, *found], found, strict=False) if kind != before]


def test_data_urls_stay_as_they_are(clip: tuple[str, str]) -> None:
    assert in_form(question(clip), "base64") == question(clip)


def test_sound_travels_as_openai_has_it(clip: tuple[str, str]) -> None:
    (sent,) = in_form(question(clip), "input_audio")
    video, heard, text = sent["content"]
    data = base64.b64encode(Path(clip[1]).read_bytes()).decode()
    assert (video, text) == (question(clip)[0]["content"][0], {"type": "text", "text": "What is felt?"})
    assert heard == {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


@pytest.mark.parametrize(
    ("name", "form", "sent"), [("b.mp3", "MP3", "mp3"), ("b.flac", "FLAC", "wav"), ("b", "OGG", "wav")]
)
def test_sound_of_other_kinds_becomes_a_wav(tmp_path: Path, name: str, form: str, sent: str) -> None:
    """OpenAI's schema knows wav and mp3; a file without an ending passes for a wav, and may be none."""
    soundfile.write(tmp_path / name, sound(2), 16_000, format=form)
    (found,) = in_form(turn(*clip_parts([], [str(tmp_path / name)])), "input_audio")
    part = found["content"][0]["input_audio"]
    data = base64.b64decode(part["data"])
    assert part["format"] == sent and soundfile.info(io.BytesIO(data)).format == sent.upper()
    if sent == "mp3":
        assert data == (tmp_path / name).read_bytes()
    else:
        samples, rate = soundfile.read(io.BytesIO(data))
        assert (rate, round(len(samples) / rate)) == (16_000, 2)
        assert abs(samples).max() == pytest.approx(abs(sound(2)).max(), rel=0.2)


def test_a_video_travels_as_frames_that_stand_at_the_times_said(clip: tuple[str, str]) -> None:
    """Two a second of eight: every fourth frame, as a JPEG that shows it."""
    (sent,) = in_form(question(clip), "frames")
    words, *pictures, heard, text = sent["content"]
    assert words == {"type": "text", "text": "Frames of a video, at 0.00, 0.50, 1.00, 1.50 s:"}
    assert [part["type"] for part in (*pictures, heard, text)] == ["image_url"] * 4 + ["input_audio", "text"]
    true = np.array(read_frames(clip[0], lambda total, fps: range(total)).pixels, int)
    shown = [np.array(Image.open(io.BytesIO(services.bytes_of(part["image_url"]["url"])))) for part in pictures]
    assert [int(abs(true - one).mean(axis=(1, 2, 3)).argmin()) for one in shown] == [0, 4, 8, 12]


def test_of_a_long_video_forty_frames_go_along_and_of_a_large_one_small_ones(tmp_path: Path) -> None:
    """25 seconds would be 50; they spread over all of it. 1600 x 56 pixels become 768 x 27."""
    encode(tmp_path / "long.mp4", frames(200))
    words, *pictures, _ = in_form(turn(*clip_parts([str(tmp_path / "long.mp4")], [])), "frames")[0]["content"]
    times = [
        float(word) for word in words["text"].removeprefix("Frames of a video, at ").removesuffix(" s:").split(", ")
    ]
    assert len(times) == len(pictures) == 40
    assert times[0] == 0 and 24 < times[-1] < 25
    encode(tmp_path / "wide.mp4", np.tile(frames(16), (1, 1, 28, 1))[:, :, :1600])
    picture = in_form(turn(*clip_parts([str(tmp_path / "wide.mp4")], [])), "frames")[0]["content"][1]
    assert Image.open(io.BytesIO(services.bytes_of(picture["image_url"]["url"]))).size == (768, 27)


@pytest.mark.parametrize(("count", "times"), [(8, [0, 0.25, 0.5, 0.75]), (3, [0, 0.125, 0.25]), (2, [0, 0.125])])
def test_of_a_short_video_four_frames_go_along_where_it_has_them(
    tmp_path: Path, count: int, times: list[float]
) -> None:
    encode(tmp_path / "a.mp4", frames(count))
    words, *pictures, _ = in_form(turn(*clip_parts([str(tmp_path / "a.mp4")], [])), "frames")[0]["content"]
    assert words["text"] == f"Frames of a video, at {', '.join(f'{time:.2f}' for time in times)} s:"
    assert len(pictures) == len(times)


def test_equal_clips_are_sent_as_equal_bytes(clip: tuple[str, str]) -> None:
    assert in_form(question(clip), "frames") == in_form(question(clip), "frames")


def test_what_holds_no_clip_as_data_stays(clip: tuple[str, str]) -> None:
    messages = [{"role": "system", "content": "Be brief."}, *turn(*clip_parts([clip[0]], [clip[1]], "path"))]
    assert all(in_form(messages, form) == messages for form in FORMS)


def test_a_video_that_is_none_is_a_refusal_of_its_request_and_not_of_the_run() -> None:
    broken = turn({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}})
    with LLMServer(services.openai) as server, pytest.raises(EndpointRefused, match="clip: cannot be sent as frames"):
        Endpoint("m", server.url, media="frames").complete(broken, **ASK)
    assert not server.asked


SERVICES = [
    ("vllm", "base64", ["video_url", "audio_url"]),
    ("sglang", "base64", ["video_url", "audio_url"]),
    ("swift_deploy", "base64", ["video_url", "audio_url"]),
    ("openrouter", "input_audio", ["video_url", "input_audio"]),
    ("openai", "frames", ["image_url", "input_audio"]),
    ("llama_cpp", "frames", ["image_url", "input_audio"]),
]


@pytest.mark.parametrize(("name", "form", "sent"), SERVICES)
def test_each_service_takes_the_form_that_is_said_to_be_its(
    clip: tuple[str, str], name: str, form: Any, sent: list[str]
) -> None:
    with LLMServer(getattr(services, name)) as server:
        endpoint = Endpoint("m", server.url, media=form)
        assert endpoint.complete(question(clip), **ASK) == [("seen and heard", False)]
    assert [kinds(asked) for asked in server.asked] == [sent]


@pytest.mark.parametrize(("name", "form", "sent"), SERVICES)
def test_the_form_is_found_once_and_remembered(
    clip: tuple[str, str], name: str, form: str, sent: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No request more where the first form is taken; else the clip, one made here in each form, and the clip again."""
    with LLMServer(getattr(services, name)) as server:
        endpoint = Endpoint("m", server.url)
        for _ in range(3):
            assert endpoint.complete(question(clip), **ASK) == [("seen and heard", False)]
    tried = FORMS[: FORMS.index(form) + 1]
    assert len(server.asked) == (3 if form == "base64" else 3 + 1 + len(tried))
    assert [kinds(asked) for asked in server.asked[-3:]] == [sent] * 3
    said = capsys.readouterr().err
    assert said.count("\n") == (form != "base64") and (form == "base64" or f"(media: {form})" in said)


def test_the_form_is_said_once_whatever_media_the_clips_have(
    clip: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with LLMServer(services.openai) as server:
        endpoint = Endpoint("m", server.url)
        for parts in (clip_parts([clip[0]], [clip[1]]), clip_parts([clip[0]], [])):
            endpoint.complete(turn(*parts), **ASK)
    assert capsys.readouterr().err.count("clips go as frames from now on") == 1


def test_what_is_made_to_find_the_form_is_no_clip_of_the_users(clip: tuple[str, str]) -> None:
    with LLMServer(services.openai) as server:
        Endpoint("m", server.url).complete(question(clip), **ASK)
    first, *tries, last = server.asked
    own = json.dumps(question(clip)[0]["content"][0])[-400:-100]
    assert [own in json.dumps(asked.body) for asked in (first, *tries)] == [True, False, False, False]
    assert [asked.body["max_tokens"] for asked in tries] == [1, 1, 1]
    assert "What is felt?" in last.text and all("felt" not in asked.text for asked in tries)


def test_a_gateway_that_refuses_with_status_200_is_understood_too(clip: tuple[str, str]) -> None:
    with LLMServer(services.upstream(services.openai)) as server:
        assert Endpoint("m", server.url).complete(question(clip), **ASK) == [("seen and heard", False)]


def test_a_clip_that_is_refused_itself_costs_one_request_more_and_no_other_form(clip: tuple[str, str]) -> None:
    """The server takes the one that is made here: it is this clip that is at fault."""
    with LLMServer(lambda asked: fails(400, "too long") if "felt" in asked.text else services.vllm(asked)) as server:
        endpoint = Endpoint("m", server.url)
        for _ in range(2):
            with pytest.raises(EndpointRefused, match="request: 400: too long; change or leave out this request"):
                endpoint.complete(question(clip), **ASK)
        assert endpoint.complete(question(clip, text="Other words"), **ASK)
    assert [kinds(asked) for asked in server.asked] == [VIDEO_AND_SOUND] * 4


def test_each_medium_has_its_form(clip: tuple[str, str]) -> None:
    """A service that took a video may take no audio_url, as where the sound is withheld at first."""
    with LLMServer(services.openrouter) as server:
        endpoint = Endpoint("m", server.url)
        endpoint.complete(turn(*clip_parts([clip[0]], [])), **ASK)
        endpoint.complete(question(clip), **ASK)
    assert kinds(server.asked[0]) == ["video_url"] and kinds(server.asked[-1]) == ["video_url", "input_audio"]


def test_a_model_that_takes_no_clips_at_all_says_so_with_every_form(clip: tuple[str, str]) -> None:
    with LLMServer(services.text_only) as server:
        endpoint = Endpoint("m", server.url)
        for _ in range(2):
            with pytest.raises(EndpointRefused) as caught:
                endpoint.complete(question(clip), **ASK)
            said = str(caught.value)
            assert "400: this model does not support video_url content" in said
            assert "no clip is taken, be it sent as base64 (" in said and "frames (400: this model does not" in said
    assert len(server.asked) == 1 + 3 + 1


def test_a_router_without_a_provider_for_the_medium_is_a_refusal_and_no_wrong_address(clip: tuple[str, str]) -> None:
    with (
        LLMServer(services.none_of_a_router) as server,
        pytest.raises(EndpointRefused, match="404: No endpoints found"),
    ):
        Endpoint("m", server.url).complete(question(clip), **ASK)


@pytest.mark.parametrize(
    ("form", "hint"),
    [
        ("base64", r"\(clips went as base64; try media: input_audio, frames or auto\)"),
        ("input_audio", r"\(clips went as input_audio; try media: base64, frames or auto\)"),
    ],
)
def test_a_refusal_names_the_forms_to_try(clip: tuple[str, str], form: Any, hint: str) -> None:
    with LLMServer(services.openai) as server, pytest.raises(EndpointRefused, match=f"400: Invalid value.* {hint}"):
        Endpoint("m", server.url, media=form).complete(question(clip), **ASK)
    assert len(server.asked) == 1


def test_a_refused_path_names_data_urls(clip: tuple[str, str]) -> None:
    by_path = turn(*clip_parts([clip[0]], [clip[1]], "path"))
    hint = r"\(clips went as addresses of files; try media: auto\)"
    with LLMServer(services.vllm) as server, pytest.raises(EndpointRefused, match=f"allowed-local-media-path.* {hint}"):
        Endpoint("m", server.url).complete(by_path, **ASK)
    assert len(server.asked) == 1


def test_a_question_without_a_clip_gets_no_word_of_clips() -> None:
    with (
        LLMServer(lambda _: fails(400, "no")) as server,
        pytest.raises(EndpointRefused, match="400: no; change or leave"),
    ):
        Endpoint("m", server.url).complete(turn(), **ASK)
    assert len(server.asked) == 1


def test_many_threads_find_the_form_once(clip: tuple[str, str]) -> None:
    """All eight are refused at a time; one of them asks for all."""
    together = threading.Barrier(8)

    def script(asked: Asked) -> Reply:
        if asked.number < 8 and "video_url" in kinds(asked) and "felt" in asked.text:
            together.wait(20)
        return services.openai(asked)

    with LLMServer(script) as server, ThreadPoolExecutor(8) as pool:
        endpoint = Endpoint("m", server.url)
        answers = list(pool.map(lambda _: endpoint.complete(question(clip), **ASK), range(8)))
    assert answers == [[("seen and heard", False)]] * 8
    assert sum(asked.body["max_tokens"] == 1 for asked in server.asked) == 3


def test_a_stream_travels_in_the_same_form(clip: tuple[str, str]) -> None:
    with LLMServer(services.openai) as server:
        pieces = list(Endpoint("m", server.url).stream(question(clip), **ASK))
    assert "".join(piece.text for piece in pieces) == "seen and heard"


def test_a_form_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="media: 'pigeon' is not known; write auto, base64, input_audio or frames"):
        Endpoint("m", "http://127.0.0.1:9/v1", media="pigeon")  # type: ignore[arg-type]
