"""Another clip of the data whose sound, or picture, can stand in the place of a clip's own: it says otherwise there.

Ours. What a clip says is the line of its answer that rests on that sense; who asks brings it, as text or as a hash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from swift_saber.sed.record import FACE, VOICE

File = TypeVar("File")
#: The column of a sense's files, and the dimension of an answer that rests on them.
SENSES = {"audios": VOICE, "videos": FACE}
#: So many clips are looked at for one that says otherwise: enough unless hardly any does, and never all the data.
LOOKED_AT = 100


def some(count: int, start: int) -> Iterator[int]:
    """Yield the places, of so many, that are looked at from a start on; LOOKED_AT of them at most."""
    return ((start + step) % count for step in range(min(LOOKED_AT, count)))


def swap(
    own: Mapping[str, list[File]],
    said: Mapping[str, object],
    draw: int,
    others: Callable[[str], Iterable[tuple[object | None, Callable[[], list[File]]]]],
) -> dict[str, list[File]] | None:
    """Return a clip's files with those of one sense taken from another clip; None where no clip says otherwise.

    Args:
        own: the clip's files, by column.
        said: what the clip says, by the columns that may be replaced; one at least.
        draw: which of them comes first: the others are tried where no clip is found for it.
        others: of a column, what some other clips say there (None where that is not known) and how to get their files,
            which is asked of those alone that say otherwise. One with another number of files is no partner, since the
            question may have a tag for each; nor is one with the same files.
    """
    columns = sorted(said)
    first = draw % len(columns)
    for column in (*columns[first:], *columns[:first]):
        for theirs, files in others(column):
            if theirs is None or theirs == said[column]:
                continue
            found = files()
            if len(found) == len(own[column]) and found != own[column]:
                return {**own, column: found}
    return None
