"""Spread: half of the budget reaches for what is far out, the other half stands for the crowd that is left.

The default. First half: farthest-first traversal, the textbook's `k-center`, over the plain side of the features: rare kinds and odd
sources are there. Second half: the pool is cut into as many cells as the budget, as evenly over its extent as can be (farthest-first
openers, one round of spherical k-means); of the cells in which nothing was chosen the largest give their medoid, their most typical
sample. Cells are cut on the last side of the features, seen in two ways at equal weight: as they are, and as directions from the pool's
mean along its 64 principal directions, where what all samples share is gone. Features of one look are both sides.
Sources: Gonzalez 1985 (farthest-first); Lloyd 1982; Kaufman & Rousseeuw 1987 (medoids); evidence in docs/decisions/400-default-selection.md.
Time: O(n·d² + n·d·budget) at worst. Memory: O(n·d), one float32 copy of the features, two if they have sides.
No prefix property: cells shrink as the budget grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.farthest import farthest_first
from isocenter.embeddings.kernels.kmeans import medoids, settled
from isocenter.embeddings.kernels.principal import principal

needs: tuple[str, ...] = ()
uses_features = True
DIRECTIONS, ROUNDS = 64, 1
REACH = 0.5     # share of the budget that goes to what is far out


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """What reaches far in the order of the traversal, then medoids by the size of their cells.

    A gain is the distance to the nearest earlier pick on the plain side (the first: 2), for a medoid the share of the pool that its cell holds.
    """
    budget = min(budget, len(pool))
    if budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    first = int(np.random.default_rng(seed).integers(len(pool)))
    reach = max(1, int(REACH * budget))
    far, squared = farthest_first(_side(pool, 0), reach, first=first)
    typical, size = _crowd(_two_ways(_side(pool, -1)), far, budget, first)
    typical, size = typical[:budget - reach], size[:budget - reach]
    distance, share = np.sqrt(squared.astype(np.float64)), size / len(pool)
    reasons = ("spread: the traversal began here", *(f"spread: {one:.3f} from the nearest earlier pick" for one in distance[1:]),
               *(f"spread: the middle of a cell of {number}" for number in size))
    return Picks(np.concatenate([far, typical]), np.concatenate([distance, share]), reasons)


def _side(pool: Pool, number: int) -> NDArray[np.float32]:
    """(n, width) unit rows: one look of those that the features put side by side."""
    if not pool.sides:
        return pool.features
    ends = np.cumsum(pool.sides)
    rows = pool.features[:, ends[number] - pool.sides[number]:ends[number]].astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _crowd(rows: NDArray[np.float32], far: NDArray[np.int64], budget: int, first: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Medoids of the cells that hold nothing chosen, the largest first, and the sizes of their cells; at least budget - len(far)."""
    cells = settled(rows, farthest_first(rows, budget, first=first)[0], ROUNDS)
    size = np.bincount(cells, minlength=budget)
    taken = np.zeros(budget, bool)
    taken[cells[far]] = True
    order = np.argsort(-size, kind="stable")
    order = order[~taken[order]]
    return medoids(rows, cells)[order], size[order]


def _two_ways(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, d + 64) unit rows: the features, and their principal directions, each half of length √½."""
    width = features.shape[1]
    rows = np.empty((len(features), width + min(width, DIRECTIONS)), np.float32)
    rows[:, :width] = features
    rows[:, width:] = principal(features, DIRECTIONS)
    rows /= np.sqrt(np.maximum(np.einsum("ij,ij->i", rows, rows), 1e-24))[:, None]
    return rows
