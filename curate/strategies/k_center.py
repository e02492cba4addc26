"""k-center greedy: each pick is the sample farthest from all picks before it, so that no corner of the pool stays unseen.

Source: Gonzalez 1985; Sener & Savarese 2018, "Active learning for convolutional neural networks: a core-set approach".
Time: the picks of the textbook loop at a small part of its O(n·d·budget) (see `embeddings.kernels.farthest`). Memory: O(n) beside
the features. Prefix property holds: a smaller budget is the head of a larger one. A million rows of 512 float16 numbers fit in 8 GB.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.farthest import farthest_first

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Farthest-first order from a seeded first sample; a gain is the Euclidean distance to the nearest earlier pick (the first: 2)."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    first = int(np.random.default_rng(seed).integers(len(pool)))
    indices, squared = farthest_first(pool.features, budget, first=first)
    return Picks(indices, np.sqrt(squared.astype(np.float64)))
