"""What records score that were dealt out to other clips: by chance, and by one deal."""

import math
from collections.abc import Sequence

import numpy as np

from swift_saber.sed.claims import Read
from swift_saber.sed.evidence import Score, check, total
from swift_saber.sed.scale import Numbers, Scale


def right(reads: Sequence[Read], clips: Sequence[Numbers], scale: Scale, speakers: Sequence[str | None]) -> Score:
    """The score of records with their own clips."""
    triples = zip(reads, clips, speakers, strict=True)
    return total(check(read, clip, scale, speaker).score for read, clip, speaker in triples)


def dealt(reads: Sequence[Read], clips: Sequence[Numbers], scale: Scale, speakers: Sequence[str | None]) -> Score:
    """The score of records in another order than their clips."""
    order = np.random.default_rng(0).permutation(len(reads))
    return right([reads[at] for at in order], clips, scale, speakers)


def chance(
    reads: Sequence[Read], clips: Sequence[Numbers], scale: Scale, speakers: Sequence[str | None]
) -> tuple[float, float]:
    """The score by lot, and its standard deviation from deal to deal: computed from who could meet whom, not drawn.

    With a[i, j] claims of record i that agree with clip j, and d[i, j] that are decided, a deal is a permutation p, and
    its score sum a[i, p(i)] / sum d[i, p(i)]. The means of both sums are those over all pairs, times the clips. For the
    deviation, e = a - mean * d, whose sum over a permutation has the variance (W. Hoeffding, 1951)
    sum of (e - row mean - column mean + mean)^2 / (n - 1).
    """
    scores = [
        [check(read, clip, scale, speaker).score for clip, speaker in zip(clips, speakers, strict=True)]
        for read in reads
    ]
    agrees = np.array([[score.agrees for score in row] for row in scores], float)
    decided = np.array([[score.decided for score in row] for row in scores], float)
    mean = agrees.sum() / decided.sum()
    excess = agrees - mean * decided
    excess = excess - excess.mean(0) - excess.mean(1)[:, None] + excess.mean()
    variance = np.square(excess).sum() / (len(reads) - 1)
    return float(mean), math.sqrt(variance) / (decided.sum() / len(reads))
