"""k-means BALD: patches on which an ensemble disagrees, one from each of as many clusters of their features as the budget.

Source: nnActive's k-means BALD; Zhdanov 2019, "Diverse mini-batch active learning", for the candidates: ten times the budget, those with most mutual
information. A cluster gives its most informative patch. Reads the columns `bald`, `image` and `box` of `isocenter patches`, and the patches' features.
O(n log n + n·patches an image + budget²·d) time, O(n + budget·d) memory. Patches that overlap a better one come last.
Prefix property: no, clusters follow the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import apart, falling, numbers
from isocenter.embeddings.kernels.kmeans import kmeans

needs: tuple[str, ...] = ("bald", "image", "box")
uses_features = True
CANDIDATES = 10     # times the budget


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The best of every cluster, most informative first; a gain is the patch's mutual information in nats."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    score = numbers(pool, "bald")
    clear, later = apart(falling(score), pool)
    candidates = np.array(clear[:CANDIDATES * budget], np.int64)
    _, cluster = kmeans(pool.features[candidates], min(budget, len(candidates)), seed=seed)
    best = candidates[np.sort(np.unique(cluster, return_index=True)[1])]
    others = np.array([*clear, *later], np.int64)
    picks = np.concatenate([best, others[~np.isin(others, best)]])[:budget]
    return Picks(picks, score[picks])
