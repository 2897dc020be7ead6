"""The commands that are killed (kills.py): what each is given, what it may lose, and what must hold when it is through.

For each, one run is left alone and one is killed again and again; both are given the same. In the end every row that
went in came out once, what was paid is what had to be and what was under way at a kill, and both made the same.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.attack.kills import KINDS, Listener, Told, attack, files_below
from tests.attack.stand_in import ASKED
from tests.conftest import REPOSITORY
from tests.llm_server import FIELDS, Asked, LLMServer, Reply, fails, say
from tests.media_faults import encode, frames, sound
from tests.pairs.judge_server import reply
from tests.pipeline.world import Models, make_clips, snapshot, write_recipe

CONCURRENCY, BATCH, K = 3, 4, 3
#: The most memory that one process of a command without a model may hold, in bytes.
LARGEST = 1 << 30
#: And with the demo's model, most of which is torch and its like.
LARGEST_WITH_MODEL = 4 << 30
_SWIFT_SABER = (sys.executable, "-m", "swift_saber.cli")


@dataclass
class Ended:
    """What is there when a command is through: which rows it was given, and those that it put where."""

    given: Sequence[str]
    answers: Sequence[str]
    rejects: Sequence[str]
    result: Any  # what must not depend on kills

    @property
    def lost(self) -> int:
        return len(set(self.given) - {*self.answers, *self.rejects})

    @property
    def doubled(self) -> int:
        return len(self.answers) + len(self.rejects) - len({*self.answers, *self.rejects})


@dataclass
class Scene:
    """A command in a folder of its own.

    Attributes:
        command: the command.
        folder: where it is started, with all that it makes.
        asked: how many requests it has sent so far, or rows it has asked a model about.
        ended: looks at what is there.
        may_lose: the most requests that a kill of a kind costs: those that were under way.
        ends: the statuses that it may end with.
        again: the command of a later start, where it is another.
    """

    command: Sequence[Any]
    folder: Path
    asked: Callable[[], int]
    ended: Callable[[], Ended]
    may_lose: Callable[[str], int]
    ends: Sequence[int] = (0,)
    again: Callable[[], Sequence[Any]] | None = None


Make = Callable[[Path, int, Listener], AbstractContextManager[Scene]]


@dataclass
class Report:
    """The counts of one command."""

    name: str
    told: Told
    ended: Ended
    paid: int
    needed: int
    under_way: int  # the most that the kills may have cost
    reached: int
    once_more: int  # what a further start asked for
    other: str  # where the result is another one than without kills
    limit: int

    @property
    def problems(self) -> list[str]:
        given = len(self.ended.given)
        wrong = {
            "rows are lost": self.ended.lost,
            "rows are doubled": self.ended.doubled,
            "in is not answers and rejects": given != len(self.ended.answers) + len(self.ended.rejects),
            "more was paid than was needed and under way": not self.needed <= self.paid <= self.needed + self.under_way,
            "a further start asked again": self.once_more,
            "something that listens was reached": self.reached,
            "the result is another one than without kills": self.other,
            "processes are left": self.told.left,
            "a process is larger than it may be": self.told.largest > self.limit,
        }
        return [name for name, found in wrong.items() if found]

    def line(self) -> str:
        ended = self.ended
        return (
            f"{self.name}: {self.told.line()}; {len(ended.given)} rows in = {len(ended.answers)} answers + "
            f"{len(ended.rejects)} rejects, {ended.lost} lost, {ended.doubled} doubled; {self.paid} asked = "
            f"{self.needed} needed + {self.paid - self.needed} under way (at most {self.under_way}), "
            f"{self.once_more} by a further start; result {'not ' if self.other else ''}as without kills; "
            f"{self.told.left} processes left; {self.reached} reached the listener"
            + "".join(f"; WRONG: {problem}" for problem in self.problems)
            + (f" ({self.other})" if self.other else "")
        )


def kill(
    name: str,
    make: Make,
    folder: Path,
    *,
    rows: int,
    kills: int,
    changes: int,
    seed: int = 0,
    kinds: Mapping[str, int] = KINDS,
    limit: int = LARGEST,
) -> Report:
    """Kill a command until so many kills are done; where it is through before, begin with another seed."""
    with Listener() as listener:

        def go(
            scene: Scene, kills: int, after: Callable[[str], object] = lambda kind: None, begun: bool = False
        ) -> Told:
            return attack(
                scene.again() if begun and scene.again else scene.command,
                scene.folder,
                random.Random(seed),
                kills=kills,
                changes=changes,
                signs=lambda: (scene.asked(), files_below(scene.folder)),
                environment={**listener.environment, "PYTHONPATH": str(REPOSITORY)},
                ends=scene.ends,
                kinds=kinds,
                after=after,
                again=scene.again,
            )

        with make(folder / "alone", rows, listener) as alone:
            go(alone, 0)
            needed, whole = alone.asked(), alone.ended()
        with make(folder / "killed", rows, listener) as scene:
            done: list[str] = []
            told = go(scene, kills, done.append)
            paid, ended = scene.asked(), scene.ended()
            more = go(scene, 0, begun=True)
            told.largest, told.left = max(told.largest, more.largest), told.left + more.left
            once_more = scene.asked() - paid
        return Report(
            name=name,
            told=told,
            ended=ended,
            paid=paid,
            needed=needed,
            under_way=sum(map(scene.may_lose, done)),
            reached=len(listener.reached),
            once_more=once_more,
            other=_difference(whole.result, ended.result),
            limit=limit,
        )


def _difference(first: Any, second: Any) -> str:
    """Where two values begin to differ, or ""."""
    one, two = (json.dumps(value, ensure_ascii=False) for value in (first, second))
    if one == two:
        return ""
    at = next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return f"...{one[max(0, at - 200) : at + 200]}... is ...{two[max(0, at - 200) : at + 200]}..."


def _server_loses(kind: str) -> int:
    """Ctrl-C waits for what is under way; a kill of a child is none of the one process that asks."""
    return 0 if kind in {"interrupt", "child"} else CONCURRENCY


def _model_loses(kind: str) -> int:
    """A batch; where a child is killed, that may be the model's process: the batch is asked again row by row, and a row
    that was alone then once more."""
    return BATCH + (kind == "child")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _late(found: Reply, most: float = 0.02) -> Reply:
    """The reply after up to so many seconds, so that there is always something under way."""
    return replace(found, delay=random.uniform(0, most))


@contextmanager
def score(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
    """`pairs score`: of a clip two equal answers, one with a reply in prose, one that is refused, one that was cut."""
    folder.mkdir(parents=True)
    names = [f"c{number}" for number in range(rows)]
    record = {"language": "en", **_record()}
    _write(folder / "records.jsonl", [{"id": name, "videos": ["v.mp4"], "audios": [], **record} for name in names])
    _write(
        folder / "candidates.jsonl",
        [
            {
                "id": name,
                "messages": [{"role": "user", "content": "How?"}],
                "language": "en",
                "videos": [f"{listener.url}/{name}.mp4"],
                "audios": [],
                "candidates": [
                    {"text": f"good {name}"},
                    {"text": f"prose {name}"},
                    {"text": f"good {name}"},
                    {"text": f"refused {name}"},
                    {"text": f"half {name}", "cut": True},
                ],
                "sampling": {"k": 5},
            }
            for name in names
        ],
    )

    def script(asked: Asked) -> Reply:
        if "refused c" in asked.text:
            return _late(fails(400, "too long"))
        return _late(say("A fine answer." if "prose c" in asked.text else reply(4, 2)))

    with LLMServer(script) as server:
        command = [*_SWIFT_SABER, "pairs", "score", "candidates.jsonl", "scored.jsonl", "--records", "records.jsonl"]
        command += ["--judge", "j", "--base-url", server.url, "--concurrency", str(CONCURRENCY)]

        def ended() -> Ended:
            found = _rows(folder / "scored.jsonl")
            return Ended(names, [row["id"] for row in found], [], found)

        yield Scene(command, folder, lambda: len(server.asked), ended, _server_loses, ends=(1,))


def _record() -> dict[str, Any]:
    fields = dict(FIELDS["en"])
    audio = {key: fields.pop(key) for key in ("acoustic_feat", "speech_content")}
    return {"audio_desc": audio, **fields}


@contextmanager
def evaluation(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
    """`eval saber-test` of answers that are there: one in ten missing, one in ten judged in prose."""
    folder.mkdir(parents=True)
    names = [f"c{number}" for number in range(rows)]
    data = [
        {
            "id": name,
            "language": "en",
            "videos": [f"{listener.url}/{name}.mp4"],
            "audios": [],
            "consistency": "inconsistent" if number % 2 else "consistent",
            "labels": {"emotion": "happy"},
            **_record(),
        }
        for number, name in enumerate(names)
    ]
    _write(folder / "test.jsonl", data)
    answers = []
    for number, name in enumerate(names):
        if number % 10 == 3:
            continue
        scene = f"A prose kitchen {name}." if number % 10 == 7 else f"A kitchen {name}."
        text = render(Record(**{**FIELDS["en"], "video_desc": scene}), language="en")
        answers.append({"id": name, "response": text})
    _write(folder / "answers.jsonl", answers)

    def script(asked: Asked) -> Reply:
        wanted = asked.body["response_format"]["json_schema"]["schema"]["properties"]
        rating = {key: "So." if key == "reason" else 4 for key in wanted}
        return _late(say("Nice." if "A prose kitchen" in asked.text else json.dumps(rating)))

    with LLMServer(script) as server:
        command = [*_SWIFT_SABER, "eval", "saber-test", "--data", "test.jsonl", "--answers", "answers.jsonl"]
        command += ["-o", "run", "--judge", "j", "--base-url", server.url, "--concurrency", str(CONCURRENCY)]

        def ended() -> Ended:
            run, items = folder / "run", _rows(folder / "run" / "items.jsonl")
            scores = (run / "scores.json").read_text(), (run / "answers.jsonl").read_text()
            missing = [row["id"] for row in items if row["state"] == "missing"]
            answered = [row["id"] for row in items if row["state"] != "missing"]
            return Ended(names, answered, missing, _without((scores, items), folder))

        yield Scene(command, folder, lambda: len(server.asked), ended, _server_loses)


@contextmanager
def _questions(folder: Path, rows: int, *bad: str) -> Iterator[tuple[list[str], Path]]:
    """in.jsonl, in each dozen of whose rows these clips cannot be asked about, and a folder that passes for a model."""
    folder.mkdir(parents=True)
    encode(folder / "voice.mp4", frames(8), sound(1))
    (folder / "broken.mp4").write_bytes(b"no video here")
    found = []
    videos = [*bad, *["voice.mp4"] * (12 - len(bad))]
    for number in range(rows):
        video = videos[number * 5 % 12]
        turn = {"role": "user", "content": f"q{number}"}
        found.append({"id": f"r{number}", "messages": [turn], "videos": [video], "audios": [], "language": "en"})
    _write(folder / "in.jsonl", found)
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    yield [row["id"] for row in found], model


def _noted(folder: Path) -> int:
    """How many rows a model was asked about."""
    path = folder / ASKED
    lines = path.read_text().splitlines() if path.exists() else []
    return sum(len(line.split()) for line in lines if not line.startswith(("load", "ahead")))


def inference(model: Path | None = None) -> Make:
    """`infer` with a model, or with a stand-in for one."""

    @contextmanager
    def make(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
        with _questions(folder, rows, "broken.mp4", "gone.mp4", f"{listener.url}/x.mp4") as (names, none):
            command = [*_asking(model), "infer", str(model or none), "in.jsonl", "out.jsonl", "0"]
            command += ["--max_batch_size", str(BATCH), "--max_new_tokens", "8"]

            def ended() -> Ended:
                answers, rejects = _rows(folder / "out.jsonl"), _rows(folder / "out.rejects.jsonl")
                assert [row["id"] for row in answers] == [row["id"] for row in _rows(folder / "out.saber.jsonl")]
                return _ended(folder, names, answers, rejects)

            yield Scene(command, folder, lambda: _noted(folder), ended, _model_loses, ends=(1,))

    return make


def sampling_here(model: Path | None = None) -> Make:
    """`pairs sample` with a model, or with a stand-in for one."""

    @contextmanager
    def make(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
        with _questions(folder, rows, "broken.mp4") as (names, none):
            command = [*_asking(model), "pairs", "sample", "in.jsonl", "out.jsonl", "--model", str(model or none)]
            command += ["-k", str(K), "--batch-size", str(BATCH * K), "--max-new-tokens", "8"]
            # What a model samples depends on the other rows of its batch.
            ended = partial(_sampled, folder, names, texts=model is None)
            yield Scene(command, folder, lambda: _noted(folder), ended, _model_loses, ends=(1,))

    return make


def _asking(model: Path | None) -> list[str]:
    return ["env", f"REAL_MODEL={'1' if model else ''}", sys.executable, "-m", "tests.attack.stand_in"]


@contextmanager
def sampling(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
    """`pairs sample` of a server that gives one answer to a request, however many were asked for."""
    with (
        _questions(folder, rows, "broken.mp4") as (names, _),
        LLMServer(lambda asked: _late(say(f"answer {asked.key}"))) as server,
    ):
        command = [*_SWIFT_SABER, "pairs", "sample", "in.jsonl", "out.jsonl", "--model", "m", "-k", str(K)]
        command += ["--base-url", server.url, "--concurrency", str(CONCURRENCY)]
        yield Scene(
            command, folder, lambda: len(server.asked), partial(_sampled, folder, names), _server_loses, ends=(1,)
        )


def _sampled(folder: Path, names: Sequence[str], texts: bool = True) -> Ended:
    rows, failed = _rows(folder / "out.jsonl"), _rows(folder / "out.jsonl.failed.jsonl")
    assert all(len(row["candidates"]) == K for row in rows)
    if not texts:
        rows = [{**row, "candidates": K} for row in rows]
    return _ended(folder, names, rows, failed)


def _ended(folder: Path, names: Sequence[str], rows: list[dict[str, Any]], failed: list[dict[str, Any]]) -> Ended:
    """What is there, in whatever order it came."""
    answers, rejects = ([row["id"] for row in found] for found in (rows, failed))
    # "of" tells two states of a row and its files apart, those of another folder too.
    result = [{key: row[key] for key in row if key != "of"} for row in (*rows, *failed)]
    result.sort(key=lambda row: str(row["id"]))
    return Ended(names, answers, rejects, _without(result, folder))


def _without(value: Any, folder: Path) -> Any:
    """A JSON value, in which the folder's name is masked."""
    return json.loads(json.dumps(value).replace(str(folder), "FOLDER"))


@contextmanager
def pipeline(folder: Path, rows: int, listener: Listener) -> Iterator[Scene]:
    """`pipeline`: the whole chain over 14 clips, whose fates are known."""
    folder.mkdir(parents=True)
    clips, output = make_clips(folder / "clips"), folder / "out"
    with LLMServer(Models(output)) as server:
        script = server.script
        server.script = lambda asked: _late(script(asked), 0.2)  # stages start slowly: kills must find requests, too
        recipe = write_recipe(folder / "r.yaml", clips, output, server.url, workers=2)
        names = [row["id"] for row in _rows(clips / "metadata.jsonl")]

        def ended() -> Ended:
            made = snapshot(output)
            kept, dropped = [], []
            for name, text in made.items():
                lines = [json.loads(line) for line in text.splitlines()]
                if name in {"train.jsonl", "test.jsonl"}:
                    kept += [Path(line["videos"][0]).stem for line in lines]
                elif "/dropped/" in name:
                    dropped += [Path(line["row"]["videos"][0]).stem for line in lines]
            return Ended(
                names, kept, dropped, {name: text.replace(str(folder), "FOLDER") for name, text in made.items()}
            )

        # Two tasks, each with captions and verdicts under way; a child may be a task.
        yield Scene([*_SWIFT_SABER, "pipeline", str(recipe)], folder, lambda: len(server.asked), ended, lambda _: 2 * 4)


SCENES: dict[str, Make] = {
    "infer": inference(),
    "sample": sampling,
    "sample-here": sampling_here(),
    "score": score,
    "eval": evaluation,
    "pipeline": pipeline,
}
