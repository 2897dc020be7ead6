"""Which clips become the test set: groups of clips that share a speaker or a video, and a choice among them.

Knows numbers alone: keys, groups, strata and halves of clips. Rows and files are split.py's. Holds about 30 bytes for
each clip, so that 600,000 clips need no machine of their own.
"""

from array import array
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)
#: (language, source): what the test set is balanced over.
Stratum = tuple[str, str]
STAYS, TEST, LOST = 0, 1, 2


class Groups:
    """Connected components over names: two clips are in one group when a chain of shared names joins them."""

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}
        self._parents = array("q")

    def add(self, *names: str) -> int:
        """Join the names of one clip and return the node of the last one, or -1 where there are none."""
        node = -1
        for name in names:
            other = self._nodes.setdefault(name, len(self._parents))
            if other == len(self._parents):
                self._parents.append(other)
            if node >= 0:
                self._parents[self._root(other)] = self._root(node)
            node = other
        return node

    def of(self, nodes: array) -> np.ndarray:
        """Return a group number for each clip, given its node; a clip of node -1 is a group of its own."""
        roots = [self._root(node) if node >= 0 else -1 - place for place, node in enumerate(nodes)]
        return np.unique(np.array(roots, dtype=np.int64), return_inverse=True)[1]

    def _root(self, node: int) -> int:
        while self._parents[node] != node:
            self._parents[node] = self._parents[self._parents[node]]
            node = self._parents[node]
        return node


@dataclass
class Clips:
    """All clips, a place each in every array."""

    strata: list[Stratum] = field(default_factory=list)
    #: A number drawn from the id and the seed; the order in which clips are chosen.
    keys: array = field(default_factory=lambda: array("Q"))
    #: 2 * stratum + half; half 0 is consistent, 1 is inconsistent.
    cells: array = field(default_factory=lambda: array("H"))
    #: As Groups.add returns.
    nodes: array = field(default_factory=lambda: array("q"))
    #: 1 where the clip would be trained on if there were no test set.
    trains: array = field(default_factory=lambda: array("B"))


def fill(reach: Mapping[Key, int], total: int) -> dict[Key, int]:
    """Share a total as evenly as what there is of each allows; what remains goes to the first by name.

    >>> fill({"a": 1, "b": 9, "c": 9}, 8)
    {'a': 1, 'b': 4, 'c': 3}
    """
    shares = dict.fromkeys(reach, 0)
    left = min(total, sum(reach.values()))
    while left:
        hungry = sorted((key for key in reach if shares[key] < reach[key]), key=repr)
        step = max(1, min(left // len(hungry), min(reach[key] - shares[key] for key in hungry)))
        for key in hungry[:left]:
            shares[key] += step
            left -= step
    return shares


def fill_strata(reach: Mapping[Stratum, int], total: int) -> dict[Stratum, int]:
    """Share a total over languages first, then over the sources of each language."""
    languages: dict[str, dict[Stratum, int]] = {}
    for stratum, count in reach.items():
        languages.setdefault(stratum[0], {})[stratum] = count
    quotas = fill({language: sum(of.values()) for language, of in languages.items()}, total)
    return {
        stratum: count for language, of in languages.items() for stratum, count in fill(of, quotas[language]).items()
    }


def choose(clips: Clips, groups: np.ndarray, wanted: int, share: float) -> np.ndarray:
    """Return STAYS, TEST or LOST for each clip.

    Groups are gone through from those whose choice takes the fewest clips from training; ties are broken by key. A
    group is taken where it holds a clip that is still needed, and where its sources can spare it.

    Args:
        clips: all of them.
        groups: the group number of each clip.
        wanted: clips in the test set, an even number.
        share: at most this part of a source's training clips may go to the test set or be lost to it.

    Returns:
        uint8 of the number of clips. TEST holds equally many consistent and inconsistent clips, at most `wanted`; the
        rest of each group with a TEST clip is LOST.
    """
    choice = _Choice(clips, groups, share)
    while choice.take(wanted // 2):
        pass
    return choice.verdicts(wanted // 2)


class _Choice:
    """What is taken so far."""

    def __init__(self, clips: Clips, groups: np.ndarray, share: float) -> None:
        self.strata = clips.strata
        self.groups = groups
        self.cells = np.frombuffer(clips.cells, dtype=np.uint16).astype(np.int64)
        keys = np.frombuffer(clips.keys, dtype=np.uint64)
        self.trains = np.frombuffer(clips.trains, dtype=np.uint8).astype(np.int64)
        names = sorted({source for _, source in self.strata})
        self.source_of = np.array([names.index(source) for _, source in self.strata], dtype=np.int64)
        self.sources = self.source_of[self.cells // 2]
        self.spare = np.floor(share * np.bincount(self.sources, self.trains, len(names)) + 1e-9).astype(np.int64)
        # The clips of group g lie in members[starts[g]:starts[g + 1]], by key.
        self.members = np.lexsort((keys, groups))
        self.starts = np.searchsorted(groups[self.members], np.arange(groups.max() + 2))
        cost = np.bincount(groups, self.trains)
        self.waiting = np.lexsort((keys[self.members[self.starts[:-1]]], cost)).tolist()
        self.picked: list[list[int]] = [[] for _ in range(2 * len(self.strata))]
        self.unused: list[list[int]] = [[] for _ in range(2 * len(self.strata))]

    def take(self, half: int) -> bool:
        """Go through the groups once; return whether anything was picked."""
        self.waiting = [group for group in self.waiting if self._can_spare(group)]
        reach = [len(self.picked[cell]) + len(self.unused[cell]) for cell in range(len(self.picked))]
        for group in self.waiting:
            for cell in self.cells[self._of(group)].tolist():
                reach[cell] += 1
        # More of one half than there can be of the other would only cost training.
        quotas = self._quotas(reach, min(half, sum(reach[0::2]), sum(reach[1::2])))
        before = sum(map(len, self.picked))
        for cell, unused in enumerate(self.unused):
            while unused and len(self.picked[cell]) < quotas[cell]:
                self.picked[cell].append(unused.pop(0))
        kept = []
        for group in self.waiting:
            cells = self.cells[self._of(group)].tolist()
            if all(len(self.picked[cell]) >= quotas[cell] for cell in cells) or not self._can_spare(group):
                kept.append(group)
                continue
            self.spare -= self._cost(group)
            for clip, cell in zip(self._of(group).tolist(), cells, strict=True):
                (self.picked if len(self.picked[cell]) < quotas[cell] else self.unused)[cell].append(clip)
        self.waiting = kept
        return sum(map(len, self.picked)) > before

    def verdicts(self, half: int) -> np.ndarray:
        """Cut the halves to the smaller one, and give back the groups that are not needed then."""
        counts = list(map(len, self.picked))
        quotas = self._quotas(counts, min(half, sum(counts[0::2]), sum(counts[1::2])))
        test = [clip for cell, clips in enumerate(self.picked) for clip in clips[: quotas[cell]]]
        out = np.full(len(self.groups), STAYS, dtype=np.uint8)
        out[np.isin(self.groups, self.groups[test])] = LOST
        out[test] = TEST
        return out

    def _of(self, group: int) -> np.ndarray:
        return self.members[self.starts[group] : self.starts[group + 1]]

    def _cost(self, group: int) -> np.ndarray:
        of = self._of(group)
        return np.bincount(self.sources[of], self.trains[of], len(self.spare)).astype(np.int64)

    def _can_spare(self, group: int) -> bool:
        return bool((self._cost(group) <= self.spare).all())

    def _quotas(self, reach: list[int], half: int) -> list[int]:
        quotas = [0] * len(reach)
        for side in (0, 1):
            shares = fill_strata({name: reach[2 * place + side] for place, name in enumerate(self.strata)}, half)
            for place, name in enumerate(self.strata):
                quotas[2 * place + side] = shares[name]
        return quotas
