"""The split into training and test clips, in the way of SABER-Test.

SABER-Test holds 1,800 clips (published), half of them consistent and half inconsistent (reported by a secondary
source). How its clips were chosen was not found: all else here is ours.
"""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic.dataclasses import dataclass

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline.stage import Drop, Row, Stage
from swift_saber.pipeline.stages.split_choice import LOST, STAYS, TEST, Clips, Groups, Stratum, choose
from swift_saber.settings import SETTINGS
from swift_saber.text.files import write_text
from swift_saber.text.seed import lot_number
from swift_saber.text.strict_json import dumps, read_json

SHARES = "shares a speaker or video with the test set"
OFFICIAL = "in the test set of its source"
_HALVES = {"consistent": 0, "inconsistent": 1}
_OFFICIAL = {"train": 1, "dev": 2, "test": 4}  # bits, so that those of a video can be joined
_NOTE = "split.json"


def _fits(right: Callable[[Any], bool], wanted: str) -> BeforeValidator:
    """What refuses a setting that is not right."""

    def check(value: Any) -> Any:
        if not right(value):
            raise InputError("recipe", "split", f"is {quoted(value)}", f"write {wanted}")
        return value

    return BeforeValidator(check)


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """How large the test set is, and what it may take.

    Attributes:
        test: clips in the test set, an even number (1,800 is published). With fewer that fit, as many as possible.
        seed: of the choice (ours).
        keep_official: never train on a clip that its own source has for testing (ours), so that a trained model
            can still be measured on the source's test set. Such a clip is in our test set or dropped.
        share: at most this part of a source's training clips goes to the test set or is dropped for it (ours), so
            that a source whose clips all hang together, such as a series with one cast, is not lost to training.
    """

    test: Annotated[int, _fits(lambda it: type(it) is int and it > 0 and it % 2 == 0, "an even number above 0")] = 1800
    seed: Annotated[int, _fits(lambda it: type(it) is int, "a whole number")] = 0
    keep_official: Annotated[bool, _fits(lambda it: isinstance(it, bool), "true or false")] = True
    share: Annotated[
        float, _fits(lambda it: type(it) in (int, float) and 0 < it <= 1, "a number above 0, at most 1")
    ] = 0.5


class Split(Stage):
    """Gives each clip its "part": "test", or "train".

    The test set has equal halves of consistent and inconsistent clips; each half is shared evenly over languages, then
    over the sources of a language, as far as the clips allow. No speaker and no origin is on both sides: clips that a
    chain of shared speakers and origins joins are one group, and a group with a clip in the test set gives none to
    training. What is left of it is dropped. Small groups are taken first, since less is dropped with them.

    The risk: a clip without speaker and origin counts as a group of its own, though the same person may be in others.
    How many there are is said in split.json, which the report shows together with what fell short, and where the
    official splits of a source share what here is on one side: a model trained on its training clips has then seen
    the videos of its test clips.
    """

    name = "split"
    form = Settings
    whole = True
    shown = ("part", "consistency", "speaker", "origin", "split")
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its part, or its Drop; writes folder/split.json before the first.

        Raises:
            InputError: a row does not say whether it is consistent, or the disk takes no more.
        """
        spool = folder / "rows.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        clips, groups, official = self._read(rows, spool)
        if not clips.keys:
            spool.unlink()
            return
        numbers = groups.of(clips.nodes)
        verdicts = choose(clips, numbers, self.settings.test, self.settings.share)
        self._write_note(folder / _NOTE, clips, numbers, verdicts, list(_shared(clips, official)))
        for verdict, trains, (_, row) in zip(verdicts.tolist(), clips.trains, read_rows(spool), strict=True):
            if verdict == TEST:
                yield row | {"part": "test"}
            elif not trains:
                yield Drop(row, OFFICIAL, row["split"])
            elif verdict == LOST:
                yield Drop(row, SHARES, {key: row[key] for key in ("speaker", "origin") if key in row})
            else:
                yield row | {"part": "train"}
        spool.unlink()

    def _read(self, rows: Iterable[Row], spool: Path) -> tuple[Clips, Groups, array]:
        """Copy the rows to a file, since they can be read only once, and keep some numbers of each.

        Returns:
            The clips; their groups; of each clip the bit of its official split, 0 where there is none, and the node of
            its video, -1 where it is not known, one after the other.
        """
        clips, groups, official = Clips(), Groups(), array("q")
        strata: dict[Stratum, int] = {}
        with spool.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                half = _HALVES.get(row.get("consistency", ""))
                if half is None:
                    problem = f"is {quoted(row.get('consistency'))}, so the clip is in neither half of a test set"
                    raise InputError(row["id"], "consistency", problem, "let the stage consistency run before split")
                file.write(dumps(row) + "\n")
                stratum = strata.setdefault((row["language"], row["source"]), len(strata))
                names = (f"{key} {row[key]}" for key in ("speaker", "origin") if row.get(key))
                clips.nodes.append(groups.add(*names))
                clips.keys.append(lot_number(row["id"], self.settings.seed))
                clips.cells.append(2 * stratum + half)
                clips.trains.append(not (self.settings.keep_official and row.get("split") == "test"))
                # The origin is the last of the names, so the node is its own.
                official.extend((_OFFICIAL.get(row.get("split", ""), 0), clips.nodes[-1] if row.get("origin") else -1))
        clips.strata = list(strata)
        return clips, groups, official

    def _write_note(
        self, path: Path, clips: Clips, groups: np.ndarray, verdicts: np.ndarray, shared: list[dict[str, Any]]
    ) -> None:
        """Say what was chosen and what fell short, for the log, the report and the dataset card."""
        test, trains = verdicts == TEST, np.frombuffer(clips.trains, dtype=np.uint8) == 1
        alone = np.frombuffer(clips.nodes, dtype=np.int64) < 0
        train = (verdicts == STAYS) & trains
        counts = Counter(np.frombuffer(clips.cells, dtype=np.uint16)[test].tolist())
        strata: list[dict[str, Any]] = [
            {"language": language, "source": source, "consistent": counts[2 * at], "inconsistent": counts[2 * at + 1]}
            for at, (language, source) in enumerate(clips.strata)
        ]
        note: dict[str, Any] = {
            "wanted": self.settings.test,
            "test": int(test.sum()),
            "train": int(train.sum()),
            "groups": {"all": int(groups.max()) + 1, "test": len(set(groups[test].tolist()))},
            "alone": {"test": int((alone & test).sum()), "train": int((alone & train).sum())},
            "strata": sorted(strata, key=lambda of: (of["language"], of["source"])),
            "shared": shared,
        }
        note["notes"] = list(_notes(note, self.settings.share))
        write_text(path, json.dumps(note, ensure_ascii=False, indent=1) + "\n")


def _notes(note: dict[str, Any], share: float) -> Iterator[str]:
    if note["test"] < note["wanted"]:
        yield (
            f"The test set has {note['test']:,} clips of the {note['wanted']:,} asked for: no more fit with equal "
            f"halves and no source giving up more than {share:g} of its training clips."
        )
    in_test = {of["source"] for of in note["strata"] if of["consistent"] + of["inconsistent"]}
    if without := sorted({of["source"] for of in note["strata"]} - in_test):
        yield (
            f"No clip of {', '.join(without)} is in the test set: either its clips hang together through shared "
            "speakers and videos, or other clips were enough."
        )
    if sum(note["alone"].values()):
        yield (
            f"{note['alone']['test']:,} test clips and {note['alone']['train']:,} training clips have neither speaker "
            "nor video of origin: each was taken for a group of its own, so one person may be on both sides."
        )
    for of in note["shared"]:
        yield (
            f"The official splits of {of['source']} share videos: {of['shared']:,} of its {of['clips']:,} clips with "
            f"an official split come from a video that is in several of them, and {of['test']:,} of these "
            f"{of['shared']:,} are official test clips. Whoever trains on train.jsonl may have seen the videos of the "
            "official test set; no video of test.jsonl is in it, since this split goes by video. With "
            "keep_official: false the official test clips are for training too."
        )
    if not note["train"]:
        yield "Nothing is left for training."


def _shared(clips: Clips, official: array) -> Iterator[dict[str, Any]]:
    """Of each source with videos in several official splits: its clips with a split, and those of such videos."""
    names = sorted({source for _, source in clips.strata})
    stratum = np.frombuffer(clips.cells, dtype=np.uint16) // 2
    source = np.array([names.index(name) for _, name in clips.strata])[stratum]
    bits, nodes = np.frombuffer(official, dtype=np.int64).reshape(-1, 2).T
    of_video = np.zeros(nodes.max() + 2, dtype=np.int64)  # by node; the last one is that of the clips without a video
    known = nodes >= 0
    np.bitwise_or.at(of_video, nodes[known], bits[known])
    several = (of_video & (of_video - 1) != 0)[nodes] & (bits > 0)  # more than one bit is set
    for number, name in enumerate(names):
        here = source == number
        if (here & several).any():
            yield {
                "source": name,
                "clips": int((here & (bits > 0)).sum()),
                "shared": int((here & several).sum()),
                "test": int((here & several & (bits == _OFFICIAL["test"])).sum()),
            }


def notes(folder: Path) -> list[str]:
    """Return what a split that was made in a folder says of itself, in sentences; none where there was no clip."""
    path = folder / _NOTE
    return list(read_json(path)["notes"]) if path.is_file() else []
