"""The result files that EmoBench-M's own scripts read: reading them, writing ours in their form, and what they count.

    classification   {"video", "expected_value", "predicted_value"}
    emotion, intent  {"modal_path", "expected_emotion", "expected_intent", "predicted_emotion", "predicted_intent"}
    reasoning        {"video", "prediction", "reference"}

The examples of the benchmark are objects that hold such rows in "examples"; its scorer reads a JSON list of them (until
2025-07-07 a JSONL file of emotion and intent), and its judge script, LaughterReason_LLMScoring.py, a CSV with the
columns video, prediction, expected. All of these are read here. Rows may have "id" and "raw_predicted_value" too.
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.benchmarks.emobench_m.items import is_text, read_item, with_text_scores
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS, Scenario, scenario_of
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.summary import by_group
from swift_saber.text.files import read_text, writable, write_text
from swift_saber.text.spreadsheet import plain, write_csv
from swift_saber.text.strict_json import dumps, read_json

#: The benchmark's scorer as it is since a day, in the order of their days. What they leave out is another thing:
#: until 2025-07-07 each row with a value that is no label; from 2025-07-08 on only rows with a blank value.
Scorer = Literal["2025-07-07", "2025-07-08"]
SCORERS: tuple[Scorer, ...] = ("2025-07-07", "2025-07-08")

_PAIR = ("expected_emotion", "expected_intent", "predicted_emotion", "predicted_intent")
_CLASS = ("expected_value", "predicted_value")
_TEXT = ("reference", "prediction")
_CSV = ("video", "prediction", "expected")


@dataclass(frozen=True)
class Results:
    """What a result file holds.

    Attributes:
        items: one for each row with a reference, in the order of the file.
        notes: what is to be said of the file beside its scores.
    """

    items: list[Item]
    notes: list[str]


def from_official(
    path: Path,
    *,
    scenario: Scenario | None = None,
    official: bool = False,
    judge: Judge | None = None,
    bert_model: Path | None = None,
) -> Results:
    """Return the items of a result file in the benchmark's form.

    Its scenario is known for emotion and intent and for reasoning, and else taken from the file's name, where that is
    one; where it is not, the labels are those of the scenarios that have all of the expected ones, and the group is the
    file's name. Each row counts, also where a clip has several (the scorer does so too): its second item has the id
    "NAME/CLIP#2". A row that has an id is called "NAME/ID". A row without a reference has no item, and is said: there
    no answer can be right or wrong.

    Args:
        path: a JSON list, an object with such a list in "examples", JSONL, or the judge script's CSV.
        scenario: which it is, where its name does not say.
        official: count a value only where it is a label but for case and white space around it, as the scorer.
        judge, bert_model: as items.items.

    Raises:
        InputError: the file is in no such form, holds another scenario's form, two rows have one "id", or its scenario
            is not clear.
    """
    rows = list(_rows(path))
    keys = _form(rows)
    expected = [_value(row, keys[0], where) or "" for where, row in rows]
    known, group = _scenario(path, keys, expected, scenario)
    found: dict[str, Item] = {}
    places: dict[str, str] = {}
    times: Counter[str] = Counter()
    blank = 0
    for where, row in rows:
        name, clip = _name(row, where), _clip(row, where)
        if not name and not clip:
            raise InputError(where, "video", "is missing, and so is id", "say which clip the row is about")
        # A run's questions are named so too, and the benchmark numbers those of each file.
        key = name if "/" in name else f"{group}/{name or clip}"
        if name and key in places:
            remedy = 'give each row an "id" of its own, or remove one of the two'
            raise InputError(where, "id", f"{quoted(name)} is that of {places[key]} too", remedy)
        if not all((_value(row, key, where) or "").strip() for key in keys[: len(keys) // 2]):
            blank += 1
            continue
        if not name:
            times[key] += 1
            key = _numbered(key, times[key], places)
        places[key] = where
        found[key] = _item(row, where, keys, known, group, key, official)
    if not found:
        raise InputError(str(path), keys[0], "has no value in any row", "take the references from the benchmark")
    notes = (
        [f"{group}: {blank} of {len(rows)} rows of {path.name} have no reference and are left out."] if blank else []
    )
    if again := [key for key, count in times.items() if count > 1]:
        rest = sum(times[key] - 1 for key in again)
        shown = ", ".join(again[:3]) + (", ..." if len(again) > 3 else "")
        notes.append(f"{group}: {rest} of {len(rows)} rows of {path.name} name a clip again, and each counts: {shown}.")
    return Results(with_text_scores(list(found.values()), judge, bert_model), notes)


def _numbered(key: str, number: int, taken: Collection[str]) -> str:
    """The id of a clip's row: with its number behind from the second on, and with another one where that is taken."""
    found = key if number == 1 else f"{key}#{number}"
    while found in taken:
        number += 1
        found = f"{key}#{number}"
    return found


def to_official(items: Sequence[Item], folder: Path) -> list[Path]:
    """Write a file for each group, in the form that the official scripts read, and return their paths.

    NAME.json for the scorer, and NAME.csv besides for the judge script. Its values are those of `values`.

    Args:
        items: as read with official=True where the scripts are to give the numbers of scores(official=...); else
            theirs are those of our reading of the answers.
        folder: made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for group, members in by_group(items).items():
        rows = [_official_row(item) for item in members]
        written.append(folder / f"{group}.json")
        write_text(written[-1], "[\n" + ",\n".join(map(dumps, rows)) + "\n]\n")
        if is_text(members[0]):
            written.append(folder / f"{group}.csv")
            columns = ("video", "prediction", "reference")
            write_csv(written[-1], _CSV, ([row[key] for key in columns] for row in rows))
    return written


def values(item: Item) -> tuple[list[str], list[str]]:
    """Return what the scorer is given of an item with labels: what is expected, and what is predicted, one or two each.

    A label that was read stands for itself. An answer that says none is given as the model gave it, and a missing one
    as a blank.
    """
    expected = list(item.truth.partition("_")[::2]) if _is_pair(item) else [item.truth]
    if "predicted" in item.details:  # a result file's own values
        return expected, list(item.details["predicted"])
    read = [item.details.get(name) for name in ("emotion", "intent")] if _is_pair(item) else [item.prediction]
    return expected, [item.response if value is None else value for value in read]


def counted(items: Sequence[Item], scorer: Scorer) -> list[Item]:
    """Return the items of one group that a scorer counts, right and wrong as it says.

    It compares texts without white space around them and in lower case, a pair as one. What is left out: see SCORERS.

    Args:
        items: of a group with labels.
        scorer: which.
    """
    labels = label_lists(items[0])
    kept = []
    for item in items:
        truth, said = ([value.strip().lower() for value in part] for part in values(item))
        pairs = zip((*truth, *said), (*labels, *labels), strict=True)
        if all(value in known if scorer == "2025-07-07" else value for value, known in pairs):
            kept.append((item, truth, said))
    # What an answer may say: a label, or what some row expects though it is none.
    sayable = {"_".join(both) for both in product(*labels)} | {"_".join(truth) for _, truth, _ in kept}
    return [_as_counted(item, truth, said, sayable) for item, truth, said in kept]


def _as_counted(item: Item, truth: Sequence[str], said: Sequence[str], sayable: Collection[str]) -> Item:
    wanted, joined = "_".join(truth), "_".join(said)
    scores: dict[str, float | None] = {"accuracy": float(wanted == joined)}
    if len(said) == 2:
        scores |= {name: float(a == b) for name, a, b in zip(("emotion", "intent"), truth, said, strict=True)}
    return replace(item, truth=wanted, prediction=joined if joined in sayable else None, scores=scores)


def label_lists(item: Item) -> list[tuple[str, ...]]:
    """Return the labels of an item's scenario, or of the file that it is from: of pairs two lists, else one."""
    scenario = SCENARIOS.get(item.group)
    if scenario is None:
        return [tuple(item.details["labels"])]
    return [scenario.labels, scenario.intents] if scenario.intents else [scenario.labels]


def _is_pair(item: Item) -> bool:
    return item.group in SCENARIOS and bool(SCENARIOS[item.group].intents)


def _official_row(item: Item) -> dict[str, Any]:
    video = item.details.get("video") or (item.videos[0] if item.videos else item.id)
    if is_text(item):
        return {"video": video, "prediction": item.prediction or "", "reference": item.truth, "id": item.id}
    expected, predicted = values(item)
    keys, clip = (_PAIR, "modal_path") if _is_pair(item) else (_CLASS, "video")
    row = dict(zip(keys, [*expected, *predicted], strict=True))
    return {clip: video, **row, "raw_predicted_value": item.response, "id": item.id}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row)."""
    ending = path.suffix.lower()
    if ending == ".jsonl":
        yield from read_rows(path)
        return
    if ending == ".csv":
        yield from _table(path)
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


def _table(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of the judge script's CSV, as those of its JSON."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    rows = 0
    try:
        if not {*_CSV} <= {*(reader.fieldnames or ())}:
            raise InputError(str(path), "columns", "are not those of the judge script", f"they are {', '.join(_CSV)}")
        for row in reader:
            rows += 1
            video, prediction, expected = (plain(row[key] or "") for key in _CSV)
            yield f"{path}:{reader.line_num}", {"video": video, "prediction": prediction, "reference": expected}
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}", "table", f"is no CSV: {error}", "write it again") from error
    if not rows:
        raise InputError(str(path), "file", "is a table without rows", f"write a row a clip: {', '.join(_CSV)}")


def _form(rows: Sequence[tuple[str, dict[str, Any]]]) -> tuple[str, ...]:
    """The form that the first row has which is in one, since a reference may be left out."""
    for _, row in rows:
        for keys in (_PAIR, _CLASS, _TEXT):
            if keys[0] in row:
                return keys
    where, row = rows[0]
    known = "; ".join(", ".join(keys) for keys in (_CLASS, _PAIR, _TEXT))
    raise InputError(where, "row", f"has the keys {quoted(', '.join(map(str, row)))}", f"the benchmark's are {known}")


def _scenario(path: Path, keys: tuple[str, ...], expected: list[str], named: Scenario | None) -> tuple[Scenario, str]:
    """The scenario whose labels count, and the group of the items."""
    of_form = [
        one for one in SCENARIOS.values() if (_TEXT if one.is_text else _PAIR if one.intents else _CLASS) == keys
    ]
    if named is not None and named not in of_form:
        problem = f"{named.name} has other rows than with {', '.join(keys)}"
        raise InputError(str(path), "scenario", problem, f"name one of {', '.join(one.name for one in of_form)}")
    found = named or (of_form[0] if len(of_form) == 1 else scenario_of(path.stem))
    if found in of_form:
        return found, found.name
    wanted = {label.strip().lower() for label in expected if label.strip()}
    fitting = [one for one in of_form if wanted <= set(one.labels)]
    if wanted and len({one.labels for one in fitting}) == 1:
        return fitting[0], path.stem
    problem = "is not clear from the file's name or its labels"
    raise InputError(str(path), "scenario", problem, f"name it with --scenario: {', '.join(SCENARIOS)}")


def _value(row: dict[str, Any], key: str, where: str) -> str | None:
    """A field of a row; None where it is not there."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(where, key, f"is {kind(value)}, not a string", "write the label or the text")
    return None if value is None else writable(value)


def _name(row: dict[str, Any], where: str) -> str:
    """The id of a row, which may be a number as in the benchmark's questions; "" where it has none."""
    name = row.get("id")
    if name is None or (isinstance(name, int) and not isinstance(name, bool)):
        return "" if name is None else str(name)
    if not isinstance(name, str):
        raise InputError(where, "id", f"is {kind(name)}, not a name", "give the row the id of its question, or none")
    return writable(name)


def _clip(row: dict[str, Any], where: str) -> str | None:
    return _value(row, "video", where) or _value(row, "modal_path", where)


def _item(
    row: dict[str, Any], where: str, keys: tuple[str, ...], scenario: Scenario, group: str, key: str, official: bool
) -> Item:
    given = [_value(row, name, where) for name in keys]
    half = len(keys) // 2
    truths, said = [value or "" for value in given[:half]], given[half:]
    truth, answer = truths[0], said[0]
    if keys == _PAIR:
        # As its runner writes them: two labels that the reading of pairs takes apart again.
        truth, *pair = (dumps(dict(zip(("emotion", "intent"), both, strict=True))) for both in (truths, said))
        answer = None if None in said else pair[0]
    item = read_item(key, scenario, truth, answer, official=official and scenario.is_text, group=group)
    if official and not scenario.is_text:
        item = _exactly(item, scenario, truths, said)
    response = _value(row, "raw_predicted_value", where) or (", ".join(one or "" for one in said) if answer else "")
    video = _clip(row, where)
    more: dict[str, Any] = {"video": video} if video else {}
    if group not in SCENARIOS:
        more["labels"] = list(scenario.labels)
    return replace(item, response=response, videos=[video] if video else [], details={**more, **item.details})


def _exactly(item: Item, scenario: Scenario, truths: Sequence[str], said: Sequence[str | None]) -> Item:
    """The item with its values as the scorer takes them: stripped, in lower case, and else as they are."""
    labels = [scenario.labels, scenario.intents][: len(said)]
    wanted, got = ([(value or "").strip().lower() for value in part] for part in (truths, said))
    read = [value if value in known else None for value, known in zip(got, labels, strict=True)]
    prediction = "_".join(got) if got == wanted or all(read) else None
    state = item.state if item.state == "missing" else ("answered" if prediction else "invalid")
    scores: dict[str, float | None] = {"accuracy": float(got == wanted)}
    details = {**item.details, "predicted": got}
    if len(said) == 2:
        scores |= {name: float(a == b) for name, a, b in zip(("emotion", "intent"), wanted, got, strict=True)}
        details |= {"emotion": read[0], "intent": read[1]}
    return replace(item, truth="_".join(wanted), prediction=prediction, state=state, scores=scores, details=details)
