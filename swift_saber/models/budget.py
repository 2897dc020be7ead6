"""What each row of a JSONL costs a model: frames, pixels and tokens, under the media settings of this shell.

The rows are encoded as training and inference encode them, so the numbers are what the model gets, not an estimate.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from swift_saber.data.convert import answer_order, row_kind, to_swift_row
from swift_saber.data.rows import parse_row, read_lines, row_id
from swift_saber.errors import InputError
from swift_saber.media.settings import media_settings
from swift_saber.plugin.saber_options import options
from swift_saber.plugin.saber_pairs import to_swift_pair

TOKENS = ("video_tokens", "audio_tokens", "text_tokens", "total_tokens")
_LONGEST = 5


@dataclass(frozen=True)
class Longest:
    """A sequence's place and its length in tokens."""

    where: str
    id: str
    part: str
    total_tokens: int


@dataclass
class Totals:
    """The sums over all sequences seen so far.

    Attributes:
        limit: the length in tokens that a sequence may have; None if there is no limit.
        rows: rows read, those that cannot be encoded included.
        failed: rows that cannot be encoded.
        sequences: encoded ones: one a row, two a preference pair.
        sums: of frames, pixels, each kind of token, and all tokens.
        longest: the longest sequences, the longest first.
        too_long: sequences above the limit.
    """

    limit: int | None
    rows: int = 0
    failed: int = 0
    sequences: int = 0
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("frames", "pixels", *TOKENS), 0))
    longest: list[Longest] = field(default_factory=list)
    too_long: int = 0

    def add(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Count the entries of one row."""
        self.rows += 1
        for entry in entries:
            if "reason" in entry:
                self.failed += 1
                continue
            self.sequences += 1
            for name in self.sums:
                self.sums[name] += entry[name]
            self.too_long += bool(entry["too_long"])
            found = Longest(*(entry[item.name] for item in dataclasses.fields(Longest)))
            self.longest = sorted([*self.longest, found], key=lambda one: -one.total_tokens)[:_LONGEST]

    def as_dict(self) -> dict[str, Any]:
        """The totals with the media settings that they hold for, as JSON."""
        return {**dataclasses.asdict(self), "media_settings": media_settings(os.environ)}


def budget(
    path: str | os.PathLike[str], count: Callable[[dict[str, Any]], list[dict[str, Any]]], limit: int | None
) -> Iterator[list[dict[str, Any]]]:
    """Yield for each row of a JSONL what it costs: one entry, or two for a preference pair.

    Args:
        path: SABER records, questions, or preference pairs.
        count: TokenCounter.count.
        limit: the length in tokens that a sequence may have; None if there is no limit.

    Yields:
        {"id", "where", "part", "frames", "pixels", "videos", "video_tokens", "audio_tokens", "text_tokens",
        "answer_tokens", "total_tokens", "too_long"}: frames and pixels of all videos, pixels summed over the frames;
        the others as TokenCounter.count has them. Or {"id", "where", "reason", "remedy"} for a row that cannot be
        encoded.

    Raises:
        InputError: the file cannot be read, or an environment variable of SABER's is wrong.
    """
    order, wanted = answer_order(), options()
    for where, text in read_lines(path):
        name = where
        try:
            row = parse_row(text, where)
            name = row_id(row)
            pair = row_kind(row) == "pair"
            entries = count(to_swift_pair(row, where, wanted) if pair else to_swift_row(row, where, order))
        except InputError as error:
            reason = f"{error.field}: {error.problem}"
            yield [{"id": name, "where": where, "reason": reason, "remedy": error.remedy}]
            continue
        yield [_entry(name, where, entry, limit) for entry in entries]


def _entry(name: str, where: str, counted: dict[str, Any], limit: int | None) -> dict[str, Any]:
    videos = counted["videos"]
    return {
        "id": name,
        "where": where,
        "part": counted["part"],
        "frames": sum(video["frames"] for video in videos),
        "pixels": sum(video["frames"] * video["height"] * video["width"] for video in videos),
        **counted,
        "too_long": limit is not None and counted["total_tokens"] > limit,
    }
