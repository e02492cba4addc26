"""Prototype curation of a whole pool: as `prototype`, but its bands are those of all rows at once, whatever their order.

Source: CheXficient's data curator, with k-means on the whole pool and no stream. Time: O(n·d·(6 + budget)) at worst, far less on clusters.
Memory: O(n·d). No prefix property.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.prototypes import curate_whole

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The rim first, then each cluster's middle from its farthest point on; a gain is the distance to the nearest prototype."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    return Picks(*curate_whole(pool.features, budget, seed=seed))
