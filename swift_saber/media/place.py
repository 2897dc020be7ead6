"""Whether a path may be opened at all, which is asked before any reader is there; and what a problem of a clip is."""

import os
import re
from dataclasses import dataclass

from swift_saber.errors import one_line

# White space before and after it is cut off by ms-swift.
_ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]*://|data:|file:)", re.IGNORECASE)
# What is longer ms-swift takes for the file itself, in base64.
_MAX_PATH = 2000
_SHOWN = 200  # characters of a path in a message


@dataclass(frozen=True)
class Problem:
    """Why a clip cannot be used, and what to do about it, both on one line and safe to print.

    Libraries put what a file holds into their messages, so control characters are escaped here, whoever wrote them.
    """

    reason: str
    remedy: str

    def __post_init__(self) -> None:
        for name in ("reason", "remedy"):
            object.__setattr__(self, name, one_line(getattr(self, name)))


def place_fault(path: str, root: str | None = None) -> Problem | None:
    """Return why a path may not be opened, or None where it may.

    Args:
        path: of a clip's file.
        root: the folder that the file must lie in, symbolic links followed; None for any.
    """
    if found := _fault(path, root):
        return Problem(f"{path[:_SHOWN]}: {found[0]}", found[1])
    return None


def _fault(path: str, root: str | None) -> tuple[str, str] | None:
    if _ADDRESS.match(path):
        return "is an address, not a local file", "download it first: addresses in data are not fetched"
    if path != path.rstrip():
        return "ends with white space, which ms-swift cuts off", "correct the path, or rename the file"
    if len(path) > _MAX_PATH:
        return f"is a path of more than {_MAX_PATH} characters", "name the file by a shorter path"
    if root is None or "\0" in path:  # the latter is no path at all, which file_problem says
        return None
    base = os.path.realpath(root)
    if os.path.commonpath([os.path.realpath(path), base]) != base:
        remedy = "copy the file into that folder, or allow another one"
        return f"lies outside the allowed folder {base}", remedy
    return None
