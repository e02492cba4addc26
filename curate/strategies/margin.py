"""Margin: the samples whose two most probable classes lie closest together come first.

Source: Scheffer, Decomain, Wrobel 2001. Reads the column `predictions` ((classes,) or (members, classes) a sample; members are averaged).
O(n·classes) time and memory; deterministic, the seed is not used; prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.predictions import class_probabilities

needs: tuple[str, ...] = ("predictions",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Smallest margin first; a gain is 1 minus the margin."""
    best = np.sort(class_probabilities(pool), axis=1)[:, -2:]
    score = 1.0 - (best[:, -1] - best[:, 0]) if best.shape[1] == 2 else np.zeros(len(pool))
    order = np.argsort(-score, kind="stable")[:budget].astype(np.int64)
    return Picks(order, score[order])
