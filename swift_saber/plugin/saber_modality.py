"""Modality pairs: one answer with the clip's own media and with another clip's sound or picture in their place.

What SED writes down says where each part of an answer comes from. So of such a pair it is known which tokens the
replaced media speak against, the line of the voice or of the face, and which they leave alone, the lines of the other
sense. The losses here are for these; plain tensors in, numbers out.

Sources, all of them for questions with short answers and without parts: the same answer for other media is mDPO's
conditional term (Wang et al. 2024, arXiv:2406.11839), that one sense alone is replaced is from AVEm-DPO
(arXiv:2602.07054), the invariance is from MoD-DPO (arXiv:2603.03192). To hold each of them to its part of the answer is
ours. What was tried of their other terms, and left out: recipes/ablation.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from swift_saber.data.partner import SENSES
from swift_saber.sed.layout import places
from swift_saber.sed.record import ACOUSTIC, CONCLUSION, VISUAL

#: What is encoded of a modality pair beside its sides: of each token of the chosen side, what it is (the codes below).
PARTS = "modality"
MOVED, KEPT, OTHER = 1, 2, 0
# By the replaced column, the dimensions that do not rest on it. The one that the other clip speaks against is that of
# SENSES, by which it was found; what else rests on the replaced sense, words or clothes, may be alike in both clips.
_KEPT = {"audios": VISUAL, "videos": ACOUSTIC}
# Tokens for which the log-probabilities of all words are in memory at a time, 0.6 MB each with Qwen's vocabulary.
_AT_ONCE = 64


def replaced(chosen: Mapping[str, Sequence[Any]], rejected: Mapping[str, Sequence[Any]]) -> str | None:
    """Return "audios" or "videos" where two sides differ in that column of media alone, else None."""
    differ = [name for name in (*SENSES, "images") if list(chosen.get(name, ())) != list(rejected.get(name, ()))]
    return differ[0] if len(differ) == 1 and differ[0] in SENSES else None


def parts(tokenizer: Any, answer: str, tokens: Sequence[int], column: str, *, conclusion: bool) -> list[int] | None:
    """Return what each token of an answer is, MOVED, KEPT or OTHER.

    Args:
        tokenizer: of transformers, a fast one.
        answer: in the layout of SED, or one that is read like it.
        tokens: those that the model is shown of it, from its first on; what a template adds may follow.
        column: which media were replaced.
        conclusion: whether the conclusion counts as moved.

    Returns:
        As many as `tokens`; None where the answer has no line for the sense, or is cut into tokens in another way.
    """
    found = places(answer)
    moved = SENSES[column]
    if moved not in found:
        return None
    encoded = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True)
    ids = list(encoded["input_ids"])
    if list(tokens[: len(ids)]) != ids:
        return None
    codes = dict.fromkeys(_KEPT[column], KEPT) | {moved: MOVED}
    if conclusion:
        codes[CONCLUSION] = MOVED
    spans = [(*found[dimension], code) for dimension, code in codes.items() if dimension in found]
    marked = [
        next((code for start, end, code in spans if start < last and first < end), OTHER)
        for first, last in encoded["offset_mapping"]
    ]
    return marked + [OTHER] * (len(tokens) - len(ids))


def encoded(
    tokenizer: Any, answer: str, pair: Mapping[str, Any], column: str, *, conclusion: bool
) -> dict[str, list[int]]:
    """Return what is encoded of a modality pair beside its sides, {PARTS: ...}; nothing where its parts are not known.

    Args:
        pair: as ms-swift encodes it; both sides have the same answer.
    """
    answers = [_answer(pair, side) for side in ("chosen", "rejected")]
    marked = parts(tokenizer, answer, answers[0], column, conclusion=conclusion)
    return {} if marked is None or answers[0] != answers[1] else {PARTS: marked}


def _answer(pair: Mapping[str, Any], side: str) -> list[int]:
    """The tokens of a side from its first label on."""
    labels = pair[f"{side}_labels"]
    start = next((place for place, label in enumerate(labels) if label != -100), len(labels))
    return list(pair[f"{side}_input_ids"][start:])


def masks(pairs: Sequence[Mapping[str, Any]], columns: int) -> dict[str, torch.Tensor]:
    """Return which tokens of a batch of encoded pairs move and which are kept.

    Args:
        columns: of the answers' logits, the first of which predicts an answer's first token.

    Returns:
        "pairs", bool of shape (n,): which are modality pairs whose parts are known; "moved" and "kept", bool of shape
        (n, columns): which tokens are, none in other pairs.
    """
    codes = torch.zeros(len(pairs), columns, dtype=torch.int8)
    for row, pair in enumerate(pairs):
        found = pair.get(PARTS, [])
        codes[row, : len(found)] = torch.tensor(found, dtype=torch.int8)
    return {
        "pairs": torch.tensor([PARTS in pair for pair in pairs]),
        "moved": codes == MOVED,
        "kept": codes == KEPT,
    }


def drift(own: torch.Tensor, other: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Return how far what is kept drifts with the media: the mean over its tokens of KL(p_own || p_other), in nats.

    Args:
        own, other: logits with the clip's media and with the replaced ones, of shape (n, m, vocabulary).
        kept: bool, of shape (n, m).

    Returns:
        Of shape (n,); 0 where nothing is kept.
    """
    rows = kept.nonzero(as_tuple=True)
    pieces = zip(own[rows].split(_AT_ONCE), other[rows].split(_AT_ONCE), strict=True)
    # For the gradient they are computed again: kept, those of a few hundred tokens would be a gigabyte.
    each = torch.cat([checkpoint(_divergence, *piece, use_reentrant=False) for piece in pieces])
    sums = torch.zeros(len(kept), device=each.device, dtype=each.dtype).index_add(0, rows[0], each)
    return sums / kept.sum(1).clamp(min=1)


def _divergence(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL of each row of logits."""
    first, second = F.log_softmax(own.float(), -1), F.log_softmax(other.float(), -1)
    return (first.exp() * (first - second)).sum(-1)
