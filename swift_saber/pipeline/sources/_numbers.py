"""Numbers of seasons, episodes and samples, as tables and JSON files that passed through other programs write them."""

import re

_WHOLE = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)


def whole_number(value: object) -> int | None:
    """Return the number from 0 up that a value of a table or of JSON is (1, "1", "01", 1.0, "1.0"), or None.

    Args:
        value: anything; true and false are no numbers.
    """
    found = None if isinstance(value, bool) else _WHOLE.fullmatch(str(value).strip())
    return int(found[1]) if found else None
