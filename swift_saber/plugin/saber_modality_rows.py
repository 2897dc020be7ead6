"""The modality pairs of a file of rows: one answer, to the clip's own media and to another clip's sound or picture.

On with SABER_MODALITY_PAIRS. A file of preference pairs has one for each clip and chosen answer that has none in the
file yet; a file of ordinary rows, or a folder of records, has one for each row, and these take the rows' place.

Which sense is replaced is told by what the answer rests on: the sound where it has a line on the voice, the picture
where it has one on the face, either by a draw where it has both. Another clip of the file, whose line there says
otherwise, gives the replacement; where an answer has no such lines, a clip whose whole answer is another. The same file
gives the same pairs in every process. Needs no ms-swift.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from typing import Any

from swift_saber.data.folder import Join, joined_rows
from swift_saber.data.partner import SENSES, some, swap
from swift_saber.data.rows import parse_row, read_placed, row_at
from swift_saber.data.turns import answer_of
from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import MODALITY_PAIRS, Options
from swift_saber.plugin.saber_pairs import check_answer, consistency_of
from swift_saber.sed.layout import parse
from swift_saber.text.seed import seed_of
from swift_saber.text.strict_json import dumps

Row = dict[str, Any]
#: What the id of a modality pair ends with, after that of its row.
SUFFIX = "#modality"
_ANSWER = "answer"
# What an answer says is kept as a number; this one where the answer has no such line, or there is no answer.
_UNKNOWN = 0


class _NoPairError(Exception):
    """A row has no modality pair; the text is the reason that is counted."""


class ModalityPairs:
    """Makes the modality pairs of one source, row by row; the source is read once beforehand.

    What stays in memory is 32 bytes a row, and of preference pairs some 60 more for each clip and answer.

    Args:
        source: a JSONL file, or a folder of records.
        convert: makes a row what ms-swift trains on, as to_swift_pair or to_swift_row; raises InputError for a bad one.
        pairs: whether the rows are preference pairs.
        options: what every pair must have.
        is_heard: whether a video has a sound, asked where a row does not say what is heard.
    """

    def __init__(
        self,
        source: str | Join,
        convert: Callable[[Row, str], Row],
        *,
        pairs: bool,
        options: Options,
        is_heard: Callable[[str], bool],
    ) -> None:
        self.source, self.convert, self.pairs, self.options, self.is_heard = source, convert, pairs, options, is_heard
        self._starts = array("Q")  # of the lines of a file, in bytes
        self._said = {name: array("Q") for name in (*SENSES, _ANSWER)}
        self._done: set[int] = set()
        self._made = 0
        self._without: Counter[str] = Counter()
        self._example = ""
        if isinstance(source, Join):
            for where, read in joined_rows(source):
                self._learn(read, where)
        else:
            for where, line, start in read_placed(source):
                self._starts.append(start)
                self._learn(partial(parse_row, line, where), where)

    def of(self, place: int, row: Row, consistency: Any, where: str) -> Row | None:
        """Return the modality pair of a row; None where it has none, which is counted, or where another row had it.

        Args:
            place: of the row in its source, from 0.
            row: as `convert` makes it, whether the sound inside its videos was looked for or not.
            consistency: of its clip, as it was given.
            where: names the row.

        Raises:
            InputError: the pair cannot be used, e.g. since an option asks for a consistency and there is none.
        """
        if self.pairs:
            if (key := _key(row)) in self._done:
                return None
            self._done.add(key)
        own = {column: self._files(row, column) for column in SENSES}
        try:
            found = self._swapped(place, row["id"], own)
        except _NoPairError as reason:
            self._without[str(reason)] += 1
            self._example = self._example or row["id"]
            return None
        check_answer(row["messages"], where)
        channel = consistency_of({"consistency": consistency}, where, self.options)
        self._made += 1
        return {
            **row,
            "id": f"{row['id']}{SUFFIX}",
            "channel": channel,
            "margin": None,
            **own,
            "rejected_messages": row["messages"],
            **{f"rejected_{column}": files for column, files in found.items()},
        }

    def without(self) -> str | None:
        """Return in one line how many rows have no modality pair and why; None where each has one.

        Raises:
            InputError: not one row has any.
        """
        if not (missing := self._without.total()):
            return None
        source = "the folder" if isinstance(self.source, Join) else self.source
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in self._without.most_common())
        said = f"{missing:,} of {missing + self._made:,} rows have no modality pair, e.g. {self._example}: {reasons}"
        if not self._made:
            remedy = f"give clips whose answers differ, or unset {MODALITY_PAIRS}"
            raise InputError(source, "rows", said, remedy)
        return f"{source}: {said}"

    def _learn(self, read: Callable[[], Row], where: str) -> None:
        """Keep of the next row what tells whether it is another's partner."""
        try:
            row = self.convert(read(), where)
        except InputError:  # which ends the run where the rows themselves are made
            row = {}
        answer = answer_of(row.get("messages"))
        lines = parse(answer).fields if answer else {}
        for column, dimension in SENSES.items():
            self._said[column].append(_number(lines.get(dimension)))
        self._said[_ANSWER].append(_number(answer))
        if self.pairs and row and _is_modality_pair(row):
            self._done.add(_key(row))

    def _swapped(self, place: int, name: str, own: dict[str, list[str]]) -> dict[str, list[str]]:
        """A clip's files with another clip's sound or picture.

        Raises:
            _NoPairError: there are none.
        """
        columns = [column for column in SENSES if own[column]]
        if self._said[_ANSWER][place] == _UNKNOWN:
            raise _NoPairError("no answer")
        if not columns:
            raise _NoPairError("no clip")
        # What is compared for each column: lines on that sense, or whole answers where this one has neither line.
        by_line = any(self._said[column][place] != _UNKNOWN for column in SENSES)
        compared = {column: self._said[column if by_line else _ANSWER] for column in columns}
        said = {column: numbers[place] for column, numbers in compared.items()}
        said = {column: number for column, number in said.items() if number not in (_UNKNOWN, _BLANK)}
        if not said:
            raise _NoPairError("the answer has no line on a sense that the clip has")
        start = seed_of(f"partner/{name}")

        def others(column: str) -> Iterator[tuple[int | None, Callable[[], list[str]]]]:
            for other in some(len(compared[column]), start):
                yield compared[column][other] or None, partial(self._files_at, other, column)

        found = swap(own, said, seed_of(f"sense/{name}"), others)
        if found is None:
            raise _NoPairError("no other clip says otherwise")
        return found

    def _files(self, row: Row, column: str) -> list[str]:
        """What a row shows of a sense; where it does not say what is heard, the videos that have a sound."""
        files: list[str] | None = row[column]
        return [video for video in row["videos"] if self.is_heard(video)] if files is None else files

    def _files_at(self, place: int, column: str) -> list[str]:
        if isinstance(self.source, Join):
            where, read = next(joined_rows(Join(matched=self.source.matched[place : place + 1])))
            return self._files(self.convert(read(), where), column)
        where = f"{self.source}: row {place + 1}"
        return self._files(self.convert(row_at(self.source, self._starts[place], where), where), column)


def _number(text: str | None) -> int:
    """A text as a number, whatever the white space in it."""
    if text is None:
        return _UNKNOWN
    words = " ".join(text.split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big") or 1


_BLANK = _number("")


def _key(pair: Row) -> int:
    """What the modality pair of a preference pair is made of: its question, its chosen answer and its clip."""
    return _number(dumps([pair["messages"], pair["videos"], pair["audios"]]))


def _is_modality_pair(pair: Row) -> bool:
    """Whether a preference pair has one answer, to other media."""
    return answer_of(pair["messages"]) == answer_of(pair["rejected_messages"]) and any(
        pair[column] != pair[f"rejected_{column}"] for column in SENSES
    )
