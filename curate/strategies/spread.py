"""Spread: the pool is cut into as many cells as the budget, as evenly over its extent as can be, and each cell gives its most typical sample.

The default. Cells come from farthest-first traversal (see `k-center`) on the 64 principal directions of the pool, so that rare kinds get
cells of their own; the medoid of a cell, not its outermost member, stands for it, so that a freak is taken only where it is alone.
Sources: Gonzalez 1985 (farthest-first); Kaufman & Rousseeuw 1987 (medoids); evidence in docs/decisions/400-default-selection.md.
Time: O(n·d² + n·64·budget) at worst. Memory: O(n·64 + d²) beside the features; a million rows of 512 numbers fit in 8 GB.
No prefix property: cells shrink as the budget grows.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.farthest import farthest_first
from isocenter.embeddings.kernels.kmeans import medoids, nearest_centre
from isocenter.embeddings.kernels.principal import principal

needs: tuple[str, ...] = ()
uses_features = True
DIRECTIONS = 64


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Cells in the order in which they were opened; a gain is the distance from a cell's first member to the nearest earlier cell (the first: 2)."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    rows = principal(pool.features, DIRECTIONS)
    opened, squared = farthest_first(rows, budget, first=int(np.random.default_rng(seed).integers(len(pool))))
    cell, _ = nearest_centre(rows, rows[opened])
    cell[opened] = np.arange(len(opened))
    return Picks(medoids(rows, cell), np.sqrt(squared.astype(np.float64)))
