"""The bootstrap interval of any number, as plainly as it can be written: what the fast ones are held against."""

from collections.abc import Callable, Sequence

import numpy as np

from swift_saber.evaluation.item import Item
from swift_saber.statistics.interval import DRAWS, LEVEL, Interval


def plain_interval(items: Sequence[Item], statistic: Callable[[Sequence[Item]], float]) -> Interval:
    """Compute the statistic of each draw: of every group as many items as it has, with replacement."""
    rng = np.random.default_rng(1)
    groups = [[item for item in items if item.group == group] for group in sorted({item.group for item in items})]
    drawn = [
        statistic([members[place] for members in groups for place in rng.integers(len(members), size=len(members))])
        for _ in range(DRAWS)
    ]
    outside = 50 * (1 - LEVEL)
    return Interval(*map(float, np.percentile(drawn, (outside, 100 - outside))))
