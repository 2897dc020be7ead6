"""The clips that a run has nothing for, in a list beside its output; the next run takes them up again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swift_saber.data.rows import write_rows

#: So many failures with not one success mean a wrong setting.
GIVE_UP = 50
#: By measurements: no claim of an answer is decided, which is the fault of no setting; a clip's voice has no numbers.
NOTHING, UNREADABLE = "nothing to measure", "sound unreadable"


def failures(output: Path) -> Path:
    """Return where the clips are listed that are not in the output, beside it."""
    return output.with_name(output.name + ".failed.jsonl")


@contextmanager
def failed_clips(output: Path, said: str) -> Iterator[list[dict[str, Any]]]:
    """Give the list of clips, {"id", "reason"}, that is written when the run ends, however it ends.

    Args:
        output: what they are not in.
        said: what is said of them on stderr.
    """
    path = failures(output)
    path.unlink(missing_ok=True)
    clips: list[dict[str, Any]] = []
    try:
        yield clips
    finally:
        if clips:
            write_rows(path, clips)
            more = "the same command asks again for what got no reply"
            print(f"swift-saber: {len(clips)} clips {said}: see {path}; {more}", file=sys.stderr)
