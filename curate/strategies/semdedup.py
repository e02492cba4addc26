"""SemDeDup: inside every cluster the samples least like any earlier one come first, so that near-copies come last.

Source: Abbas et al. 2023, "SemDeDup", from its description: k-means, then inside a cluster rows from the farthest to the nearest to
the centre, each scored by its largest cosine to the rows before it. Ranking by that cosine instead of cutting at 1 - ε spends a budget.
Time: O(n·√k·d) for the clusters and O(n·m·d) for their pairs, m rows a cluster. Memory: O(n + m²). Prefix property holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.redundancy import redundancy

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Least redundant first; a gain is 1 minus the largest cosine to a sample of the same cluster that came earlier."""
    similar: NDArray[np.float32] = redundancy(pool.features, seed=seed)
    order = np.argsort(similar, kind="stable")[:budget].astype(np.int64)
    return Picks(order, 1.0 - similar[order].astype(np.float64))
