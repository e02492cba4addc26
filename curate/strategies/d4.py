"""D4: near-copies go, then the samples nearest to their cluster's centre go: what is left is neither repeated nor typical.

Source: Tirumala et al. 2023, "D4: improving LLM pretraining via document de-duplication and diversification": SemDeDup to a share of the pool,
clusters found again, prototypes dropped. Time: O(n·√k·d). Memory: O(n·d), three quarters of the features once more. Prefix property holds for
budgets below three quarters of the pool.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.blocks import distances_to
from isocenter.embeddings.kernels.kmeans import divided_kmeans
from isocenter.embeddings.kernels.redundancy import clusters_for, redundancy

needs: tuple[str, ...] = ()
uses_features = True
KEPT = 0.75     # of the pool, after the near-copies are gone


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Farthest from its centre first; a gain is the Euclidean distance to that centre."""
    similar = redundancy(pool.features, seed=seed)
    kept = np.sort(np.argsort(similar, kind="stable")[:max(budget, int(KEPT * len(pool)))])
    rows = pool.features[kept]
    centres, assigned = divided_kmeans(rows, clusters_for(len(rows)), seed=seed + 1)
    distance = distances_to(rows, centres, assigned)
    order = np.argsort(-distance, kind="stable")[:budget]
    return Picks(kept[order].astype(np.int64), distance[order])
