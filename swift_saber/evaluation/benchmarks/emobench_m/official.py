"""The result files that EmoBench-M's own scripts read: reading them, and writing ours in their form.

    classification   {"video", "expected_value", "predicted_value"}
    emotion, intent  {"modal_path", "expected_emotion", "expected_intent", "predicted_emotion", "predicted_intent"}
    reasoning        {"video", "prediction", "reference"}

The examples of the benchmark are objects that hold such rows in "examples"; its scorer (EmoBench-M-eval.py) reads a
JSON list of them, of emotion and intent a JSONL file, and its judge script (LaughterReason_LLMScoring.py) a CSV with
the columns video, prediction, expected. All but the CSV is read here. Rows may have "id" and "raw_predicted_value" too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.benchmarks.emobench_m.items import is_text, read_item, with_text_scores
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS, Scenario
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.summary import by_group
from swift_saber.text.files import writable, write_text
from swift_saber.text.spreadsheet import write_csv
from swift_saber.text.strict_json import dumps, read_json

_PAIR = ("expected_emotion", "expected_intent", "predicted_emotion", "predicted_intent")
_CLASS = ("expected_value", "predicted_value")
_TEXT = ("reference", "prediction")


def from_official(
    path: Path, *, official: bool = False, judge: Judge | None = None, bert_model: Path | None = None
) -> list[Item]:
    """Return the items of a result file in the benchmark's form.

    Its scenario is known for emotion and intent and for reasoning, and else taken from the file's name; where that
    names none, the labels are those of the scenarios that have all of the expected ones, and the group is the file's
    name.

    Args:
        path: a JSON list, an object with such a list in "examples", or JSONL.
        official: count a value only where it is a label but for case and white space around it, as the official scorer.
        judge, bert_model: as items.items.

    Raises:
        InputError: the file is in no such form, two rows have one id (without ids: one clip), or its scenario is not
            clear.
    """
    rows = list(_rows(path))
    keys = _form(rows[0][1], rows[0][0])
    expected = [_value(row, keys[0], where) or "" for where, row in rows]
    known, group = _scenario(path, keys, expected)
    found: dict[str, Item] = {}
    for where, row in rows:
        item = _item(row, where, keys, known, group, official)
        if item.id in found:
            remedy = 'give each row an "id" of its own, or remove one of the two'
            raise InputError(where, "id", f"{quoted(item.id)} is there twice", remedy)
        found[item.id] = item
    return with_text_scores(list(found.values()), judge, bert_model)


def to_official(items: Sequence[Item], folder: Path) -> list[Path]:
    """Write a file for each group, in the form that the official scripts read, and return their paths.

    NAME.json for the scorer's classification and generation, NAME.jsonl for its joint mode, and NAME.csv besides for
    the judge script. An answer that says no label is written as the model gave it, and an empty one for a missing one:
    the scorer leaves both out.

    Args:
        items: as read with official=True where the scripts are to give the numbers of scores(official=True); else
            theirs are those of our reading of the answers.
        folder: made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for group, members in by_group(items).items():
        rows = [_official_row(item) for item in members]
        scenario = SCENARIOS.get(group)
        if scenario is not None and scenario.intents:
            written.append(folder / f"{group}.jsonl")
            write_rows(written[-1], rows)
            continue
        written.append(folder / f"{group}.json")
        write_text(written[-1], "[\n" + ",\n".join(map(dumps, rows)) + "\n]\n")
        if is_text(members[0]):
            written.append(folder / f"{group}.csv")
            columns = ("video", "prediction", "reference")
            write_csv(written[-1], ("video", "prediction", "expected"), ([row[key] for key in columns] for row in rows))
    return written


def _official_row(item: Item) -> dict[str, Any]:
    video = item.details.get("video") or (item.videos[0] if item.videos else item.id)
    if is_text(item):
        return {"video": video, "prediction": item.prediction or "", "reference": item.truth, "id": item.id}
    more = {"raw_predicted_value": item.response, "id": item.id}
    if item.group in SCENARIOS and SCENARIOS[item.group].intents:
        emotion, _, intent = item.truth.partition("_")
        expected = {"expected_emotion": emotion, "expected_intent": intent}
        predicted = {f"predicted_{name}": item.details.get(name) or "" for name in ("emotion", "intent")}
        return {"modal_path": video, **expected, **predicted, **more}
    said = item.prediction if item.prediction is not None else item.response
    return {"video": video, "expected_value": item.truth, "predicted_value": said, **more}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row)."""
    if path.suffix.lower() == ".jsonl":
        yield from read_rows(path)
        return
    value = read_json(path)
    rows = value.get("examples") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not rows:
        problem = f"is {kind(value)} without rows"
        raise InputError(str(path), "file", problem, 'write a list of rows, or {"examples": [...]}')
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"{path}[{number}]", "row", f"is {kind(row)}, not an object", "write {...}")
        yield f"{path}[{number}]", row


def _form(row: dict[str, Any], where: str) -> tuple[str, ...]:
    for keys in (_PAIR, _CLASS, _TEXT):
        if keys[0] in row:
            return keys
    known = "; ".join(", ".join(keys) for keys in (_CLASS, _PAIR, _TEXT))
    raise InputError(where, "row", f"has the keys {quoted(', '.join(map(str, row)))}", f"the benchmark's are {known}")


def _scenario(path: Path, keys: tuple[str, ...], expected: list[str]) -> tuple[Scenario, str]:
    """The scenario whose labels count, and the group of the items."""
    of_form = [
        one for one in SCENARIOS.values() if (_TEXT if one.is_text else _PAIR if one.intents else _CLASS) == keys
    ]
    stem = path.stem.lower().replace("-", "_")
    for one in sorted(of_form, key=lambda one: -len(one.name)):  # "ch-simsv2s" is not "SIMS"
        if len(of_form) == 1 or one.name.lower().replace("-", "_") in stem:
            return one, one.name
    wanted = {label.strip().lower() for label in expected}
    fitting = [one for one in of_form if wanted <= set(one.labels)]
    if len({one.labels for one in fitting}) == 1:
        return fitting[0], path.stem
    problem = "is not clear from the file's name or its labels"
    raise InputError(str(path), "scenario", problem, f"put one into the file's name: {', '.join(SCENARIOS)}")


def _value(row: dict[str, Any], key: str, where: str) -> str | None:
    """A field of a row; None where it is not there."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(where, key, f"is {kind(value)}, not a string", "write the label or the text")
    return None if value is None else writable(value)


def _item(
    row: dict[str, Any], where: str, keys: tuple[str, ...], scenario: Scenario, group: str, official: bool
) -> Item:
    video = _value(row, "video", where) or _value(row, "modal_path", where)
    key = _value(row, "id", where) or (f"{group}/{video}" if video else "")
    if not key:
        raise InputError(where, "video", "is missing, and so is id", "say which clip the row is about")
    values = [_value(row, name, where) for name in keys]
    half = len(keys) // 2
    if not all(values[:half]):
        raise InputError(where, keys[0], "has no value", "take the reference from the benchmark")
    truths, said = values[:half], values[half:]
    truth, answer = truths[0] or "", said[0]
    if keys == _PAIR:
        # As its runner writes them: two labels that the reading of pairs takes apart again.
        truth, *pair = (dumps(dict(zip(("emotion", "intent"), both, strict=True))) for both in (truths, said))
        answer = None if None in said else pair[0]
    item = read_item(key, scenario, truth, answer, official=official and scenario.is_text, group=group)
    if official and not scenario.is_text:
        item = _exactly(item, scenario, truths, said)
    response = _value(row, "raw_predicted_value", where) or (", ".join(one or "" for one in said) if answer else "")
    more: dict[str, Any] = {"video": video} if video else {}
    if group not in SCENARIOS:
        more["labels"] = list(scenario.labels)
    return replace(item, response=response, videos=[video] if video else [], details={**more, **item.details})


def _exactly(item: Item, scenario: Scenario, truths: Sequence[str | None], said: Sequence[str | None]) -> Item:
    """The item with its values as the official scorer takes them: stripped, in lower case, and else as they are."""
    labels = [set(scenario.labels), set(scenario.intents)][: len(said)]
    wanted = [(value or "").strip().lower() for value in truths]
    got = [(value or "").strip().lower() for value in said]
    read = [value if value in known else None for value, known in zip(got, labels, strict=True)]
    prediction = "_".join(map(str, read)) if all(read) else None
    truth = "_".join(wanted)
    state = item.state if item.state == "missing" else ("answered" if prediction else "invalid")
    scores: dict[str, float | None] = {"accuracy": float(prediction == truth)}
    details = item.details
    if len(said) == 2:
        scores |= {name: float(a == b) for name, a, b in zip(("emotion", "intent"), wanted, read, strict=True)}
        details = {**details, "emotion": read[0], "intent": read[1]}
    return replace(item, truth=truth, prediction=prediction, state=state, scores=scores, details=details)
