"""Score: the samples with the largest supplied score come first; for losses, forgetting counts, or anything that training measured.

Reads the column `score`; a sample without one (not a number) comes last, in random order. O(n log n); prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.core.errors import BadInput
from isocenter.curate.api import Picks, Pool

needs: tuple[str, ...] = ("score",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Largest first, ties in random order; a gain is the score (0 where there is none)."""
    try:
        score = np.array([np.nan if value in (None, "", "None") else float(value) for value in pool.columns["score"].tolist()], np.float64)
    except ValueError as error:
        raise BadInput(f"the column score does not hold numbers: {error}") from error
    order = np.lexsort((np.random.default_rng(seed).random(len(score)), np.where(np.isnan(score), np.inf, -score)))[:budget]
    return Picks(order.astype(np.int64), np.nan_to_num(score[order]))
