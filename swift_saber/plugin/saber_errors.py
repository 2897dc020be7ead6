"""One clear line, not a traceback, for what a user can put right: a bad row, a bad path, an unknown recipe key."""

import os
import re
import sys
from pathlib import Path
from types import TracebackType

from swift_saber.errors import InputError
from swift_saber.plugin.saber_seams import SeamError

MARK = "swift-saber: error: "
# An InputError that was raised in a process of a loader, as torch hands it on: as text, at the end of a traceback.
_IN_A_LOADER = re.compile(
    r"\ACaught \w+ in DataLoader worker process .*^swift_saber\.[\w.]*Error: ([^\n]+)\n?\Z", re.DOTALL | re.MULTILINE
)


def explain(error: BaseException) -> str | None:
    """Return the line to print for an error that the user can put right, or None for any other error."""
    if isinstance(error, (InputError, SeamError)):
        return f"{MARK}{error}"
    if isinstance(error, RuntimeError) and (raised := _IN_A_LOADER.search(str(error))):
        return f"{MARK}{raised.group(1)}"
    found = re.fullmatch(r"remaining_argv: (\[.*\])", str(error), re.DOTALL) if isinstance(error, ValueError) else None
    return f"{MARK}{_unknown_arguments(found.group(1))}" if found else None


def _unknown_arguments(listed: str) -> str:
    names = re.findall(r"'--([^'=]+)", listed)
    recipe = os.environ.get("SWIFT_CONFIG_FILE")  # set by `swift` to the recipe it was given
    lines = Path(recipe).read_text(encoding="utf-8").splitlines() if recipe and Path(recipe).is_file() else []
    places = []
    for name in names or [listed]:
        at = next((i for i, line in enumerate(lines, start=1) if re.match(rf"{re.escape(name)}\s*:", line)), None)
        places.append(f"{recipe}:{at}: unknown key {name!r}" if at else f"unknown argument --{name}")
    return "; ".join(places) + "; correct the spelling or remove it (`swift sft --help` lists all arguments)"


def install_excepthook() -> None:
    """Print explained errors as one line; leave every other error to the hook that was there."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        line = explain(error)
        if line is None:
            before(kind, error, trace)
        else:
            print(line, file=sys.stderr, flush=True)

    sys.excepthook = hook
