"""What each row of a JSONL costs a model: frames, pixels and tokens, under the media settings of this shell.

The rows are encoded as training and inference encode them, so the numbers are what the model gets, not an estimate.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swift_saber.data.convert import answer_order, hears_videos, row_kind, training_row
from swift_saber.data.rows import check_roots, parse_row, read_lines, row_id
from swift_saber.errors import InputError
from swift_saber.media.settings import media_settings
from swift_saber.models.checkpoint import loading
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.plugin.saber_options import options
from swift_saber.plugin.saber_pairs import to_swift_pair

TOKENS = ("video_tokens", "audio_tokens", "text_tokens", "total_tokens")
_LONGEST = 5
# Left out of the loss by ms-swift (and torch): every token but those of the answer.
_NOT_TRAINED = -100


def template_of(model: str) -> Any:
    """Return the template of a model, as `swift infer` and `swift sft` use it with the plugin.

    The media settings that the model remembers, or the published ones, are set in this shell where they are not yet.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id. Of a hub id the small files are fetched, not the
            weights.

    Raises:
        InputError: neither a model nor a LoRA checkpoint; or its base model is not known or not there.
    """
    flag, kept = loading(model)
    os.environ.update(kept)  # before ms-swift is imported, which reads them
    from swift.arguments import BaseArguments
    from swift.utils import parse_args

    arguments = [flag, model, "--custom_register_path", str(PLUGIN_FILE)]
    settings, _ = parse_args(BaseArguments, arguments)
    return settings.get_template()


class TokenCounter:
    """Counts with the template of a model.

    Args:
        model: as template_of.

    Attributes:
        max_length: what the model itself can take, in tokens, or None if it does not say.

    Raises:
        InputError: as template_of.
    """

    def __init__(self, model: str) -> None:
        self._template = template_of(model)
        self.max_length: int | None = self._template.max_length
        # A row that is too long is to be measured, not refused.
        self._template.max_length = None
        processor = self._template.processor
        self._video, self._audio = processor.tokenizer.convert_tokens_to_ids(
            [processor.video_token, processor.audio_token]
        )
        vision = processor.video_processor
        # A grid counts patches: of temporal_patch_size frames, and of patch_size x patch_size pixels.
        self._patch = (int(vision.temporal_patch_size), int(vision.patch_size))

    def count(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what each sequence of a row holds: one, or two for a preference pair.

        Args:
            row: as convert.training_row or to_swift_pair returns it.

        Returns:
            {"part", "videos", "video_tokens", "audio_tokens", "text_tokens", "answer_tokens", "total_tokens"} each.
            part: "question" (what inference is given), "training" (question and answer), "chosen" or "rejected".
            videos: {"frames", "height", "width"} of each video as the model sees it, in pixels.
            text_tokens: all that is neither video nor audio, markup included; answer_tokens are those among them that
            are trained on.

        Raises:
            InputError: the row cannot be encoded.
        """
        pair = row.get("rejected_messages") is not None
        answered = bool(row["messages"]) and row["messages"][-1]["role"] == "assistant"
        self._template.set_mode("rlhf" if pair else "train" if answered else "transformers")
        # ms-swift takes None for a value that was given.
        given = {key: value for key, value in row.items() if value is not None}
        try:
            encoded = self._template.encode(given)
        except Exception as error:  # whatever a reader, a decoder or the template raises
            raise self._template.bad_rows.report(given, error) from error
        if pair:
            return [self._sequence(encoded, side, f"{side}_") for side in ("chosen", "rejected")]
        return [self._sequence(encoded, "training" if answered else "question", "")]

    def _sequence(self, encoded: Mapping[str, Any], part: str, prefix: str) -> dict[str, Any]:
        tokens: Sequence[int] = encoded[f"{prefix}input_ids"]
        labels: Sequence[int] = encoded.get(f"{prefix}labels") or []
        grid = encoded.get(f"{prefix}video_grid_thw")
        frames, pixels = self._patch
        sizes = [] if grid is None else grid.tolist()
        video, audio = (list(tokens).count(token) for token in (self._video, self._audio))
        return {
            "part": part,
            "videos": [{"frames": t * frames, "height": h * pixels, "width": w * pixels} for t, h, w in sizes],
            "video_tokens": video,
            "audio_tokens": audio,
            "text_tokens": len(tokens) - video - audio,
            "answer_tokens": sum(label != _NOT_TRAINED for label in labels),
            "total_tokens": len(tokens),
        }


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
    check_roots()  # which are the fault of no row, as is a wrong word in SABER_SOUND
    hears_videos()
    for where, text in read_lines(path):
        name = where
        try:
            row = parse_row(text, where)
            name = row_id(row)
            pair = row_kind(row) == "pair"
            entries = count(to_swift_pair(row, where, wanted) if pair else training_row(row, where, order))
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
