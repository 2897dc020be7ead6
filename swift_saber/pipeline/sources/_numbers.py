"""Numbers and times, as tables and JSON files that passed through other programs write them."""

import re

_WHOLE = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)
_TIME = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,9}(?:[.,]\d+)?)", re.ASCII)


def whole_number(value: object) -> int | None:
    """Return the number from 0 up that a value of a table or of JSON is (1, "1", "01", 1.0, "1.0"), or None.

    Args:
        value: anything; true and false are no numbers.
    """
    found = None if isinstance(value, bool) else _WHOLE.fullmatch(str(value).strip())
    return int(found[1]) if found else None


def seconds(text: str) -> float | None:
    """Return the seconds of a time ("61.5", "1:01.5", "00:01:01,500"), or None where it is none."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    hours, minutes, rest = found.groups(default="0")
    return round(3600 * int(hours) + 60 * int(minutes) + float(rest.replace(",", ".")), 6)
