"""A pair as one row: the clip and the question once, then both answers, neither of which sees the other.

Stock runs a pair as two rows, each with all of the clip. Where both sides have the same clip and question, here they
are [question | chosen | rejected]: the mask hides the chosen answer from the rejected one, whose positions begin again
where those of the chosen one began. So each token sees the same tokens at the same positions as in rows of their own,
and the first token of either answer is predicted at the question's last position. Pairs whose clips differ are two
rows of the same batch. (Prefix sharing for text: arXiv:2410.20305.)

On wherever it is exact; `SABER_JOINT_PAIRS=false` turns it off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from swift_saber.plugin import saber_modality
from swift_saber.plugin.saber_options import JOINT, joint_pairs
from swift_saber.plugin.saber_towers import thinker_of

KEY = "joint"
SAME_MEDIA = "same_media"  # of an encoded pair
_IGNORED = -100
_QUESTION, _CHOSEN, _REJECTED, _PADDING = 0, 1, 2, -1
# What stock makes of a batch for flash attention and packing.
_OF_ROWS = ("text_position_ids", "cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")


def hindrance(model: Any, template: Any, *, router_loss: bool) -> str | None:
    """Return why pairs of a run have to be two rows, or None where one does.

    Args:
        model: the policy, as ms-swift loads it; its reference is of the same kind.
        template: of ms-swift.
        router_loss: whether a mixture of experts is trained with a loss of its routers, which counts rows' tokens.
    """
    text = thinker_of(model).model
    attention = text.config._attn_implementation
    if not joint_pairs():
        return f"{JOINT} says so"
    if template.padding_free:  # packing is padding-free too
        return "rows are padding-free or packed, for which attention takes no mask"
    if template.sequence_parallel_size > 1:
        return "sequences are split over GPUs"
    if attention != "sdpa":
        return f"{attention} takes no mask of ours: sdpa does"
    if getattr(text, "has_sliding_layers", False):
        return "layers with a sliding window have a mask of their own"
    if router_loss:
        return "the loss of the routers counts the question's tokens twice"
    return None


def collate(template: Any, pairs: Sequence[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Return a batch of pairs, of which those that can be are one row.

    Args:
        template: of ms-swift, which makes the batch of the rows.
        pairs: encoded by it.
        options: of its collator.

    Returns:
        What the model takes, of shape (rows, positions, ...), and beside it
        "labels": those of the answers, one side a row, the chosen sides before the rejected ones, shape (2n, m): the
            first column is none, so that column k of the logits predicts column k + 1, as in whole rows;
        "joint": "places", int64 of shape (2, 2n, m), the row and the position at which each of those logits is made;
            "segments", int8 of shape (rows, positions): question, chosen, rejected, padding;
            "masks", of modality pairs whose parts are told apart, where there is one (saber_modality.py).
    """
    rows: list[dict[str, Any]] = []
    segments: list[list[int]] = []
    # Of each side: its row, the positions of its logits, its labels.
    chosen_sides: list[tuple[int, list[int], list[int]]] = []
    rejected_sides: list[tuple[int, list[int], list[int]]] = []
    media = {*template.placeholder_tokens}
    for pair in pairs:
        chosen, rejected = _side(pair, "chosen_"), _side(pair, "rejected_")
        start, begin = _start(chosen), _start(rejected)
        ids, other = chosen["input_ids"], rejected["input_ids"]
        # One row has the clip once: where what is learnt begins before the clip does, there have to be two.
        text = media.isdisjoint(ids[start:]) and media.isdisjoint(other[start:])
        if pair.get(SAME_MEDIA) and start == begin and ids[:start] == other[:start] and text:
            both = {key: chosen[key] + rejected[key][start:] for key in ("input_ids", "labels")}
            segments.append([_QUESTION] * start + [_CHOSEN] * (len(ids) - start) + [_REJECTED] * (len(other) - start))
            chosen_sides.append((len(rows), _answer(start, start, len(ids)), chosen["labels"][start:]))
            after = _answer(start, len(ids), len(both["input_ids"]))
            rejected_sides.append((len(rows), after, rejected["labels"][start:]))
            rows.append({**chosen, **both})
        else:
            for whole, at, those in ((chosen, start, chosen_sides), (rejected, begin, rejected_sides)):
                length = len(whole["input_ids"])
                segments.append([_QUESTION] * length)
                those.append((len(rows), _answer(at, at, length), whole["labels"][at:]))
                rows.append(whole)
    batch: dict[str, Any] = template._data_collator([{**row, "loss_scale": None} for row in rows], **options)
    width = batch["input_ids"].shape[1]
    before = [width - len(kinds) if template.padding_side == "left" else 0 for kinds in segments]
    kinds = torch.full((len(rows), width), _PADDING, dtype=torch.int8)
    for row, found in enumerate(segments):
        kinds[row, before[row] : before[row] + len(found)] = torch.tensor(found, dtype=torch.int8)
    _begin_again(batch["position_ids"], kinds)
    sides = chosen_sides + rejected_sides
    longest = max(len(positions) for _, positions, _ in sides)
    labels = torch.full((len(sides), longest), _IGNORED)
    places = torch.zeros((2, len(sides), longest), dtype=torch.int64)
    for side, (row, positions, answer) in enumerate(sides):
        labels[side, 1 : 1 + len(answer)] = torch.tensor(answer)
        places[0, side] = row
        places[1, side] = before[row] + positions[-1]  # of what has no label
        places[1, side, : len(positions)] = before[row] + torch.tensor(positions)
    kept = {name: value for name, value in batch.items() if name not in (*_OF_ROWS, "labels")}
    # First, since the trainer takes the first tensor's length for the size of the batch.
    joint: dict[str, Any] = {"places": places, "segments": kinds}
    if template.modality_parts and any(saber_modality.PARTS in pair for pair in pairs):
        joint["masks"] = saber_modality.masks(pairs, longest)
    return {"labels": labels, **kept, KEY: joint}


def model_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model is called with for a batch of `collate`; its logits are of shape (2n, m, vocabulary)."""
    given = {name: value for name, value in batch.items() if name not in ("labels", "margin", KEY)}
    segments = batch[KEY]["segments"]
    if (segments == _REJECTED).any():
        given["attention_mask"] = mask(segments)
    return {**given, "logits_to_keep": batch[KEY]["places"], "use_cache": False}


def mask(segments: torch.Tensor) -> torch.Tensor:
    """Return which position (third axis) sees which (fourth): all before it of the question and of its own segment.

    Args:
        segments: of shape (rows, positions).

    Returns:
        bool, of shape (rows, 1, positions, positions).
    """
    sees, seen = segments[:, :, None], segments[:, None, :]
    earlier = torch.ones(segments.shape[1], segments.shape[1], dtype=torch.bool, device=segments.device).tril()
    return (earlier & ((seen == _QUESTION) | (seen == sees)))[:, None]


def _side(pair: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in pair.items() if name.startswith(prefix)}


def _start(side: Mapping[str, Any]) -> int:
    """Where a side's answer starts: at its first label, which is never its first token."""
    labels = side["labels"]
    return next((place for place, label in enumerate(labels) if label != _IGNORED), len(labels))


def _answer(start: int, begin: int, end: int) -> list[int]:
    """The positions of an answer's logits: the question's last one, and its own."""
    return [start - 1, *range(begin, end)]


def _begin_again(position_ids: torch.Tensor, kinds: torch.Tensor) -> None:
    """Have the rejected answers begin where the chosen ones do. Both are text, of which each token is one further.

    Args:
        position_ids: of shape (3, rows, positions), changed in place.
        kinds: of shape (rows, positions).
    """
    chosen = (kinds == _CHOSEN).sum(dim=1, keepdim=True)
    position_ids -= torch.where(kinds == _REJECTED, chosen, 0)
