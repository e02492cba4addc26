"""Entropy: the samples whose supplied prediction is least decided come first.

Source: Settles 2009, uncertainty sampling. Reads the column `predictions` ((classes,) or (members, classes) a sample; members are averaged).
O(n·classes) time and memory; deterministic, the seed is not used; prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.predictions import class_probabilities, entropy

needs: tuple[str, ...] = ("predictions",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Highest entropy first; a gain is the entropy in nats."""
    score = entropy(class_probabilities(pool))
    order = np.argsort(-score, kind="stable")[:budget].astype(np.int64)
    return Picks(order, score[order])
