"""What people said of the records, put into them: review/merge.py makes one verdict of what swift-saber review wrote.

People go on reviewing while the stage runs. So a run begins with a copy of their verdicts in the stage's folder, which
all of its tasks read; the next run does the stage again where they say something else by then.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record
from swift_saber.review.apply import MARK, NOT_REVIEWED, LeftOutError, apply, marked
from swift_saber.review.items import item_of
from swift_saber.review.log import review_files, reviews_by_text
from swift_saber.review.merge import Verdict, verdicts_by_text
from swift_saber.sed.record import CONCLUSION, VISUAL
from swift_saber.settings import SETTINGS

DISAGREE = "reviewers disagree"
_VERDICTS = "verdicts.jsonl"

#: {item: {digest of its text: the verdict on it}}
Verdicts = Mapping[str, Mapping[str, Verdict]]


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """Where the reviews are, and what becomes of clips that they do not decide.

    Attributes:
        folder: of the reviews, in the current folder unless it is absolute; it may not be there yet.
        disagreement: "drop" the clips that reviewers disagree on, or "keep" them as they are.
        only_reviewed: drop the clips that nobody has decided about.
    """

    folder: str = "reviews"
    disagreement: Literal["drop", "keep"] = "drop"
    only_reviewed: bool = False


class Review(Stage):
    """Puts what reviewers said into each row, with "review": {"state", "reviewers"}; or its Drop.

    A review of a text that is another one now is not applied: the row is as it was, with the state "stale"; one that
    nobody has decided about has "not reviewed".
    """

    name = "review"
    form = Settings
    shown = (MARK, "consistency", "cues", "labels", *VISUAL, "audio_desc", CONCLUSION)
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row as its verdict in the folder would have it, or its Drop."""
        verdicts = _read(folder / _VERDICTS)
        for row in rows:
            must_have_record(row)
            yield self._one(row, verdicts)

    def news(self, folder: Path) -> list[dict[str, Any]] | None:
        """Return what reviewers say by now, for `keep`; None where it is what the folder has already.

        Args:
            folder: the stage's own.

        Raises:
            InputError: a review is damaged; or the folder of the reviews is gone of which this run has some.
        """
        place = Path(self.settings.folder).expanduser().absolute()
        kept = folder / _VERDICTS
        before = [row for _, row in read_rows(kept)] if kept.exists() and kept.stat().st_size else []
        if not review_files(place) and before:
            problem = f"{place} holds no reviews, and those of the last run were from there"
            remedy = f"start in the folder of that run, correct the path, or remove {folder} to do without them"
            raise InputError("recipe", "review.folder", problem, remedy)
        verdicts = verdicts_by_text(reviews_by_text(place)) if review_files(place) else ()
        found = [_line(verdict) for verdict in verdicts]
        return None if found == before and kept.exists() else found

    @staticmethod
    def keep(folder: Path, news: list[dict[str, Any]]) -> None:
        """Write what `news` returned to the stage's folder, without the names of reviewers."""
        write_rows(folder / _VERDICTS, news)

    def _one(self, row: Row, verdicts: Verdicts) -> Row | Drop:
        item = item_of(row, row["id"])
        of = verdicts.get(item.id, {})
        verdict = of.get(item.of)
        if verdict is None:
            if self.settings.only_reviewed:
                return Drop(row, NOT_REVIEWED, "its text was another one then" if of else None)
            return marked(row, "stale" if of else NOT_REVIEWED)
        if verdict.state == "disputed":
            if self.settings.disagreement == "drop":
                return Drop(row, DISAGREE, ", ".join(verdict.fields))
            return marked(row, "disputed", len(verdict.by))
        try:
            found = apply(row, verdict, row["id"])
        except LeftOutError as error:
            return Drop(row, error.reason, error.value)
        if "consistency" in row and "consistency" not in found:
            return Drop(row, "no consistency label", "taken away by reviewers")
        return found


def notes(folder: Path, settings: Settings) -> list[str]:
    """Return what a stage that is through says of its reviews, in sentences.

    Args:
        folder: the stage's own.
        settings: of the stage.
    """
    verdicts = _read(folder / _VERDICTS)
    if not verdicts:
        place = Path(settings.folder).expanduser().absolute()
        return [f"nobody has reviewed anything in {place} yet: swift-saber review {folder.parent} -o {place}"]
    states = ("accepted", "corrected", "disputed", "stale")
    marks = {state: f'"{MARK}": {{"state": "{state}"'.encode() for state in states}
    counts = {state: _count(folder, mark) for state, mark in marks.items()}
    said = [f"{', '.join(f'{count} {state}' for state, count in counts.items())}; the rest as it was"]
    if counts["stale"]:
        said.append(f"{counts['stale']} were reviewed when their text was another one: review them again")
    return said


def _count(folder: Path, mark: bytes) -> int:
    """How many kept rows hold a mark; inside a text its quotes are escaped."""
    total = 0
    for path in (folder / "kept").glob("*.jsonl"):
        with path.open("rb") as lines:
            total += sum(mark in line for line in lines)
    return total


def _line(verdict: Verdict) -> dict[str, Any]:
    known = {name: getattr(verdict, name) for name in ("item", "of", "state", "values")}
    return known | {"reviewers": len(verdict.by), "reasons": list(verdict.reasons), "fields": list(verdict.fields)}


def _read(path: Path) -> Verdicts:
    found: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for _, line in read_rows(path) if path.stat().st_size else ():
        found[line["item"]][line["of"]] = Verdict(
            line["item"],
            line["state"],
            line["values"],
            tuple(map(str, range(line["reviewers"]))),  # in the place of names
            tuple(line["reasons"]),
            tuple(line["fields"]),
            of=line["of"],
        )
    return found
