"""ActiveFT: as many free points as the budget are moved until they lie like the pool and apart from each other; the samples next to them are picked.

Source: Xie et al. 2023, "Active finetuning: exploiting annotation budget in the pretraining-finetuning paradigm" (temperature 0.07, Adam 1e-3,
300 rounds). Time: O(n·d·budget·300). Memory: O(n·(d + budget)), several times over, so for pools of tens of thousands. No prefix property: points follow
the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.free_points import free_points

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The nearest untaken sample of each point, best matched first; a gain is their cosine."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    points = free_points(pool.features, min(budget, len(pool)), seed=seed)
    cosine = points @ pool.features.T
    taken = np.zeros(len(pool), bool)
    picks, gains = [], []
    for row in cosine[np.argsort(-cosine.max(1), kind="stable")]:
        one = int(np.where(taken, -np.inf, row).argmax())
        taken[one] = True
        picks.append(one)
        gains.append(float(row[one]))
    return Picks(np.array(picks, np.int64), np.array(gains))
