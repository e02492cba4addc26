"""Assign components to sides: what every sample counts for and the sides' shares go in, one side per component comes out, evenly spread.

Greedy placement as in Sechidis et al. 2011 (iterative stratification of multi-label data), on components instead of rows, followed by single
moves while they bring the counts nearer to the wish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

ROUNDS = 10                # passes of single moves at most; most splits stand still after three
SIZE_WEIGHT = 0.5          # how much the number of samples counts beside one trait


@dataclass(frozen=True, slots=True)
class Traits:
    """(components, traits) counts; column 0 counts samples, the others those with one trait, named in `names`."""

    counts: csr_array
    names: tuple[str, ...]


def traits_of(owner: NDArray[np.int64], traits: Sequence[Collection[str]], components: int) -> Traits:
    """Counts of every component. owner: (n,) component of every sample; traits: what each sample counts for, e.g. `label=nodule`, `sex=F`."""
    names = ("samples", *sorted({trait for found in traits for trait in found}))
    column = {name: at for at, name in enumerate(names)}
    rows = np.repeat(owner, [1 + len(found) for found in traits])
    columns = np.array([at for found in traits for at in (0, *(column[trait] for trait in found))], np.int64)
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=(components, len(names)))
    counts.sum_duplicates()
    return Traits(counts, names)


def assign(owner: NDArray[np.int64], traits: Sequence[Collection[str]], shares: Mapping[str, float], seed: int, *,
           allowed: Mapping[int, Collection[str]] | None = None) -> list[str]:
    """The side of every component, by its number: each trait's samples come as near to the shares as whole components let them.

    allowed: component -> the sides that it may stand on (all where it is not named); a side of share 0 takes only components that may stand
    nowhere else. What is made small: over sides and traits, (count − wish)² / wish. O(components · sides · traits each) per pass.
    """
    sides, components = list(shares), int(owner.max()) + 1 if len(owner) else 0
    found = traits_of(owner, traits, components)
    wish = np.outer(list(shares.values()), found.counts.sum(axis=0))
    state = _Sides(found.counts, wish, seed)
    free = np.array([share > 0 for share in shares.values()])
    choice = np.tile(np.where(free, 0.0, np.inf), (components, 1))
    for component, names in (allowed or {}).items():
        choice[component] = [0.0 if side in names else np.inf for side in sides]
    state.place(choice)
    return [sides[at] for at in state.side.tolist()]


class _Sides:
    """How far every side is from its wish, while components are placed and moved."""

    def __init__(self, counts: csr_array, wish: NDArray[np.float64], seed: int) -> None:
        self.start, self.column, self.number = counts.indptr, counts.indices, counts.data
        self.gap, self.wanted = -wish, wish[:, 0]
        weight = np.ones(wish.shape[1])
        weight[0] = SIZE_WEIGHT * max(1.0, np.sqrt(wish.shape[1] - 1))
        self.weight = weight / np.maximum(wish, 1e-9 + wish.sum(0) * 1e-3)
        self.size = np.asarray(counts[:, [0]].todense()).ravel() if counts.shape[0] else np.empty(0)
        rarest = np.array([wish.sum(0)[self.column[a:b]].min() for a, b in zip(self.start, self.start[1:])])
        chance = np.random.default_rng(seed).permutation(counts.shape[0])
        self.order = np.lexsort((chance, rarest, -self.size))
        self.side = np.full(counts.shape[0], -1)

    def place(self, choice: NDArray[np.float64]) -> None:
        """Bound components first, then the rest largest first and rarest first, then single moves of what is free."""
        options = np.isfinite(choice).sum(1)
        for component in sorted(self.order, key=lambda at: options[at] > 1):
            self._put(component, int(np.argmin(self._cost(component) + choice[component])))
        loose = [component for component in self.order if options[component] > 1]
        for _ in range(ROUNDS):
            if not sum(self._move(component, choice[component]) for component in loose):
                break
        self._fill(loose, choice)

    def _fill(self, loose: list[int], choice: NDArray[np.float64]) -> None:
        """No side stays empty while another has components to spare: the one nearest to the wished size goes over."""
        for side in range(len(self.gap)):
            if self.wanted[side] <= 0 or (self.side == side).any():
                continue
            crowd = np.bincount(self.side, minlength=len(self.gap))
            spare = [component for component in loose if crowd[self.side[component]] > 1 and np.isfinite(choice[component][side])]
            if spare:
                best = min(spare, key=lambda component: abs(self.size[component] - self.wanted[side]))
                self._add(best, int(self.side[best]), -1.0)
                self._put(best, side)

    def _move(self, component: int, choice: NDArray[np.float64]) -> bool:
        before = int(self.side[component])
        self._add(component, before, -1.0)
        cost = self._cost(component) + choice
        best = int(np.argmin(cost))
        after = best if cost[best] < cost[before] - 1e-9 else before
        self._put(component, after)
        return after != before

    def _cost(self, component: int) -> NDArray[np.float64]:
        """What the sum of squares grows by, for every side."""
        inside = slice(self.start[component], self.start[component + 1])
        column, number = self.column[inside], self.number[inside]
        cost: NDArray[np.float64] = ((2 * self.gap[:, column] + number) * number * self.weight[:, column]).sum(1)
        return cost

    def _put(self, component: int, side: int) -> None:
        self.side[component] = side
        self._add(component, side, 1.0)

    def _add(self, component: int, side: int, sign: float) -> None:
        inside = slice(self.start[component], self.start[component + 1])
        self.gap[side, self.column[inside]] += sign * self.number[inside]
