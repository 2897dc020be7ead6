"""The speech check as a stage: against a scripted server, and against a real voice and a real recogniser."""

import itertools
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.models.asker import usage
from swift_saber.models.endpoint import EndpointDown
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.speech import Speech
from swift_saber.text.strict_json import dumps
from tests.pipeline.stages.asr_server import files, hearing, needs_espeak, say

Found = list[dict[str, Any] | Drop]


def row(name: str, audio: str | Path, written: str, language: str = "en") -> dict[str, Any]:
    record = {"audio_desc": {"speech_content": written, "acoustic_feat": "calm"}, "video_desc": "a room"}
    return {"id": f"test/{name}", "language": language, "videos": ["v.mp4"], "audios": [str(audio)], **record}


@pytest.fixture
def clips(tmp_path: Path) -> list[dict[str, Any]]:
    """Eight rows whose record says "this is clip number <n>", with a wav each."""
    rows = []
    tone = 0.1 * np.sin(np.arange(1600))  # silence is not sent to anybody
    for number in range(8):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, tone, 16_000)
        rows.append(row(str(number), path, f"this is clip number {number}"))
    return rows


def right(filename: str) -> str:
    return f"This is clip number {Path(filename).stem}!"


def stage(url: str, **settings: Any) -> Speech:
    return Speech(engine="endpoint", model="whisper", base_url=url, **settings)


def test_a_row_that_is_heard_as_written_stays_and_says_what_was_heard(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    with hearing(right) as server:
        (found,) = stage(server.url).run(clips[:1], tmp_path / "out", 0)
    speech = {"heard": "This is clip number 0!", "error_rate": 0.0, "unit": "wer", "engine": "whisper"}
    assert found == clips[0] | {"speech": speech}


def test_speech_that_differs_is_dropped_with_both_texts(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    with hearing(lambda _: "this was not number zero") as server:
        (found,) = stage(server.url).run(clips[:1], tmp_path / "out", 0)
    # "is clip" of five words is heard as "was not": 2 of 5.
    value = {"heard": "this was not number zero", "written": "this is clip number 0", "error_rate": 0.4}
    assert found == Drop(clips[0], "speech differs", value, 0.3)


def test_the_limit_itself_still_passes(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    with hearing(lambda _: "this was not number zero") as server:
        (found,) = stage(server.url, max_wer=0.4).run(clips[:1], tmp_path / "out", 0)
    assert isinstance(found, dict)


def test_chinese_is_judged_by_characters_and_a_limit_of_its_own(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = [row("zh", clips[0]["audios"][0], "我不知道啊", "zh")]
    with hearing(lambda _: "我不知道吗") as server:  # 1 of 5
        (passed,) = stage(server.url, max_wer=0.0).run(rows, tmp_path / "passed", 0)
        (dropped,) = stage(server.url, max_cer=0.1).run(rows, tmp_path / "dropped", 0)
    assert passed["speech"] == {"heard": "我不知道吗", "error_rate": 0.2, "unit": "cer", "engine": "whisper"}
    assert isinstance(dropped, Drop)
    assert dropped.limit == 0.1
    assert {upload.body["language"] for upload in server.asked} == {"zh"}


def test_one_refused_clip_is_dropped_and_the_others_go_on(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    def answer(filename: str) -> Any:
        return (400, {"error": {"message": "too noisy"}}) if filename == "1.wav" else right(filename)

    with hearing(answer) as server:
        first = list(stage(server.url).run(clips[:3], tmp_path / "out", 0))
        assert list(stage(server.url).run(clips[:3], tmp_path / "out", 0)) == first
    assert first[1] == Drop(clips[1], "not transcribed", "400: too noisy")
    assert isinstance(first[0], dict)
    assert isinstance(first[2], dict)
    assert files(server) == ["0.wav", "1.wav", "2.wav"]  # the refused one is not sent again either


def test_a_clip_that_the_server_fails_at_is_set_aside_and_sent_again_by_the_next_run(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    def answer(filename: str) -> Any:
        return (500, {"error": {"message": "decoder"}}) if filename == "1.wav" and broken else right(filename)

    broken = True
    with hearing(answer) as server:
        first = list(stage(server.url).run(clips[:3], tmp_path / "out", 0))
        assert first[1] == Drop(clips[1], "not answered", "500: decoder")
        broken = False
        again = list(stage(server.url).run(clips[:3], tmp_path / "out", 0))
    assert [type(one) for one in again] == [dict, dict, dict]
    assert (again[0], again[2]) == (first[0], first[2])
    # The client sends it 5 times more.
    sent = [name for name in files(server) if name != "silence.wav"]
    assert sent == ["0.wav", *["1.wav"] * 7, "2.wav"]


def test_a_transcript_says_what_it_cost(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    paid = {"usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 3}}
    with hearing(lambda filename: (200, {"text": right(filename), **paid})) as server:
        list(stage(server.url).run(clips[:2], tmp_path / "out", 0))
    assert usage(tmp_path / "out") == {"whisper": {"requests": 2, "prompt_tokens": 28, "completion_tokens": 6}}


def test_transcripts_of_before_they_said_what_they_cost_are_not_asked_for_again(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    kept = {"id": "test/0/whisper", "engine": "whisper", "heard": "This is clip number 0!"}
    refused = {"id": "test/1/whisper", "engine": "whisper", "refused": "400: too noisy"}
    write_rows(tmp_path / "out" / "transcripts" / "00000.jsonl", [kept, refused])
    with hearing(right) as server:
        heard, drop = stage(server.url).run(clips[:2], tmp_path / "out", 0)
    assert isinstance(heard, dict) and heard["speech"]["heard"] == kept["heard"]
    assert drop == Drop(clips[1], "not transcribed", "400: too noisy")
    assert files(server) == []
    assert usage(tmp_path / "out") == {}


def test_a_clip_without_its_file_is_dropped_and_tried_again_when_it_is_there(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    sound = Path(clips[0]["audios"][0])
    content = sound.read_bytes()
    sound.unlink()
    silent = clips[1] | {"audios": []}
    with hearing(right) as server:
        gone, none = stage(server.url).run([clips[0], silent], tmp_path / "out", 0)
        sound.write_bytes(content)
        (back,) = stage(server.url).run(clips[:1], tmp_path / "out", 0)
    assert isinstance(gone, Drop)
    assert gone.reason == "not transcribed"
    assert "is missing" in gone.value
    assert none == Drop(silent, "not transcribed", "the clip has no sound file")
    assert isinstance(back, dict)


def test_a_server_that_goes_down_stops_the_run_and_nothing_is_sent_twice(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    answered = itertools.count()

    def failing(filename: str) -> Any:
        return right(filename) if next(answered) < 3 else (401, {"error": {"message": "key expired"}})

    with hearing(right) as server:
        whole = list(stage(server.url).run(clips, tmp_path / "whole", 0))
    with hearing(failing) as server, pytest.raises(EndpointDown, match="key expired"):
        list(stage(server.url, concurrency=1).run(clips, tmp_path / "out", 0))
    with hearing(right) as server:
        assert list(stage(server.url, concurrency=1).run(clips, tmp_path / "out", 0)) == whole
    assert files(server) == [f"{number}.wav" for number in range(3, 8)]


def test_a_run_that_is_left_at_any_row_goes_on_without_asking_twice(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    with hearing(right) as server:
        whole = list(stage(server.url).run(clips, tmp_path / "whole", 0))
    with hearing(right) as server:
        for rows in (1, 2, 5):
            run = stage(server.url, concurrency=2).run(clips, tmp_path / "out", 0)
            assert list(itertools.islice(run, rows)) == whole[:rows]
            run.close()  # type: ignore[attr-defined]
        assert list(stage(server.url, concurrency=2).run(clips, tmp_path / "out", 0)) == whole
    assert files(server) == [f"{number}.wav" for number in range(8)]


def test_rows_keep_their_order_while_several_are_asked_at_a_time(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    # No answer before four clips are there.
    together = threading.Barrier(4)

    def answer(filename: str) -> str:
        together.wait(timeout=30)
        return right(filename)

    with hearing(answer) as server:
        found = list(stage(server.url, concurrency=4).run(clips, tmp_path / "out", 0))
    assert [one["id"] for one in found if isinstance(one, dict)] == [clip["id"] for clip in clips]


def test_another_recogniser_hears_for_itself(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    with hearing(right) as server:
        list(stage(server.url).run(clips[:1], tmp_path / "out", 0))
        other = Speech(model="paraformer", base_url=server.url)
        (found,) = other.run(clips[:1], tmp_path / "out", 0)
    assert isinstance(found, dict)
    assert found["speech"]["engine"] == "paraformer"
    assert [upload.body["model"] for upload in server.asked] == ["whisper", "paraformer"]


def test_a_server_that_refuses_every_clip_stops_the_run_again_and_again(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    many = [clips[0] | {"id": f"test/{number}"} for number in range(40)]
    with hearing(lambda _: (400, {"error": {"message": "model does not take audio"}})) as server:
        for _ in range(2):
            with pytest.raises(EndpointDown, match="all of the first 20 requests were refused .*does not take audio"):
                list(stage(server.url, concurrency=1).run(many, tmp_path / "out", 0))
    assert 20 <= len(server.asked) <= 40


def test_transcripts_of_a_killed_run_are_kept_as_rows_that_a_person_can_read(
    clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    with hearing(right) as server:
        list(stage(server.url).run(clips[:1], tmp_path / "out", 7))
    (line,) = (tmp_path / "out" / "transcripts" / "00007.jsonl").read_text().splitlines()
    paid = {"prompt_tokens": 0, "completion_tokens": 0}  # as far as the server says
    assert json.loads(line) == {"id": "test/0/whisper", "engine": "whisper", "heard": "This is clip number 0!"} | paid


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        ({"engine": "sphinx"}, "speech.engine", "endpoint or pocketsphinx"),
        ({"engine": "endpoint"}, "speech.model", "is not set"),
        ({"model": "whisper"}, "speech.base_url", "is not set"),
        ({"model": "whisper", "base_url": "localhost:8000"}, "speech.base_url", "no http address"),
        ({"model": "whisper", "base_url": "http://h/v1", "concurrency": 0}, "speech.concurrency", "at least 1"),
        (
            {"model": "whisper", "base_url": "http://h/v1", "requests_per_minute": 0},
            "speech.requests_per_minute",
            "at least",
        ),
        ({"model": "whisper", "base_url": "http://h/v1", "key_env": "sk-123"}, "speech.key_env", "name of a variable"),
        ({"engine": "pocketsphinx", "model": "whisper"}, "speech.model", "not a setting of pocketsphinx"),
        ({"engine": "pocketsphinx", "max_wer": -0.1}, "speech.max_wer", "at least 0"),
        ({"engine": "pocketsphinx", "max_wer": "low"}, "speech.max_wer", "a number"),
        ({"engine": "pocketsphinx", "max_cer": float("nan")}, "speech.max_cer", "a number"),
    ],
)
def test_a_wrong_setting_is_named_as_in_the_recipe(settings: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as found:
        Speech(**settings)
    assert (found.value.where, found.value.field) == ("recipe", field)


def test_the_stage_can_be_sent_to_another_process(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    with hearing(right) as server:
        sent = pickle.loads(pickle.dumps(stage(server.url)))
        (found,) = sent.run(clips[:1], tmp_path / "out", 0)
    assert isinstance(found, dict)
    dumps(found)  # what a stage yields is JSON


def test_pocketsphinx_does_not_pretend_to_know_chinese(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = [row("zh", clips[0]["audios"][0], "你好", "zh")]
    with pytest.raises(InputError, match=r"test/zh: language: is zh, and pocketsphinx knows en alone; write engine"):
        list(Speech(engine="pocketsphinx").run(rows, tmp_path / "out", 0))


SAID = (
    "The airplane is almost full.",
    "There were 7 people in the room.",
    "My brother and my sister are coming home for the holidays.",
    "<sighs> The company will open a new office in the city next year.",
)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    folder = tmp_path_factory.mktemp("spoken")
    yield [say(text.replace("<sighs> ", ""), folder / f"{number}.wav") for number, text in enumerate(SAID)]


@needs_espeak
def test_a_real_voice_passes_with_its_own_transcript_and_not_with_another(spoken: list[str], tmp_path: Path) -> None:
    own = [row(f"own{n}", path, text) for n, (path, text) in enumerate(zip(spoken, SAID, strict=True))]
    swapped = [row(f"swapped{n}", path, SAID[n - 1]) for n, path in enumerate(spoken)]
    found = list(Speech(engine="pocketsphinx").run(own + swapped, tmp_path / "out", 0))
    assert [isinstance(one, Drop) for one in found] == [False] * 4 + [True] * 4
    for one in found[:4]:
        assert isinstance(one, dict)
        assert one["speech"]["engine"] == "pocketsphinx"
    for one in found[4:]:
        assert isinstance(one, Drop)
        assert one.reason == "speech differs"
        # Another sentence is far beyond the limit, not just above it.
        assert one.value["error_rate"] > 2 * one.limit
