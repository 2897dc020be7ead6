"""MER-UniBench's items: what was answered about each clip, read out of labels, sentiments or a model's own words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_named
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks.mer_unibench.scores import HITS, SAID, hits, sign
from swift_saber.evaluation.benchmarks.mer_unibench.truths import Clips, Truths, sentiment_of
from swift_saber.evaluation.benchmarks.open_labels import (
    ANSWER,
    LABELS,
    TRUTH,
    extract_labels,
    extract_sentiments,
    is_of_authors,
    labels_of,
    openset_labels,
    read_authors,
)
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.summary import is_number
from swift_saber.text.wheel import Wheels

#: What is known of an answer: {"labels": [...]}, {"sentiment": ...} or {"response": "..."}, and where it stands.
Answer = tuple[str, dict[str, Any]]


def items(
    truths: Truths,
    answers: Path,
    wheels: Wheels | None,
    *,
    rejects: Mapping[str, str] | None = None,
    judge: Judge | None = None,
    clips: Clips | None = None,
) -> list[Item]:
    """Return an item for each truth; one without an answer is "missing", one without a label or sign "invalid".

    Args:
        truths: as truths.read_truths.
        answers: a JSONL of {"id", "labels"}, {"id", "sentiment"} or a model's {"id", "response"}; or results in the
            authors' form, on clips of one set: labels (-openset.npz, CSV), sentiments (-sentiment.npz) or descriptions.
            Those of other clips are left out there, as their scorer does. It may be missing: then all are.
        wheels: needed for emotions and labels.
        rejects: why a clip has no answer, as far as that is known.
        judge: reads labels out of a model's words, and a sentiment out of labels; None where there are neither.
        clips: the files of each clip, for those who look at the items.

    Raises:
        InputError: an answer is that of no truth, or of another kind; or there are no wheels or no judge.
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    if wheels is None and any(not isinstance(truth, float) for _, truth in truths.values()):
        raise InputError("eval", "--wheel", "is not given", "name the emotion_wheel folder")
    said = _read(answers, truths)
    labels = _labels(said, truths, judge)
    sentiments = _sentiments(said, labels, truths, judge)
    found = []
    for name, (group, truth) in truths.items():
        answer: Any = (sentiments if isinstance(truth, float) else labels).get(name)
        failed = isinstance(answer, str)  # what the judge's failure was
        details: dict[str, Any] = {"judge failed": answer} if failed else {}
        if rejects and name in rejects:
            details["reject"] = rejects[name]
        prediction: Any = None if failed or answer is None else answer
        if isinstance(truth, float):
            if answer is not None and not failed:
                (word,) = answer
                prediction = sentiment_of(word)
                details |= {SAID: word} if isinstance(word, str) else {}
        elif isinstance(truth, str) and wheels is not None:
            details[HITS] = None if failed else hits(truth, answer or [], wheels)
        else:
            details[LABELS] = {TRUTH: truth, ANSWER: None if failed else answer or []}
        state: State = "unjudged" if failed else "missing" if name not in said else "answered"
        if state == "answered" and prediction in (None, []):
            state, prediction = "invalid", None
        video, sound = (clips or {}).get(name, ("", []))
        response = said[name][1].get("response") if name in said else None
        found.append(
            Item(
                name,
                group,
                truth,
                prediction,
                state,
                _scores(truth, prediction, details, failed),
                response=response if isinstance(response, str) else "",
                videos=[video] if video else [],
                audios=[path for path in sound if path != video],
                details=details,
            )
        )
    return found


def _scores(truth: Any, prediction: Any, details: Mapping[str, Any], failed: bool) -> dict[str, float | None]:
    """What an item is worth by itself, for comparisons: its hit over wheels that know it, or whether its sign is right.

    One that does not count has none, and neither has one of open labels.
    """
    if isinstance(truth, float):
        return {"accuracy": None if failed else float(sign(prediction) == sign(truth))} if truth else {}
    if not isinstance(truth, str):
        return {}
    if failed:
        return {"hit": None}
    known = [hit for hit in details[HITS] if hit is not None]
    return {"hit": sum(known) / len(known)} if known else {}


def _read(path: Path, truths: Truths) -> dict[str, Answer]:
    """What each clip's answer is, by the id of its truth."""
    if not path.exists():
        return {}
    found: dict[str, Answer] = {}
    if is_of_authors(path):
        ids = {name.removeprefix(f"{group}/"): name for name, (group, _) in truths.items()}
        texts, rows = read_authors(path)
        for where, bare, value in rows:
            if bare in ids:
                found[ids[bare]] = where, _of_authors(path, value, texts)
        if not found:
            problem = f"holds no clip of {next(iter(truths.values()))[0]}"
            raise InputError(str(path), "names", problem, "name the results on this set")
        return found
    for where, row in read_named(path):
        name = row["id"]
        if name not in truths:
            raise InputError(where, "id", f"{quoted(name)} has no truth", "give the answers of this data")
        unanswered = "response" in row and all(row.get(key) is None for key in ("response", "labels", "sentiment"))
        if not unanswered:
            found[name] = where, row
    return found


def _of_authors(path: Path, value: Any, texts: bool) -> dict[str, Any]:
    if texts:
        return {"response": value}
    if is_number(value) or "sentiment" in path.stem.lower():
        return {"sentiment": value}
    return {"openset": value}


def _labels(said: Mapping[str, Answer], truths: Truths, judge: Judge | None) -> dict[str, list[str] | str]:
    """The labels of each clip that is asked about by labels, or whose sentiment is to be read out of them."""
    found: dict[str, list[str] | str] = {}
    texts = {}
    for name, (where, row) in said.items():
        of_sentiment = isinstance(truths[name][1], float)
        if of_sentiment and "sentiment" in row:
            continue
        if "openset" in row:
            found[name] = openset_labels(row["openset"], where)
        elif isinstance(row.get("response"), str) and not isinstance(row.get("labels"), list):
            texts[name] = row["response"]  # the "labels" of ms-swift's results are another thing
        elif "labels" in row or not of_sentiment:
            found[name] = labels_of(row.get("labels"), where)
        else:
            raise InputError(where, "sentiment", "is missing", "write a number or a word, or null where there is none")
    if texts:
        found |= extract_labels(_judge(judge, "the answers are descriptions"), texts)
    return found


def _sentiments(
    said: Mapping[str, Answer], labels: Mapping[str, list[str] | str], truths: Truths, judge: Judge | None
) -> dict[str, tuple[Any, ...] | str]:
    """(what is said) of each clip that is asked about by its sentiment, or what the judge's failure was."""
    found: dict[str, tuple[Any, ...] | str] = {}
    words: dict[str, list[str]] = {}
    for name, (where, row) in said.items():
        if not isinstance(truths[name][1], float):
            continue
        if "sentiment" not in row:
            of = labels[name]
            if isinstance(of, str):
                found[name] = of
            elif of or "response" not in row:
                words[name] = of
            else:
                found[name] = (None,) if not row["response"].strip() else ("neutral",)
            continue
        value = row["sentiment"]
        if value is not None and not isinstance(value, str) and not is_number(value):
            remedy = "write a number or a word, or null where there is none"
            raise InputError(where, "sentiment", f"is {quoted(value)}", remedy)
        found[name] = (value,)
    if words:
        found |= extract_sentiments(_judge(judge, "sentiments are to be read out of labels"), words)
    return found


def _judge(judge: Judge | None, why: str) -> Judge:
    if judge is None:
        raise InputError("eval", "--judge", f"is not given, and {why}", "name the judge's model")
    return judge
