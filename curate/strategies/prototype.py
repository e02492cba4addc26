"""Prototype curation of a stream: around six prototypes the rim is kept, the middle is thinned, and the outermost rows go.

Source: CheXficient's data curator (K = 6 prototypes, batches of 480, quantiles 0.95 and 0.85), solved for the budget instead of a fixed cap:
with cap 10 the source keeps 0.10 + 6·10/480 = 22.5 %. It thins what is common and keeps junk: control quality first, and read the junk
share that `evaluate` prints. Time: O(n·d·(6 + kept per batch)), one pass. Memory: O(n) beside the features; a million rows of 512 numbers
fit in 8 GB. No prefix property: every batch is owed its share of the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.prototypes import curate_stream

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """In the order of the stream; a gain is the Euclidean distance to the nearest prototype."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    return Picks(*curate_stream(pool.features, budget, seed=seed))
