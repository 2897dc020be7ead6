"""What is measured of the voices of clips, kept in a log: nothing is measured again while its file is the one of then,
and measuring goes by the same rules.

What was not read in time, or took its process with it, is tried again: more time is allowed by then, or more memory is
there. How a voice is measured is voice.py's.
"""

import hashlib
import json
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from itertools import groupby
from typing import Any, TypeVar

from swift_saber.data.log import RowLog
from swift_saber.data.voice import voice_file, voices
from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.media.pool import Lost
from swift_saber.media.prosody import RULES
from swift_saber.sed.scale import Numbers
from swift_saber.text.strict_json import dumps

Row = TypeVar("Row", bound=Mapping[str, Any])
_LOST = "lost"


def measured(rows: Iterable[Row], log: RowLog) -> Generator[tuple[Row, Numbers | str], None, None]:
    """Yield each row with what is measured of its voice, or why nothing is, in the order of the rows.

    Memory: about 1 kB for each clip that is in the log.

    Args:
        rows: with an id of its own each.
        log: an open one, of this and no other use.

    Raises:
        InputError: the log is damaged.
        OSError: the disk takes no more.
        RuntimeError: the processes that measure do not start.
    """
    # As text: dictionaries would take several times the memory.
    known = {entry["id"]: "" if entry.get(_LOST) else dumps(entry) for entry in log.read()}
    kept = {key for key, entry in known.items() if entry}
    if len(kept) < len(known):
        log.retain(kept)
    keyed = ((row, voice_key(row)) for row in rows)
    # A run that was stopped has done the first rows, so there are few changes between the kinds.
    for done, group in groupby(keyed, key=lambda item: item[1] in kept):
        if done:
            for row, key in group:
                yield row, _found(json.loads(known[key]))
            continue
        with closing(voices(((row, key), row) for row, key in group)) as answers:
            for (row, key), answer in answers:
                entry = {"problem": answer.reason} if isinstance(answer, Problem) else {"measured": answer}
                log.append({"id": key} | entry | ({_LOST: True} if isinstance(answer, Lost) else {}))
                yield row, _found(entry)


def voice_key(row: Mapping[str, Any]) -> str:
    """Return by what the numbers of a clip are known: its id, its sound's file as it is, and the rules of measuring."""
    state: list[Any] = [RULES]
    try:
        path = voice_file(row, row["id"])
        state.append(path)
        found = os.stat(path)
        state += [found.st_size, found.st_mtime_ns]
    except (InputError, OSError, ValueError):  # who measures says what is wrong with it
        pass
    return f"{row['id']} {hashlib.sha256(dumps(state).encode()).hexdigest()[:16]}"


def _found(entry: Mapping[str, Any]) -> Numbers | str:
    """What the log says of a clip."""
    found: Numbers | str = entry["problem"] if "problem" in entry else entry["measured"]
    return found
