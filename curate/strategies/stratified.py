"""Stratified random choice: the same number from every stratum while it lasts, at random inside each.

The baseline that knows one column and nothing about pictures. O(n log n) time, O(n) memory; prefix property holds: strata are dealt
like cards, one sample of each per round, so a smaller budget is the head of a larger one.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool

needs: tuple[str, ...] = ("stratum",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Deal the strata of the column `stratum` in rounds; a gain is 1 over the round in which the sample was dealt."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(pool))
    _, stratum = np.unique(np.asarray(pool.columns["stratum"]).astype(str), return_inverse=True)
    turn = rng.permutation(int(stratum.max(initial=-1)) + 1)
    by_stratum = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    sizes = np.bincount(stratum)
    round_ = np.arange(len(pool)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = np.lexsort((turn[stratum[by_stratum]], round_))[:budget]
    return Picks(by_stratum[order].astype(np.int64), (1.0 / (1.0 + round_[order])).astype(np.float64))
