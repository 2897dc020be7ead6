"""pairs/score.py: every candidate is scored or has a reason, and nothing is asked twice."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.log import RowLog
from swift_saber.data.lookup import Records
from swift_saber.errors import InputError
from swift_saber.models.endpoint import EndpointDown
from swift_saber.models.reply import Unusable
from swift_saber.models.service import Service
from swift_saber.pairs.failures import failures
from swift_saber.pairs.judge import Judge, Rating
from swift_saber.pairs.score import judge_log, score

from .judge_server import JudgeServer, reply, write_records

GOOD = {"logical_consistency": 4, "evidence_alignment": 2}


class Fixed:
    """A scorer that looks texts up; an unknown one is a failure."""

    def __init__(self, by: str = "fixed", **scores: int) -> None:
        self.settings = {"by": by}
        self.asked: list[str] = []
        self._scores = scores

    def __call__(self, row: Any, text: str) -> Rating:
        self.asked.append(text)
        if text not in self._scores:
            raise Unusable("a text that is not known", "unknown")
        return Rating(dict.fromkeys(GOOD, self._scores[text]))


def write_candidates(folder: Path, **texts: list[str]) -> Path:
    path = folder / "candidates.jsonl"
    question = {"messages": [{"role": "user", "content": "How?"}], "language": "en", "videos": [], "audios": []}
    rows = [
        {"id": name, **question, "candidates": [{"text": text} for text in found], "sampling": {"k": len(found)}}
        for name, found in texts.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(server: JudgeServer, folder: Path, candidates: Path, *, concurrency: int = 1, **options: Any) -> Any:
    service = Service("j", server.address, **{"timeout": 5, "retries": 0, "concurrency": concurrency, **options})
    output = folder / "scored.jsonl"
    with Records(write_records(folder)) as records, RowLog(judge_log(output)) as cache:
        return score(candidates, output, Judge(service, cache, records=records), concurrency=concurrency)


def said(request: dict[str, Any]) -> str:
    """The answer that a request asks about; "Hello" of the plain question to a server that may be down."""
    *_, last = request["messages"][:2]
    return str(last["content"].splitlines()[-2]) if last["content"] != "Hello" else "Hello"


def test_a_row_stays_as_it_is_and_its_candidates_gain_scores(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x", "y"])
    report = score(candidates, tmp_path / "s.jsonl", Fixed(x=5))
    (before,), (after,) = read(candidates), read(tmp_path / "s.jsonl")
    assert after.pop("scoring") == {"by": "fixed"}
    assert after.pop("candidates") == [
        {"text": "x", "scores": {"logical_consistency": 5, "evidence_alignment": 5}},
        {"text": "y", "failure": "unknown"},
    ]
    del before["candidates"]
    assert after == before
    expected = {"clips": 1, "already_there": 0, "candidates": 2, "scored": 1, "from_cache": 0, "failed": {"unknown": 1}}
    assert report == expected


def test_many_clips_keep_their_order_with_many_threads(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, **{f"c{i}": ["x", "y"] for i in range(50)})
    report = score(candidates, tmp_path / "s.jsonl", Fixed(x=5, y=1), concurrency=8)
    assert [row["id"] for row in read(tmp_path / "s.jsonl")] == [f"c{i}" for i in range(50)]
    assert report["scored"] == 100


def test_what_is_there_is_not_scored_again_and_still_counted(tmp_path: Path) -> None:
    output = tmp_path / "s.jsonl"
    score(write_candidates(tmp_path, a=["x", "z"]), output, Fixed(x=5))
    again = Fixed(x=5, y=2)
    report = score(write_candidates(tmp_path, a=["x", "z"], b=["y"]), output, again)
    assert again.asked == ["y"]
    assert report["already_there"] == 1 and report["candidates"] == 3 and report["failed"] == {"unknown": 1}
    assert [row["id"] for row in read(output)] == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "by", "said"),
    [
        ({"a": ["x"]}, "other", 'scoring: scored with {"by": "fixed"}, asked for is {"by": "other"}'),
        ({"a": ["y"]}, "fixed", "'a' is another row now"),
        ({"a": ["x", "x"]}, "fixed", "'a' is another row now"),
        ({"b": ["x"]}, "fixed", "'a' is not in"),
    ],
)
def test_an_output_of_other_settings_or_candidates_is_not_gone_on_with(
    tmp_path: Path, texts: dict[str, list[str]], by: str, said: str
) -> None:
    output = tmp_path / "s.jsonl"
    score(write_candidates(tmp_path, a=["x"]), output, Fixed(x=5))
    before = output.read_bytes()
    with pytest.raises(InputError) as caught:
        score(write_candidates(tmp_path, **texts), output, Fixed(by, x=5, y=5))
    assert said in str(caught.value)
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"candidates": []}', ":2: id"),
        ('{"id": "b"}', ":2: candidates"),
        ('{"id": "b", "candidates": ["x"]}', ":2: candidates[0].text"),
        ('{"id": "b", "candidates": [{"text": "\\ud83d"}]}', "cannot be UTF-8"),
        ('{"id": "a", "candidates": []}', "'a' is there twice"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_scored(tmp_path: Path, line: str, said: str) -> None:
    candidates = write_candidates(tmp_path, a=["x"])
    with candidates.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    scorer = Fixed(x=5)
    with pytest.raises(InputError) as caught:
        score(candidates, tmp_path / "s.jsonl", scorer)
    assert said in str(caught.value) and scorer.asked == []


def test_a_run_in_which_nothing_can_be_scored_stops_and_writes_no_row(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, **{f"c{i}": ["x", "y"] for i in range(100)})
    scorer = Fixed()
    with pytest.raises(InputError, match=r"not one could be scored \(unknown: 50\)"):
        score(candidates, tmp_path / "s.jsonl", scorer)
    assert len(scorer.asked) < 100
    assert read(tmp_path / "s.jsonl") == []


def test_a_short_file_in_which_nothing_can_be_scored_is_an_error_too(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x"], b=["y"])
    with pytest.raises(InputError, match=r"not one could be scored \(unknown: 2\)"):
        score(candidates, tmp_path / "s.jsonl", Fixed())
    assert read(tmp_path / "s.jsonl") == []


def test_equal_texts_of_a_clip_are_asked_once(tmp_path: Path) -> None:
    with JudgeServer(lambda _: reply(4, 2)) as server:
        report = judged(server, tmp_path, write_candidates(tmp_path, a=["x", "x", "y", "x"]), concurrency=4)
    assert sorted(map(said, server.requests)) == ["x", "y"]
    assert report["scored"] == 4 and report["from_cache"] == 2


def test_failures_are_counted_by_reason_and_stay_in_the_row(tmp_path: Path) -> None:
    replies: dict[str, str | int] = {
        "good": reply(4, 2),
        "prose": "A fine answer.",
        "high": reply(6, 2),
        "zh": '{"逻辑一致性": 5, "证据一致性": 4}',
        "bad": 400,
        "mute": " ",
    }
    with JudgeServer(lambda request: replies[said(request)]) as server:
        report = judged(server, tmp_path, write_candidates(tmp_path, a=list(replies), unknown=["good"]))
    expected = {"prose": 1, "out of range": 1, "not the schema": 1, "refused": 1, "empty": 1, "no record": 1}
    assert report["failed"] == expected
    assert report["candidates"] == 7 == report["scored"] + sum(expected.values())
    # One request for the good answer and the refused one, two for each reply that could not be used, none for the
    # clip without a record.
    assert len(server.requests) == 2 + 2 * 4
    assert [candidate.get("failure") for candidate in read(tmp_path / "scored.jsonl")[0]["candidates"]] == [
        None,
        "prose",
        "out of range",
        "not the schema",
        "refused",
        "empty",
    ]


def test_a_candidate_that_was_cut_is_not_judged_and_counts_as_a_failure(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x", "y"])
    (row,) = read(candidates)
    row["candidates"][0]["cut"] = True
    candidates.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with JudgeServer(lambda _: reply(5, 5)) as server:
        report = judged(server, tmp_path, candidates)
    assert list(map(said, server.requests)) == ["y"]
    assert (report["candidates"], report["scored"], report["failed"]) == (2, 1, {"cut short": 1})
    cut, whole = read(tmp_path / "scored.jsonl")[0]["candidates"]
    assert (cut["failure"], cut["cut"], "scores" in cut) == ("cut short", True, False)
    assert whole["scores"] == {"logical_consistency": 5, "evidence_alignment": 5}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_judge_that_dies_half_way_is_asked_nothing_twice(tmp_path: Path, concurrency: int) -> None:
    texts = {name: [f"{name}{i}" for i in range(3)] for name in "abcd"}
    candidates = write_candidates(tmp_path, **texts)
    dead = {"b1", "b2", "c0", "c1", "c2", "d0", "d1", "d2", "Hello"}
    with JudgeServer(lambda request: 500 if said(request) in dead else reply(4, 2)) as server:
        with pytest.raises(EndpointDown, match="500"):
            judged(server, tmp_path, candidates, concurrency=concurrency)
        answered = [said(request) for request in server.requests if said(request) not in dead]
    assert [row["id"] for row in read(tmp_path / "scored.jsonl")] == ["a"]
    with JudgeServer(lambda _: reply(4, 2)) as server:
        report = judged(server, tmp_path, candidates, concurrency=concurrency)
        later = [said(request) for request in server.requests]
    assert sorted(answered + later) == sorted(text for found in texts.values() for text in found)
    assert report == {
        "clips": 4,
        "already_there": 1,
        "candidates": 12,
        "scored": 12,
        "from_cache": 1,
        "failed": {},
    }
    assert [row["id"] for row in read(tmp_path / "scored.jsonl")] == list("abcd")


def test_after_the_judge_went_down_what_waits_is_not_asked(tmp_path: Path) -> None:
    with JudgeServer(lambda _: 500) as server:
        server.delay = 0.02
        with pytest.raises(EndpointDown):
            judged(server, tmp_path, write_candidates(tmp_path, a=[f"x{i}" for i in range(200)]))
    assert len(server.requests) < 100


def test_one_question_of_two_clips_asked_at_the_same_time_is_kept_for_each(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x"], b=["x"])
    both = threading.Barrier(2, timeout=30)

    def said_together(_: dict[str, Any]) -> str:
        both.wait()
        return reply(4, 2)

    records = write_records(tmp_path)
    records.write_text(records.read_text().replace("of b", "of a"))
    output = tmp_path / "scored.jsonl"
    with JudgeServer(said_together) as server, Records(records) as known, RowLog(judge_log(output)) as cache:
        judge = Judge(Service("j", server.address, retries=0), cache, records=known)
        assert score(candidates, output, judge, concurrency=2)["scored"] == 2
        assert {name.split("/")[0] for name in cache.ids()} == {"a", "b"}  # which raises where an id is there twice


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_clip_that_the_judge_fails_at_is_set_aside_and_scored_by_the_next_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], concurrency: int
) -> None:
    candidates = write_candidates(tmp_path, **{name: [f"{name}0", f"{name}1"] for name in "abc"})
    listed = failures(tmp_path / "scored.jsonl")
    with JudgeServer(lambda request: 500 if said(request) == "b1" else reply(4, 2)) as server:
        for already in (0, 2):
            report = judged(server, tmp_path, candidates, concurrency=concurrency)
            assert report == {
                "clips": 3,
                "already_there": already,
                "candidates": 6,
                "scored": 5,
                "from_cache": 1 if already else 0,
                "failed": {"not answered": 1},
            }
            assert [row["id"] for row in read(tmp_path / "scored.jsonl")] == ["a", "c"]
            assert read(listed) == [{"id": "b", "reason": "not answered: 500: no"}]
            assert f"1 clips are set aside: see {listed}" in capsys.readouterr().err
    with JudgeServer(lambda _: reply(5, 5)) as server:
        assert judged(server, tmp_path, candidates, concurrency=concurrency)["failed"] == {}
        assert list(map(said, server.requests)) == ["b1"]
    *_, last = read(tmp_path / "scored.jsonl")
    assert (last["id"], [one["scores"]["evidence_alignment"] for one in last["candidates"]]) == ("b", [2, 5])
    assert not listed.exists()


def test_a_judge_that_fails_at_every_answer_is_an_error_though_it_says_hello(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x", "y"])
    with (
        JudgeServer(lambda request: "Hi" if said(request) == "Hello" else 500) as server,
        pytest.raises(InputError, match=r"not one could be scored \(not answered: 2\); look at the judge's log"),
    ):
        judged(server, tmp_path, candidates)
    assert read(tmp_path / "scored.jsonl") == []
    assert read(failures(tmp_path / "scored.jsonl")) == [{"id": "a", "reason": "not answered: 500: no"}]


def test_a_judge_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    with JudgeServer([]) as server:
        pass
    with pytest.raises(EndpointDown, match="cannot be reached"):
        judged(server, tmp_path, write_candidates(tmp_path, a=["x"]))


def test_a_judge_that_is_too_slow_stops_the_run(tmp_path: Path) -> None:
    with JudgeServer(lambda _: reply(4, 2)) as server:
        server.delay = 2.0
        with pytest.raises(EndpointDown, match="no reply within"):
            judged(server, tmp_path, write_candidates(tmp_path, a=["x"]), timeout=0.2)
    assert read(tmp_path / "scored.jsonl") == []
