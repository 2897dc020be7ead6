"""Scoring the candidates of a file, clip by clip, so that a run which was stopped goes on where it was.

Knows files, threads and counts; what a score is worth is the scorer's matter (judge.py, measured.py, mini/rules.py).
"""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from swift_saber.data.log import RowLog
from swift_saber.data.rows import must_be_regular, read_named, read_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.models.asker import in_order
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.pairs.failures import GIVE_UP, NOTHING, UNREADABLE, failed_clips
from swift_saber.pairs.judge import Rating
from swift_saber.text.strict_json import dumps


class Scorer(Protocol):
    """Rates one answer to one clip."""

    #: What the scores depend on, beside the candidates; written into each row. "by" names the judge.
    settings: dict[str, Any]

    def __call__(self, row: Mapping[str, Any], text: str) -> Rating:
        """Raise Unusable where there is no rating, any other error to stop the run."""


def judge_log(output: Path) -> Path:
    """Return where a judge's replies are kept, beside the scored candidates."""
    return output.with_name(output.name + ".judge.jsonl")


def score(candidates: Path, output: Path, scorer: Scorer, *, concurrency: int = 1) -> dict[str, Any]:
    """Write each clip's row again, its candidates scored; rows that are there already are kept.

    Each candidate gains "scores" or, where there is no rating, "failure", a short reason; "measured" too where the
    scorer measures; the row gains "scoring", the scorer's settings. Equal texts of a clip are rated once; a candidate
    that was cut is not rated, its failure is "cut short". A clip with a candidate that the judge had no answer for is
    set aside: it is listed with the reason in `<output>.failed.jsonl`, and scored by the next run. Memory: the clips in
    work, and about 150 bytes for each clip of the file.

    Args:
        candidates: JSONL as `pairs sample` writes it.
        output: JSONL to write, or to go on with.
        scorer: rates one answer.
        concurrency: how many answers are rated at the same time.

    Returns:
        {"clips", "already_there", "candidates", "scored", "from_cache", "failed": {reason: candidates}}: candidates,
        scored and failed of the whole output and of the clips set aside, from_cache of this run: texts whose rating
        was known already.

    Raises:
        InputError: a row is no row of candidates; the output was made from others or by another scorer; not one
            candidate of the first 50, or of the file, could be scored; or what the scorer raises (EndpointDown). What
            is there stays.
    """
    must_be_regular(candidates)
    counts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    with RowLog(output) as log:
        done = _done(log, scorer.settings, counts, failed)
        already = len(done)
        clips = _compare(candidates, done, output)
        left = (row for _, row in read_rows(candidates) if row["id"] not in done)
        waiting: list[dict[str, Any]] = []
        with (
            failed_clips(output, "are set aside") as aside,
            closing(_scored(left, scorer, concurrency, counts)) as work,
            tqdm(total=clips, initial=already, desc="clips scored", unit="clip") as bar,
        ):
            for row in work:
                _count(row, counts, failed)
                if reason := _unanswered(row):
                    aside.append({"id": row["id"], "reason": reason})
                else:
                    waiting.append(row)
                if counts["scored"]:  # nothing is written before one candidate is scored
                    _write(log, waiting, bar)
                elif failed.total() - failed[NOTHING] >= GIVE_UP:
                    raise _hopeless(candidates, failed)
            if failed.total() and not counts["scored"]:
                raise _hopeless(candidates, failed)
            _write(log, waiting, bar)
    return {
        "clips": clips,
        "already_there": already,
        "candidates": counts["scored"] + failed.total(),
        "scored": counts["scored"],
        "from_cache": counts["from_cache"],
        "failed": dict(failed.most_common()),
    }


def _write(log: RowLog, rows: list[dict[str, Any]], bar: Any) -> None:
    for row in rows:
        log.append(row)
        bar.update()
    rows.clear()


def _unanswered(row: Mapping[str, Any]) -> str | None:
    """Why a candidate of a clip has no answer yet, or None."""
    return next((one["reason"] for one in row["candidates"] if one.get("failure") == UNANSWERED), None)


def _scored(
    rows: Iterator[dict[str, Any]], scorer: Scorer, concurrency: int, counts: Counter[str]
) -> Generator[dict[str, Any], None, None]:
    """Yield the rows with their scores, in their order; `concurrency` answers are rated at a time."""

    def tasks() -> Iterator[tuple[dict[str, Any], str | None]]:
        for row in rows:
            whole = (candidate["text"] for candidate in row["candidates"] if not candidate.get("cut"))
            yield from ((row, text) for text in dict.fromkeys(whole))
            yield row, None  # this was the last of its texts

    def rate(task: tuple[dict[str, Any], str | None]) -> tuple[dict[str, Any], str | None, Rating | Unusable | None]:
        row, text = task
        try:
            return row, text, None if text is None else scorer(row, text)
        except Unusable as error:
            return row, text, error

    ratings: dict[str, Rating | Unusable] = {}
    with closing(in_order(rate, tasks(), concurrency)) as rated:
        for row, text, rating in rated:
            if text is None or rating is None:
                yield _row(row, ratings, scorer, counts)
                ratings = {}
            else:
                ratings[text] = rating


def _count(row: Mapping[str, Any], counts: Counter[str], failed: Counter[str]) -> None:
    failed.update(candidate["failure"] for candidate in row["candidates"] if "failure" in candidate)
    counts["scored"] += sum("failure" not in candidate for candidate in row["candidates"])


def _row(
    row: dict[str, Any], ratings: Mapping[str, Rating | Unusable], scorer: Scorer, counts: Counter[str]
) -> dict[str, Any]:
    scored = []
    known: set[str] = set()
    for candidate in row["candidates"]:
        text = candidate["text"]
        # Where it was cut, its end is missing, which concludes: no judgement of the rest would be one of the answer.
        rating = Unusable("its answer was cut", "cut short") if candidate.get("cut") else ratings[text]
        if isinstance(rating, Unusable):
            why = {"reason": rating.reason} if rating.kind == UNANSWERED else {}
            scored.append({**candidate, "failure": rating.kind, **why})
            continue
        counts["from_cache"] += rating.cached or text in known
        known.add(text)
        measured = {"measured": rating.measured} if rating.measured else {}
        scored.append({**candidate, "scores": rating.scores, **measured})
    return {**row, "candidates": scored, "scoring": scorer.settings}


def _done(log: RowLog, settings: dict[str, Any], counts: Counter[str], failed: Counter[str]) -> dict[str, bytes]:
    """Return the digest of each clip that is there, by id, and count its candidates."""
    done = {}
    for row in log.read():
        where = f"{log.path}: {row['id']}"
        if row.get("scoring") != settings:
            problem = f"scored with {dumps(row.get('scoring'))}, asked for is {dumps(settings)}"
            raise InputError(where, "scoring", problem, "name another file, or use its settings again")
        check_row(row, where)
        _count(row, counts, failed)
        done[row["id"]] = _digest(row)
    return done


def _compare(candidates: Path, done: Mapping[str, bytes], output: Path) -> int:
    """Check every row of the candidates and that what is done was made from them; return their number."""
    seen: set[str] = set()
    for where, row in read_named(candidates):
        check_row(row, where)
        name = row["id"]
        seen.add(name)
        if name in done and done[name] != _digest(row):
            problem = f"{quoted(name)} is another row now than when {output} was written"
            raise InputError(where, "candidates", problem, "name another output")
    if gone := next((name for name in done if name not in seen), None):
        raise InputError(str(output), "id", f"{quoted(gone)} is not in {candidates}", "name another output")
    return len(seen)


def _digest(row: Mapping[str, Any]) -> bytes:
    """What a row was before it was scored, in 16 bytes."""
    plain = [
        {key: value for key, value in candidate.items() if key not in ("scores", "failure", "measured")}
        for candidate in row["candidates"]
    ]
    before = {key: value for key, value in row.items() if key != "scoring"} | {"candidates": plain}
    return hashlib.blake2b(dumps(before).encode(), digest_size=16).digest()


def check_row(row: Mapping[str, Any], where: str) -> None:
    """See that a row is one of candidates, scored or not.

    Raises:
        InputError: its candidates are no list of texts.
    """
    remedy = "give the file that `swift-saber pairs sample` wrote"
    found = row.get("candidates")
    if not isinstance(found, list):
        raise InputError(where, "candidates", f"is {kind(found)}, not a list", remedy)
    for index, candidate in enumerate(found):
        text = candidate.get("text") if isinstance(candidate, dict) else None
        if not isinstance(text, str):
            raise InputError(where, f"candidates[{index}].text", "is missing or not a string", remedy)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            problem = f"cannot be UTF-8 ({error.reason})"
            raise InputError(where, f"candidates[{index}].text", problem, "remove the character") from error


def _hopeless(candidates: Path, failed: Counter[str]) -> InputError:
    found = ", ".join(f"{reason}: {number}" for reason, number in failed.most_common())
    remedies = {
        "cut short": "sample again with a larger --max-new-tokens",
        "no record": "give --records the file whose ids are those of the candidates",
        "refused": "try --reply-form json_object or none, and look at the server's log",
        UNANSWERED: "look at the judge's log, and run again",
        NOTHING: "have the answers describe the voice (the SED layout), or use a judge",
        UNREADABLE: "look at the paths in the file, and at ROOT_IMAGE_DIR",
        "clip unreadable": "look at the paths in the file, and at ROOT_IMAGE_DIR",
    }
    remedy = remedies.get(failed.most_common(1)[0][0], "try --reply-form json_schema, or another judge")
    return InputError(str(candidates), "candidates", f"not one could be scored ({found})", remedy)
