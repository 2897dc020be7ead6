"""Columns of a table for rows whose labels are free: one type for each label, found in all rows.

A table's column has one type. A label that is a number in one row and a text in another is a text in all of them;
whole numbers and others are numbers; of lists and mappings the same holds for what is in them.
"""

from typing import Any

from swift_saber.text.strict_json import dumps

#: "text", "number", "whole", "truth"; ["list", shape]; {key: shape}; None where nothing was seen.
Shape = str | list[Any] | dict[str, Any] | None


def shape_of(value: Any) -> Shape:
    """Return the shape of a label."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int):
        # What no column of whole numbers can hold.
        return "whole" if -(2**63) <= value < 2**63 else "text"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list):
        inner: Shape = None
        for each in value:
            inner = joined(inner, shape_of(each))
        return ["list", inner]
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items()}
    return "text"


def joined(one: Shape, other: Shape) -> Shape:
    """Return the shape that values of both have."""
    if one is None or other is None or one == other:
        return other if one is None else one
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: joined(one.get(key), other.get(key)) for key in (*one, *(key for key in other if key not in one))}
    if isinstance(one, list) and isinstance(other, list):
        return ["list", joined(one[1], other[1])]
    if {str(one), str(other)} == {"whole", "number"}:
        return "number"
    return "text"


def fitted(value: Any, shape: Shape) -> Any:
    """Return a value as its column has it: as it is, or as a text where the column is of texts."""
    if value is None:
        return None
    if isinstance(shape, dict):
        return {key: fitted(inner, shape.get(key)) for key, inner in value.items()}
    if isinstance(shape, list):
        return [fitted(each, shape[1]) for each in value]
    if shape == "number":
        return float(value) if isinstance(value, int) and abs(value) > 2**53 else value
    return value if shape != "text" or isinstance(value, str) else dumps(value)


def feature(shape: Shape) -> Any:
    """Return what `datasets` calls a shape; a column of nothing is one of texts."""
    from datasets import List, Value

    if isinstance(shape, dict):
        # Of a mapping without keys no table has a column.
        return {key: feature(inner) for key, inner in shape.items()} if shape else Value("string")
    if isinstance(shape, list):
        return List(feature(shape[1]))
    return Value({"whole": "int64", "number": "float64", "truth": "bool"}.get(str(shape), "string"))
