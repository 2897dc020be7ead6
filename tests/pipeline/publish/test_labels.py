"""Labels as columns of a table: one type each, and nothing changed that need not be."""

import random
from pathlib import Path
from typing import Any

import pytest

from swift_saber.pipeline.publish.forms import Annotations, Parquet, WebDataset
from swift_saber.pipeline.publish.labels import Shape, fitted, joined, shape_of
from tests.pipeline.result.run_folder import RECORD


def _together(*values: Any) -> list[Any]:
    shape: Shape = None
    for value in values:
        shape = joined(shape, shape_of(value))
    return [fitted(value, shape) for value in values]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((1, 2), [1, 2]),
        ((1, 0.5), [1, 0.5]),
        ((1, "a"), ["1", "a"]),
        ((True, 1), ["true", "1"]),
        ((None, 1), [None, 1]),
        (([1], [0.5, 2]), [[1], [0.5, 2]]),
        (([1], ["a"]), [["1"], ["a"]]),
        (([], ["a"]), [[], ["a"]]),
        (([1, "一"], "x"), ['[1, "一"]', "x"]),
        (({"a": 1}, {"b": "x", "a": "y"}), [{"a": "1"}, {"b": "x", "a": "y"}]),
        (({"a": [{"b": 1}]}, {"a": [{"b": 0.5}, {"c": None}]}), [{"a": [{"b": 1}]}, {"a": [{"b": 0.5}, {"c": None}]}]),
        (({"a": 1}, 3), ['{"a": 1}', "3"]),
        ((2**80, 1), [str(2**80), "1"]),
    ],
)
def test_values_of_one_label_have_one_type(values: tuple[Any, ...], wanted: list[Any]) -> None:
    found = _together(*values)
    assert found == wanted and list(map(type, found)) == list(map(type, wanted))
    assert _together(*reversed(values)) == wanted[::-1]


def _value(lots: random.Random, depth: int = 0) -> Any:
    kinds = ["none", "truth", "whole", "number", "text", *(["list", "object"] if depth < 3 else [])]
    match lots.choice(kinds):
        case "none":
            return None
        case "truth":
            return lots.random() < 0.5
        case "whole":
            return lots.choice([0, -7, 2**40, 2**63 - 1, 2**63, 2**70])
        case "number":
            return lots.choice([0.5, -1e300, 3.0])
        case "text":
            return lots.choice(["", "一", "null", '{"a": 1}', "\u2028", 'a"b\\n', "1"])
        case "list":
            return [_value(lots, depth + 1) for _ in range(lots.randrange(3))]
    return {lots.choice("abc"): _value(lots, depth + 1) for _ in range(lots.randrange(4))}


@pytest.mark.parametrize("form", [Annotations, Parquet, WebDataset])
def test_datasets_reads_any_labels(form: Any, tmp_path: Path) -> None:
    import datasets

    lots = random.Random(form.__name__)
    rows: list[dict[str, Any]] = []
    shape: Shape = None
    for number in range(300):
        labels = {lots.choice("abcdefgh"): value for _ in range(4) if (value := _value(lots)) not in (None, {}, [])}
        rows.append({"id": f"r{number}", "files": {"videos": [], "audios": []}, "labels": labels, **RECORD})
        shape = joined(shape, shape_of(labels))
    with form(tmp_path, False, shape, set(), 100_000) as out:
        for row in rows:
            out.add("train", row, {})
    found = datasets.load_dataset(
        {Annotations: "json", Parquet: "parquet", WebDataset: "webdataset"}[form],
        data_files=str(tmp_path / out.files("train")),
        features=out.features(),
        split="train",
    )
    told = [row["json"] if form is WebDataset else row for row in found]
    assert [row["id"] for row in told] == [row["id"] for row in rows]
    for row, original in zip(told, rows, strict=True):
        assert _bare(row["labels"]) == _bare(fitted(original["labels"], shape))


def _bare(value: Any) -> Any:
    """A value without what says nothing: a table has a place for every key in every row."""
    if isinstance(value, dict):
        found = {key: bare for key, inner in value.items() if (bare := _bare(inner)) is not None}
        return found or None
    return [_bare(each) for each in value] or None if isinstance(value, list) else value
