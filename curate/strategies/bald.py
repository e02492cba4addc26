"""BALD: the samples on which the members of an ensemble disagree although each is sure come first.

Source: Houlsby et al. 2011; Gal, Islam, Ghahramani 2017: entropy of the mean prediction minus the mean entropy of the predictions. Reads the
column `predictions`, (members, classes) a sample. O(n·members·classes); deterministic, the seed is not used; prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.predictions import entropy, member_probabilities

needs: tuple[str, ...] = ("predictions",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Largest mutual information first; a gain is that information in nats."""
    members = member_probabilities(pool)
    score = entropy(members.mean(1)) - entropy(members).mean(1)
    order = np.argsort(-score, kind="stable")[:budget].astype(np.int64)
    return Picks(order, score[order])
