"""Candidates are sampled for every clip exactly once, and nothing that goes wrong is hidden."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.media.settings import READER
from swift_saber.models.endpoint import Endpoint, EndpointDown
from swift_saber.models.process import ModelProcess
from swift_saber.pairs import questions as questions_module
from swift_saber.pairs.sample import sample
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.sed.layout import INSTRUCTIONS
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound
from tests.models.test_endpoint import completion, serving
from tests.pairs import watched_model


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Loading a model sets its media settings in this process; the next test must not find them."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def questions(tiny_world: Path, tmp_path: Path) -> Path:
    """Four plain questions."""
    write_rows(tmp_path / "questions.jsonl", rows_of(tiny_world / "eval.jsonl")[:4])
    return tmp_path / "questions.jsonl"


def parts(request: dict[str, Any]) -> list[str]:
    """What a request's last turn is made of."""
    return [part.get("text", part["type"]) for part in request["messages"][-1]["content"]]


def n_texts(request: dict[str, Any], number: int) -> tuple[int, Any]:
    """Reply as a server that heeds n."""
    return 200, completion(*(f"answer {number}.{i}" for i in range(request["n"])))


def ask(questions: Path, output: Path, url: str, **options: Any) -> dict[str, int]:
    endpoint = Endpoint("m", url, timeout=20, retries=0)
    return sample(questions, output, source=endpoint, **{"k": 3, "concurrency": 2, **options})


def run_sample(
    questions: Path, output: Path, *, model: str, base_url: str | None = None, **options: Any
) -> dict[str, int]:
    """As the command does it."""
    return sample(questions, output, source=Endpoint(model, base_url) if base_url else model, **options)


def test_a_record_is_asked_about_and_not_shown(tiny_world: Path, tmp_path: Path) -> None:
    record = rows_of(tiny_world / "train.jsonl")[0]
    write_rows(tmp_path / "records.jsonl", [record])
    with serving(n_texts) as server:
        counts = ask(tmp_path / "records.jsonl", tmp_path / "out.jsonl", server.url, seed=5)
    assert counts == {"clips": 1, "already_there": 0, "sampled": 1, "failed": 0, "short": 0, "candidates": 3, "cut": 0}
    assert rows_of(tmp_path / "out.jsonl") == [
        {
            "id": record["id"],
            "language": "en",
            "videos": record["videos"],
            "audios": record["audios"],
            "messages": [{"role": "user", "content": INSTRUCTIONS["en"]}],
            "consistency": record["consistency"],
            "labels": record["labels"],
            "candidates": [{"text": "answer 0.0"}, {"text": "answer 0.1"}, {"text": "answer 0.2"}],
            "sampling": {
                "model": "m",
                "k": 3,
                "temperature": 0.8,
                "max_new_tokens": 4096,
                "seed": 5,
                "withhold": [],
            },
        }
    ]
    (request,) = server.asked
    assert parts(request) == ["video_url", "audio_url", INSTRUCTIONS["en"]]
    assert (request["n"], request["temperature"], request["max_tokens"]) == (3, 0.8, 4096)
    # The answer is in the record's fields; none of them may be in the request.
    assert record["sentiment_analysis"] not in json.dumps(request)
    assert record["video_desc"] not in json.dumps(request)


def test_the_answer_at_the_end_of_messages_is_dropped_and_what_came_before_is_not(
    questions: Path, tmp_path: Path
) -> None:
    row = rows_of(questions)[0]
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "<audio>Who speaks?"},
        {"role": "assistant", "content": "A man."},
        {"role": "user", "content": "In <video> how does he feel?"},
        {"role": "assistant", "content": "the secret answer"},
    ]
    write_rows(questions, [{**row, "messages": turns}])
    with serving(n_texts) as server:
        ask(questions, tmp_path / "out.jsonl", server.url, withhold=("audios",))
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"] == turns[:4]
    whole, withheld = server.asked
    assert [turn["role"] for turn in whole["messages"]] == ["system", "user", "assistant", "user"]
    assert "secret" not in json.dumps(whole)
    assert [part["type"] for part in whole["messages"][1]["content"]] == ["audio_url", "text"]
    assert parts(whole) == ["In ", "video_url", " how does he feel?"]
    assert withheld["messages"][1]["content"] == "Who speaks?"


def test_a_turn_of_nothing_but_tags_gets_the_instruction_of_its_language(questions: Path, tmp_path: Path) -> None:
    rows = rows_of(questions)
    blank = {**rows[0], "messages": [{"role": "user", "content": "<video><audio>"}]}
    media_alone = {key: rows[1][key] for key in ("id", "videos", "audios")}
    write_rows(questions, [{**blank, "language": "en"}, media_alone])
    with serving(n_texts) as server:
        ask(questions, tmp_path / "out.jsonl", server.url, concurrency=1)
    assert [parts(request)[-1] for request in server.asked] == [INSTRUCTIONS["en"], INSTRUCTIONS["zh"]]
    assert [row["language"] for row in rows_of(tmp_path / "out.jsonl")] == ["en", "zh"]


def test_a_withheld_modality_is_not_in_the_request_and_is_named_in_the_answer(questions: Path, tmp_path: Path) -> None:
    both, no_sound = rows_of(questions)[:2]
    del no_sound["audios"]
    write_rows(questions, [both, no_sound])

    def by_media(request: dict[str, Any], _: int) -> tuple[int, Any]:
        return 200, completion(*["+".join(parts(request)[:-1])] * request["n"])

    with serving(by_media) as server:
        counts = ask(questions, tmp_path / "out.jsonl", server.url, k=2, withhold=("audios", "videos"), concurrency=1)
    first, second = rows_of(tmp_path / "out.jsonl")
    whole = {"text": "video_url+audio_url"}
    seen = {"text": "video_url", "withheld": "audios"}
    heard = {"text": "audio_url", "withheld": "videos"}
    assert first["candidates"] == [whole, whole, seen, seen, heard, heard]
    # Nothing can be taken from a clip of one modality.
    assert second["candidates"] == [{"text": "video_url"}] * 2
    assert (counts["candidates"], counts["short"]) == (8, 0)


def test_a_server_that_ignores_n_is_asked_until_k_are_there(questions: Path, tmp_path: Path) -> None:
    write_rows(questions, rows_of(questions)[:1])
    with serving(lambda _, number: (200, completion(f"answer {number}"))) as server:
        counts = ask(questions, tmp_path / "out.jsonl", server.url, k=5)
    assert counts["candidates"] == 5
    assert counts["short"] == 0
    # Five different seeds, or an obedient server would have said the same five times.
    assert len({request["seed"] for request in server.asked}) == len(server.asked) == 5


def test_fewer_than_k_are_accepted_and_said(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(questions, rows_of(questions)[:1])
    with serving(lambda _, number: (200, completion(*([None, "one", ""] if number == 0 else [None])))) as server:
        counts = ask(questions, tmp_path / "out.jsonl", server.url)
    assert (counts["sampled"], counts["short"], counts["candidates"], counts["failed"]) == (1, 1, 1, 0)
    assert "1 clips have fewer candidates than asked for" in capsys.readouterr().err
    # The first, and three that brought none.
    assert [request["n"] for request in server.asked] == [3, 2, 2, 2]


def test_cut_answers_are_marked_and_said(questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(questions, rows_of(questions)[:1])
    replies = [completion("She sm", finish="length"), completion("one", "two")]
    with serving(lambda _, number: (200, replies[number])) as server:
        counts = ask(questions, tmp_path / "out.jsonl", server.url)
    (row,) = rows_of(tmp_path / "out.jsonl")
    assert row["candidates"] == [{"text": "She sm", "cut": True}, {"text": "one"}, {"text": "two"}]
    assert counts["cut"] == 1
    assert "1 of 3 candidates are cut: see --max-new-tokens" in capsys.readouterr().err


def test_a_refused_or_blank_clip_is_listed_and_asked_again_where_nothing_was_paid(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(questions)
    for number, row in enumerate(rows):
        row["messages"][0]["content"] = f"question {number}"
    write_rows(questions, rows)
    output = tmp_path / "out.jsonl"
    failed = tmp_path / "out.jsonl.failed.jsonl"

    def fails(request: dict[str, Any], number: int) -> tuple[int, Any]:
        text = parts(request)[-1]
        if text == "question 1":
            return 400, {"error": {"message": "the clip is too long"}}
        return (200, completion(None)) if text == "question 2" else n_texts(request, number)

    with serving(fails) as server:
        counts = ask(questions, output, server.url)
    assert counts == {"clips": 4, "already_there": 0, "sampled": 2, "failed": 2, "short": 0, "candidates": 6, "cut": 0}
    reasons = {row["id"]: row["reason"] for row in rows_of(failed)}
    assert reasons.keys() == {rows[1]["id"], rows[2]["id"]}
    assert "400: the clip is too long" in reasons[rows[1]["id"]]
    assert "all answers were blank or missing" in reasons[rows[2]["id"]]
    said = capsys.readouterr().err
    assert all(name in said for name in reasons)

    replies = tmp_path / "out.jsonl.replies.jsonl"
    assert f"blank or missing; remove its lines from {replies} to have it asked again" in reasons[rows[2]["id"]]

    with serving(n_texts) as server:
        counts = ask(questions, output, server.url)
    assert counts == {"clips": 4, "already_there": 2, "sampled": 1, "failed": 1, "short": 0, "candidates": 3, "cut": 0}
    assert len(server.asked) == 1
    assert [row["id"] for row in rows_of(failed)] == [rows[2]["id"]]

    write_rows(replies, [row for row in rows_of(replies) if not row["id"].startswith(rows[2]["id"])])
    with serving(n_texts) as server:
        counts = ask(questions, output, server.url)
    assert (counts["already_there"], counts["sampled"], len(server.asked)) == (3, 1, 1)
    assert {row["id"] for row in rows_of(output)} == {row["id"] for row in rows}
    assert not failed.exists()


def test_what_a_server_that_ignores_n_has_answered_is_not_asked_for_again(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    limit = [4]

    def one(_: Any, number: int) -> tuple[int, Any]:
        return (200, completion(f"answer {number}")) if number < limit[0] else (503, "gone")

    with serving(one) as server:
        with pytest.raises(EndpointDown):  # at the second answer to the second clip
            ask(questions, output, server.url, concurrency=1)
        assert (len(rows_of(output)), len(server.asked)) == (1, 4 + 2)  # two of a server that is down
        limit[0] = 100
        counts = ask(questions, output, server.url, concurrency=1)
        assert counts["candidates"] == 3 * 3
        assert "1 replies of an earlier run are taken from there" in capsys.readouterr().err
        assert len(server.asked) == 4 * 3 + 2
    texts = [one["text"] for row in rows_of(output) for one in row["candidates"]]
    assert len(set(texts)) == len(texts) == 4 * 3


def test_a_reply_without_an_answer_is_paid_for_once(questions: Path, tmp_path: Path) -> None:
    rows, output = rows_of(questions), tmp_path / "out.jsonl"
    rows[1]["messages"][0]["content"] = "the odd one"
    write_rows(questions, rows)

    def odd(request: dict[str, Any], number: int) -> tuple[int, Any]:
        if "the odd one" in json.dumps(request["messages"]):
            return 200, {"choices": "none today"}
        return n_texts({"n": 1, **request}, number)

    with serving(odd) as server:
        for sampled in (3, 0):
            counts = ask(questions, output, server.url, concurrency=1)
            assert (counts["sampled"], counts["failed"]) == (sampled, 1)
        # Three that brought none, after each of which the server was asked something plain or another clip.
        assert sum("the odd one" in json.dumps(request["messages"]) for request in server.asked) == 3
    (reason,) = (row["reason"] for row in rows_of(tmp_path / "out.jsonl.failed.jsonl"))
    assert reason.startswith("all answers were blank or missing; remove its lines")


def test_a_disk_that_is_full_ends_the_run_and_is_no_clips_fault(
    questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(log: Any, row: dict[str, Any]) -> None:
        raise InputError(str(log.path), "file", "cannot be written: No space left on device", "make room and run again")

    monkeypatch.setattr("swift_saber.data.log.RowLog.append", full)
    with serving(n_texts) as server, pytest.raises(InputError, match="No space left"):
        ask(questions, tmp_path / "out.jsonl", server.url, concurrency=1)
    assert len(server.asked) == 1


def test_a_server_that_goes_down_stops_the_run_and_what_is_there_stays(questions: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with (
        serving(lambda request, number: n_texts(request, number) if number < 2 else (503, "gone")) as server,
        pytest.raises(EndpointDown, match="503"),
    ):
        ask(questions, output, server.url, concurrency=1)
    # Not once for every clip that is left; the last one asks nothing but whether anything is answered.
    assert len(server.asked) == 3 + 1
    assert len(rows_of(output)) == 2
    with serving(n_texts) as server:
        counts = ask(questions, output, server.url)
    assert (counts["already_there"], counts["sampled"]) == (2, 2)


def test_a_clip_that_a_server_fails_at_is_listed_and_the_others_are_sampled(questions: Path, tmp_path: Path) -> None:
    rows = rows_of(questions)
    rows[1]["messages"][0]["content"] = "the bad one"
    write_rows(questions, rows)

    def broken(request: dict[str, Any], number: int) -> tuple[int, Any]:
        if "the bad one" in json.dumps(request["messages"]):
            return 500, {"error": {"message": "out of memory"}}
        return n_texts({"n": 1, **request}, number)

    with serving(broken) as server:
        counts = ask(questions, tmp_path / "out.jsonl", server.url)
    assert (counts["sampled"], counts["failed"]) == (3, 1)
    (failed,) = rows_of(tmp_path / "out.jsonl.failed.jsonl")
    assert failed["id"] == rows[1]["id"] and "500: out of memory" in failed["reason"]
    with serving(n_texts) as server:
        assert ask(questions, tmp_path / "out.jsonl", server.url)["sampled"] == 1


def test_other_settings_than_those_of_the_output_are_refused(questions: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with serving(n_texts) as server:
        ask(questions, output, server.url)
        before = output.read_bytes()
        with pytest.raises(InputError, match="k was 3 and is 4, temperature was 0.8 and is 1.0; go on with"):
            ask(questions, output, server.url, k=4, temperature=1.0)
    assert len(server.asked) == 4
    assert output.read_bytes() == before


@pytest.mark.parametrize("change", ["question", "clip", "gone"])
def test_answers_to_other_questions_than_those_of_now_are_not_kept(
    change: str, questions: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    rows = rows_of(questions)
    with serving(n_texts) as server:
        ask(questions, output, server.url)
        if change == "question":
            rows[0]["messages"] = [{"role": "user", "content": "another"}]
        elif change == "clip":
            rows[0]["videos"] = rows[1]["videos"]
        else:
            del rows[0]
        write_rows(questions, rows)
        said = "is not in" if change == "gone" else "has another question or other media now"
        with pytest.raises(InputError, match=said):
            ask(questions, output, server.url)
    assert len(server.asked) == 4 == len(rows_of(output))


def test_labels_that_come_later_are_no_other_question(questions: Path, tmp_path: Path) -> None:
    with serving(n_texts) as server:
        ask(questions, tmp_path / "out.jsonl", server.url)
        write_rows(questions, [{**row, "consistency": "consistent"} for row in rows_of(questions)])
        assert ask(questions, tmp_path / "out.jsonl", server.url)["already_there"] == 4


@pytest.mark.parametrize("clips", [4, 60])
def test_a_run_in_which_no_clip_is_answered_is_an_error(clips: int, questions: Path, tmp_path: Path) -> None:
    row = rows_of(questions)[0]
    write_rows(questions, [{**row, "id": str(number)} for number in range(clips)])
    with serving(lambda *_: (400, {"error": "too long"})) as server:
        asked = min(clips, 50)
        with pytest.raises(InputError, match=rf"none for the {asked} clips asked about.*out\.jsonl\.failed\.jsonl"):
            ask(questions, tmp_path / "out.jsonl", server.url, concurrency=1)
    assert len(rows_of(tmp_path / "out.jsonl.failed.jsonl")) == asked


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k": 0}, "k: is 0"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"withhold": ("images",)}, "withhold: is images"),
        ({"withhold": ("audios", "audios")}, "once each"),
        ({"concurrency": 0}, "concurrency: is 0"),
        ({"base_url": "nowhere"}, "base_url"),
        ({"base_url": None, "model": "/no/such/model"}, "no such folder"),
        ({"base_url": None, "model": "/no/such/model", "batch_size": 0}, "batch_size: is 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    options: dict[str, Any], said: str, questions: Path, tmp_path: Path
) -> None:
    options = {"model": "m", "base_url": "http://127.0.0.1:9/v1", **options}
    with pytest.raises(InputError, match=said):
        run_sample(questions, tmp_path / "out.jsonl", **options)


def test_sound_cannot_be_withheld_when_it_comes_with_the_video(
    questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    with pytest.raises(InputError, match="USE_AUDIO_IN_VIDEO"):
        run_sample(questions, tmp_path / "out.jsonl", model=str(model), withhold=("audios",))


@pytest.mark.parametrize(
    ("args", "said"), [(None, "does not say what it was trained on"), ({"model": "/gone"}, "trained on /gone, which")]
)
def test_a_lora_checkpoint_without_its_base_is_named(
    args: dict[str, str] | None, said: str, questions: Path, tmp_path: Path
) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    if args is not None:
        (tmp_path / "args.json").write_text(json.dumps(args))
    with pytest.raises(InputError, match=f"{said}.*merge"):
        run_sample(questions, tmp_path / "out.jsonl", model=str(tmp_path))


@pytest.fixture
def fake(model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder, and in the place of the model one that obeys; what it was asked is in its asked.txt."""
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    return model


def test_candidates_of_two_models_in_one_folder_or_of_two_views_of_a_clip_are_not_mixed(
    questions: Path, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.jsonl"
    rows = rows_of(questions)
    write_rows(questions, rows[:2])
    run_sample(questions, output, model=str(fake), k=2)
    before = output.read_bytes()
    write_rows(questions, rows)
    with monkeypatch.context() as patch:
        patch.setenv("FPS_MAX_FRAMES", "2")
        with pytest.raises(InputError, match="sampling: FPS_MAX_FRAMES was '4' and is '2'; go on with"):
            run_sample(questions, output, model=str(fake), k=2)
    config = (fake / "config.json").read_bytes()
    (fake / "config.json").write_text('{"trained": "again"}')
    with pytest.raises(InputError, match="sampling: weights was '.{16}' and is '.{16}'; go on with"):
        run_sample(questions, output, model=str(fake), k=2)
    assert output.read_bytes() == before
    (fake / "config.json").write_bytes(config)
    assert run_sample(questions, output, model=str(fake), k=2)["sampled"] == 2


def test_an_output_of_an_earlier_version_is_continued_and_that_is_said(
    questions: Path, tmp_path: Path, fake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rows do not say which weights and media settings they were sampled with."""
    output = tmp_path / "out.jsonl"
    rows = rows_of(questions)
    write_rows(questions, rows[:2])
    run_sample(questions, output, model=str(fake), k=2)
    old = rows_of(output)
    for row in old:
        del row["sampling"]["weights"], row["sampling"]["media_settings"]
    write_rows(output, old)
    write_rows(questions, rows)
    counts = run_sample(questions, output, model=str(fake), k=2)
    assert (counts["already_there"], counts["sampled"]) == (2, 2)
    said = "2 clips do not say which weights and media settings they were sampled with: taken for these"
    assert said in capsys.readouterr().err
    assert rows_of(output)[:2] == old
    with pytest.raises(InputError, match="k was 2 and is 3"):
        run_sample(questions, output, model=str(fake), k=3)


def test_candidates_of_another_reader_are_not_mixed_with_those_of_now(
    questions: Path, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions read with decord, and did not say so."""
    output = tmp_path / "out.jsonl"
    monkeypatch.delenv(READER, raising=False)
    run_sample(questions, output, model=str(fake), k=2)
    old = rows_of(output)
    for row in old:
        assert (row["sampling"].pop("video_reader"), row["sampling"].pop("timing")) == ("pyav", "true")
    write_rows(output, old)
    with pytest.raises(InputError, match="video_reader was 'decord' and is 'pyav'") as refused:
        run_sample(questions, output, model=str(fake), k=2)
    assert f"set {READER}=decord to go on" in refused.value.remedy
    monkeypatch.setenv(READER, "decord")
    assert run_sample(questions, output, model=str(fake), k=2)["already_there"] == len(old)


def test_what_the_model_fails_on_is_listed_and_the_rest_of_its_batch_sampled(
    questions: Path, tmp_path: Path, fake: Path
) -> None:
    rows = rows_of(questions)
    for row, order in zip(rows, ("a", "fail", "b", "die"), strict=True):
        row["messages"] = [{"role": "user", "content": order}]
    write_rows(questions, rows)
    output = tmp_path / "out.jsonl"
    counts = run_sample(questions, output, model=str(fake), k=2, withhold=("audios",))
    assert (counts["sampled"], counts["failed"], counts["candidates"]) == (2, 2, 8)
    assert [row["id"] for row in rows_of(output)] == [rows[0]["id"], rows[2]["id"]]
    reasons = {row["id"]: row["reason"] for row in rows_of(tmp_path / "out.jsonl.failed.jsonl")}
    assert reasons[rows[1]["id"]].startswith("ValueError: too long; ")
    assert reasons[rows[3]["id"]].startswith("the model's process was killed by signal 9")
    assert reasons[rows[3]["id"]].endswith(f"look at the clip, and at {output}.log")


def test_each_gpu_of_a_list_has_the_model_and_each_clip_is_sampled_once(
    questions: Path, tmp_path: Path, fake: Path
) -> None:
    rows = [{**row, "messages": [{"role": "user", "content": "a"}]} for row in rows_of(questions)]
    write_rows(questions, rows)
    output = tmp_path / "out.jsonl"
    counts = run_sample(questions, output, model=str(fake), k=2, batch_size=2, gpu="2,3")
    ids = [row["id"] for row in rows]
    assert (counts["sampled"], counts["candidates"]) == (len(ids), 2 * len(ids))
    assert sorted(row["id"] for row in rows_of(output)) == sorted(ids)
    asked = (fake / "asked.txt").read_text().splitlines()
    # One clip at a time, as two answers are written at once.
    assert sorted(line for line in asked if line.startswith("load")) == ["load 2", "load 3"]
    assert len(asked) == 2 + len(ids)


def test_a_gpu_that_is_named_twice_is_refused(questions: Path, tmp_path: Path, fake: Path) -> None:
    with pytest.raises(InputError, match="gpu_id: is '0,0'"):
        run_sample(questions, tmp_path / "out.jsonl", model=str(fake), gpu="0,0")


def test_vllm_hears_of_the_next_clips_while_it_answers_and_its_answers_are_not_mixed_with_others(
    questions: Path, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swift_saber.models.engine.find_spec", lambda name: name)
    rows = rows_of(questions)[:3]
    for row, order in zip(rows, ("patient", "b", "c"), strict=True):
        row["messages"] = [{"role": "user", "content": order}]
    write_rows(questions, rows)
    output = tmp_path / "out.jsonl"
    counts = run_sample(questions, output, model=str(fake), k=2, batch_size=2, backend="vllm")
    assert counts["sampled"] == 3
    assert (fake / "asked.txt").read_text().splitlines()[1:4] == ["patient", "ahead b", "b"]
    with pytest.raises(InputError, match="backend was 'vllm' and is None"):
        run_sample(questions, output, model=str(fake), k=2)


def test_a_model_that_cannot_be_loaded_names_the_file_of_what_it_said(
    questions: Path, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake.rename("unloadable")
    said = "unloadable: model: cannot be loaded: no such weights; the whole output is in out.jsonl.log"
    with pytest.raises(InputError, match=said):
        run_sample(questions, Path("out.jsonl"), model="unloadable", k=2)


def test_what_a_model_says_goes_into_no_file_of_something_else(questions: Path, tmp_path: Path, fake: Path) -> None:
    (tmp_path / "out.jsonl.log").mkdir()
    with pytest.raises(InputError, match="out.jsonl.log: output: "):
        run_sample(questions, tmp_path / "out.jsonl", model=str(fake), k=2)
    assert not (fake / "asked.txt").exists()


def hang(videos: list[str], audios: list[str]) -> None:
    """In the place of clip_problem, in a process that looks at clips."""
    time.sleep(600)


def test_a_clip_that_a_decoder_hangs_on_is_listed_like_every_other_that_cannot_be_asked_about(
    questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(questions, rows_of(questions)[:1])
    monkeypatch.setattr(questions_module, "_look", hang)
    monkeypatch.setattr(questions_module, "_LOOK_SECONDS", 1)
    with pytest.raises(InputError, match="none for the 1 clips asked about"):
        ask(questions, tmp_path / "out.jsonl", "http://127.0.0.1:9/v1")
    (row,) = rows_of(tmp_path / "out.jsonl.failed.jsonl")
    assert row["reason"].startswith("was not decoded within 1 seconds; ")


@pytest.mark.parametrize("local", [True, False])
def test_a_clip_cut_within_its_beginning_is_listed_and_the_others_are_sampled(
    questions: Path, tmp_path: Path, fake: Path, local: bool
) -> None:
    rows, output, cut = rows_of(questions), tmp_path / "out.jsonl", tmp_path / "cut.mp4"
    cut.write_bytes(Path(rows[1]["videos"][0]).read_bytes()[:400])
    rows[1]["videos"] = [str(cut)]
    write_rows(questions, rows)
    with serving(n_texts) as server:
        for sampled in (len(rows) - 1, 0):  # the second run asks about it again, and ends no sooner
            counts = (
                run_sample(questions, output, model=str(fake), k=2) if local else ask(questions, output, server.url)
            )
            assert (counts["sampled"], counts["failed"]) == (sampled, 1)
    (row,) = rows_of(tmp_path / "out.jsonl.failed.jsonl")
    assert row["id"] == rows[1]["id"] and "is not a readable video" in row["reason"]


def test_every_row_that_cannot_be_asked_is_named_before_the_first_request(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = rows_of(questions)[0]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    part = [{"role": "user", "content": [{"type": "image", "image": str(broken)}, {"type": "text", "text": "hi"}]}]
    rows = [
        good,
        good,
        {**good, "id": "broken", "videos": [str(broken)]},
        {**good, "id": "no-question", "messages": [{"role": "assistant", "content": "x"}]},
        {**good, "id": "picture", "messages": part},
        {**good, "id": "odd", "consistency": "maybe"},
        {"id": "text", "messages": good["messages"]},
    ]
    write_rows(questions, rows)
    with serving(n_texts) as server, pytest.raises(InputError, match="6 of 7 cannot be used"):
        ask(questions, tmp_path / "out.jsonl", server.url)
    assert server.asked == []
    said = capsys.readouterr().err
    for line, reason in [
        (2, f"'{good['id']}' is also the id of {questions}:1"),
        (3, "is not a readable video"),
        (4, "no user turn"),
        (5, "has a turn with a picture"),
        (6, "'maybe'"),
        (7, "no video and no audio"),
    ]:
        assert any(f"{questions}:{line}:" in text and reason in text for text in said.splitlines()), reason


def test_the_sound_inside_a_video_is_asked_about_and_said_to_be(
    questions: Path, tmp_path: Path, fake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that names none; what was sampled without it, as by earlier versions, is not taken for the same."""
    first, second, third = rows_of(questions)[:3]
    clip = tmp_path / "clip.mp4"
    encode(clip, frames(), sound())
    part = {"role": "user", "content": [{"type": "video", "video": "clip.mp4"}, {"type": "text", "text": "What?"}]}
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    inside, silent = {"id": first["id"], "messages": [part]}, {"id": second["id"], "videos": second["videos"]}
    write_rows(questions, [inside, silent, {"id": third["id"], "videos": ["clip.mp4"], "audios": []}])
    output = tmp_path / "out.jsonl"
    monkeypatch.setenv("SABER_SOUND", "given")
    run_sample(questions, output, model=str(fake), k=2)
    assert [row["audios"] for row in rows_of(output)] == [[], [], []]
    monkeypatch.delenv("SABER_SOUND")
    with pytest.raises(InputError, match=r"without the sound inside its video; set SABER_SOUND=given, or name another"):
        run_sample(questions, output, model=str(fake), k=2)
    capsys.readouterr()
    run_sample(questions, tmp_path / "2.jsonl", model=str(fake), k=2)
    rows = rows_of(tmp_path / "2.jsonl")
    assert [(row["videos"], row["audios"]) for row in rows] == [
        (["clip.mp4"], ["clip.mp4"]),
        (second["videos"], []),
        (["clip.mp4"], []),
    ]
    assert rows[0]["messages"] == [{"role": "user", "content": "<video>What?"}]
    assert capsys.readouterr().err.count("names no sound, so that inside its video is taken") == 1


def test_kill_9_and_go_on_loses_no_clip_and_doubles_none(tiny_world: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    command = (
        "import sys; from pathlib import Path; from swift_saber.models.endpoint import Endpoint; "
        "from swift_saber.pairs.sample import sample; source = Endpoint('m', sys.argv[3]); "
        "print(sample(Path(sys.argv[1]), Path(sys.argv[2]), source=source, k=3, concurrency=2))"
    )
    kill: list[int] = []

    def dies(request: dict[str, Any], number: int) -> tuple[int, Any]:
        if number == 5 and kill:
            os.kill(kill.pop(), signal.SIGKILL)
        return n_texts(request, number)

    with serving(dies) as server:
        arguments = [sys.executable, "-c", command, tiny_world / "eval.jsonl", output, server.url]
        first = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        kill.append(first.pid)
        assert first.wait() == -signal.SIGKILL
        before = rows_of(output)
        assert 0 < len(before) < 12
        with output.open("ab") as file:  # as a kill in the middle of a write leaves it
            file.write(b'{"id": "eval-cons')
        second = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert f"'already_there': {len(before)}, 'sampled': {12 - len(before)}" in second.stdout
    assert "the last line was not written to its end: 17 bytes cut" in second.stderr
    after = rows_of(output)
    assert after[: len(before)] == before
    assert sorted(row["id"] for row in after) == sorted(row["id"] for row in rows_of(tiny_world / "eval.jsonl"))


@pytest.mark.slow
def test_a_clip_that_the_model_cannot_be_shown_is_listed_and_the_others_are_sampled(
    questions: Path, tmp_path: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows, output = rows_of(questions), tmp_path / "out.jsonl"
    cut = tmp_path / "cut.mkv"
    encode(cut, frames())
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 5])  # after its first frame
    rows[1]["videos"] = [str(cut)]
    rows[2]["messages"] = [{"role": "user", "content": "Describe the clip. " * 2000}]  # more than the model takes
    write_rows(questions, rows)
    options: dict[str, Any] = {"model": str(tiny_model), "k": 2, "max_new_tokens": 4, "batch_size": 8}
    for sampled in (2, 0):  # the second run asks about the two again, and ends no sooner
        counts = run_sample(questions, output, **options)
        assert (counts["sampled"], counts["failed"]) == (sampled, 2)
    assert [row["id"] for row in rows_of(output)] == [rows[0]["id"], rows[3]["id"]]
    reasons = {row["id"]: row["reason"] for row in rows_of(tmp_path / "out.jsonl.failed.jsonl")}
    assert reasons.keys() == {rows[1]["id"], rows[2]["id"]}
    assert f"{cut}: has only one frame, and readers need two" in reasons[rows[1]["id"]]
    # On the terminal, by the process of the model too, are one line of progress and the clips without a candidate.
    said = capfd.readouterr()
    assert all(
        line.startswith(("candidates: ", "swift-saber: ")) for line in re.split(r"[\r\n]+", said.err) if line.strip()
    )
    assert said.out == ""
    assert "Qwen2_5Omni" in Path(f"{output}.log").read_text()  # as ms-swift prints a model's modules


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of [sounds in the request, answers, prompt tokens] of all that the real engine is asked."""
    monkeypatch.setenv("WATCHED", str(tmp_path / "watched.jsonl"))
    monkeypatch.setattr("swift_saber.models.process.serve", watched_model.serve)
    return tmp_path / "watched.jsonl"


@pytest.mark.slow
def test_the_real_model_answers_goes_on_and_does_not_hear_what_is_withheld(
    questions: Path, tmp_path: Path, tiny_model: Path, watched: Path
) -> None:
    output, again, half = tmp_path / "out.jsonl", tmp_path / "again.jsonl", tmp_path / "half.jsonl"
    options: dict[str, Any] = {"model": str(tiny_model), "k": 3, "max_new_tokens": 8, "batch_size": 12}
    options["withhold"] = ("audios",)
    write_rows(half, rows_of(questions)[:2])
    assert run_sample(half, output, **options)["sampled"] == 2
    counts = run_sample(questions, output, **options)
    assert (counts["already_there"], counts["sampled"]) == (2, 2)
    rows = rows_of(output)
    assert [row["id"] for row in rows] == [row["id"] for row in rows_of(questions)]
    assert counts["short"] == 0
    for row in rows:
        withheld = [candidate.get("withheld") for candidate in row["candidates"]]
        assert withheld == [None, None, None, "audios", "audios", "audios"]
    assert len({candidate["text"] for candidate in rows[0]["candidates"]}) > 1  # sampled, not the likeliest

    seen = [json.loads(line) for line in watched.read_text().splitlines()]
    with_sound = {tokens for sounds, _, tokens in seen if sounds == 1}
    without_sound = {tokens for sounds, _, tokens in seen if sounds == 0}
    assert len(seen) == 8  # four clips, each with and without its sound
    assert max(without_sound) < min(with_sound)

    run_sample(half, again, **options)  # the same batch
    assert [row["candidates"] for row in rows_of(again)] == [row["candidates"] for row in rows[:2]]


@pytest.mark.slow
def test_several_answers_at_once_see_the_same_clip_as_one_alone(questions: Path, tiny_model: Path) -> None:
    """Near temperature 0 every answer is the likeliest one, however many are asked for and beside whom.

    This pins a behaviour of transformers: frames of Qwen2.5-Omni must be encoded before a question is multiplied.
    """
    rows = [{key: row[key] for key in ("id", "messages", "videos", "audios")} for row in rows_of(questions)]
    rows.append({**rows[0], "audios": []})

    def answers(asked: list[list[dict[str, Any]]], k: int, batch: int) -> list[Any]:
        process = ModelProcess(
            str(tiny_model), ["--model", str(tiny_model), "--custom_register_path", str(PLUGIN_FILE)], {}, None, batch
        )
        process.load()
        sampling = {"k": k, "temperature": 1e-4, "max_new_tokens": 6, "seed": 0}
        found = [answer for one in asked for answer in process.ask(one, sampling=sampling)]
        process.close()
        return found

    alone = [answer for (answer,) in answers([[row] for row in rows], 1, 1)]
    assert answers([rows], 3, 15) == [[answer] * 3 for answer in alone]
    assert all(answer["cut"] for answer in alone)  # untrained, it does not end within six tokens
    assert len({answer["text"] for answer in alone}) > 1


@pytest.mark.slow
def test_swift_deploy_takes_the_clips_as_data_urls(questions: Path, tmp_path: Path, deployed: str) -> None:
    options: dict[str, Any] = {"base_url": deployed, "k": 3, "max_new_tokens": 8, "withhold": ("audios",)}
    counts = run_sample(questions, tmp_path / "out.jsonl", model="tiny", **options)
    expected = {"clips": 4, "already_there": 0, "sampled": 4, "failed": 0, "short": 0, "candidates": 24}
    assert counts == {**expected, "cut": 24}  # untrained, it does not end within eight tokens
    with pytest.raises(EndpointDown, match="model_list.*the model's name"):
        run_sample(questions, tmp_path / "other.jsonl", model="other", **options)
