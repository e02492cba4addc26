"""BADGE: samples drawn so that their gradients in the last layer are large and different from each other.

Source: Ash et al. 2020, "Deep batch active learning by diverse, uncertain gradient lower bounds": k-means++ seeding on (p - onehot(argmax p)) ⊗ features.
The products of two gradients factor, so the (n, classes·d) matrix is never made. Reads the column `predictions` and the features.
Time: O(n·(d + classes)·budget). Memory: O(n·classes) beside the features. Prefix property holds for one seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.curate.predictions import class_probabilities
from isocenter.embeddings.kernels.blocks import squared_lengths, times_row

needs: tuple[str, ...] = ("predictions",)
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The longest gradient first, then with probability as the squared distance to the nearest pick; a gain is that distance."""
    rng = np.random.default_rng(seed)
    probabilities = class_probabilities(pool)
    error = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(1)]
    length = (error**2).sum(1) * squared_lengths(pool.features)
    picks: list[int] = []
    gains: list[float] = []
    left = np.full(len(pool), np.inf)
    for _ in range(min(budget, len(pool))):
        one = _draw(left, length, picks, rng)
        gains.append(float(np.sqrt(left[one] if picks else length[one])))
        picks.append(one)
        product = times_row(pool.features, pool.features[one]) * (error @ error[one])
        left = np.minimum(left, np.maximum(0, length + length[one] - 2 * product))
        left[picks] = 0
    return Picks(np.array(picks, np.int64), np.array(gains))


def _draw(left: NDArray[np.float64], length: NDArray[np.float64], picks: list[int], rng: np.random.Generator) -> int:
    if not picks:
        return int(length.argmax())
    total = left.sum()
    return int(rng.choice(len(left), p=left / total) if total > 0 else rng.choice(np.setdiff1d(np.arange(len(left)), picks)))
