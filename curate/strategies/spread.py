"""Spread: the pool is cut into as many cells as the budget, as evenly over its extent as can be, and each cell gives one sample.

The default. Cells grow from farthest-first traversal (as in `k-center`), so that rare kinds get cells of their own, and settle in a round of
spherical k-means. The first three tenths of the cells, which lie farthest out, give the sample that opened them, as `k-center` does: there
the rare kinds are. The others give their medoid, their most typical sample, so that the crowd is not stood for by its freaks. Distance is
seen from two sides at equal weight: the features as they are, and their direction from the pool's mean along its 64 principal directions,
where what all samples share is gone.
Sources: Gonzalez 1985 (farthest-first); Lloyd 1982; Kaufman & Rousseeuw 1987 (medoids); evidence in docs/decisions/400-default-selection.md.
Time: O(n·d² + n·d·budget) at worst. Memory: O(n·d), one float32 copy of the features.
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
OUTER = 0.3     # share of the cells that give the sample that opened them


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Cells in the order in which they were opened; a gain is the distance from a cell's first member to the nearest earlier cell (the first: 2)."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    rows = _two_sided(pool.features)
    opened, squared = farthest_first(rows, budget, first=int(np.random.default_rng(seed).integers(len(pool))))
    outer = int(OUTER * len(opened))
    typical = medoids(rows, settled(rows, opened, ROUNDS, kept=outer))
    return Picks(np.concatenate([opened[:outer], typical[outer:]]), np.sqrt(squared.astype(np.float64)))


def _two_sided(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, d + 64) unit rows: the features, and their principal directions, each half of length √½."""
    width = features.shape[1]
    rows = np.empty((len(features), width + min(width, DIRECTIONS)), np.float32)
    rows[:, :width] = features
    rows[:, width:] = principal(features, DIRECTIONS)
    rows /= np.sqrt(np.maximum(np.einsum("ij,ij->i", rows, rows), 1e-24))[:, None]
    return rows
