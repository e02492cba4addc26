"""The line between one picture and two: evidence goes in, the log-odds of one picture comes out; the line moves to the corpus at hand.

The shipped line was fitted on copies and neighbours of chest films, CT and MR slices (docs/explanation/duplicates.md). For a
corpus it is fitted again as a maximum a-posteriori logistic regression around the shipped one: planted copies on one side, the
corpus's own neighbours on the other. All weights stay non-negative, so more agreement never counts against a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Evidence

FEATURES = ("fine detail, median of blocks", "fine detail, lowest tenth", "detail explained", "matched points", "share of points", "sharpness of the match")
CENTRE = np.array([1.2, 0.7, 1.5, 5.0, -2.0, 1.0])
SHIPPED = np.array([-1.3, 2.2, 1.1, 0.6, 1.5, 0.75, 2.4])
STIFFNESS = 4.0                    # prior precision of a weight, in pseudo-observations
FREE, HELD = 0.05, 50.0            # the same for the intercept
ENOUGH = 20                        # contradictions that show what neighbours are
WEIGHT = 60.0                      # total weight of each side, whatever its number
CLEAR = 1.5                        # log-odds on either side of 0 within which a pair is unsettled
FEW, WITH_FEW = 16, 0.98           # with fewer matched points than this, fine detail must agree at least so much
SURELY_TWO = -4.0                  # log-odds below which a pair counts as neighbours without further reason
SPREAD = 0.995                     # a correlation above this is as good as 1


@dataclass(frozen=True, slots=True)
class Line:
    """weights: intercept, then one per feature (>= 0). copies, neighbours: how many of each the corpus gave to it."""

    weights: tuple[float, ...]
    copies: int = 0
    neighbours: int = 0

    def log_odds(self, evidence: Sequence[Evidence]) -> NDArray[np.float64]:
        """(n,) log-odds that the two show one picture."""
        return _design(evidence) @ np.array(self.weights)


def shipped() -> Line:
    """The line before any corpus was seen."""
    return Line(tuple(SHIPPED))


def learn(copies: Sequence[Evidence], neighbours: Sequence[Evidence], certified: int) -> Line:
    """The line for a corpus: `copies` are planted (one picture each), `neighbours` held to show two pictures.

    certified: neighbours that contradict themselves; unless they are many the line as a whole stays about where it was.
    """
    if not copies or not neighbours:
        return shipped()
    design = np.concatenate([_design(copies), _design(neighbours)])
    truth = np.r_[np.ones(len(copies)), np.zeros(len(neighbours))]
    share = np.r_[np.full(len(copies), WEIGHT / len(copies)), np.full(len(neighbours), WEIGHT / len(neighbours))]
    return Line(tuple(float(w) for w in _fit(design, truth, share, FREE if certified >= ENOUGH else HELD)), len(copies), len(neighbours))


def thin(evidence: Evidence) -> bool:
    """Too little to be sure of one picture: a handful of matched points and no perfect agreement (tiny or featureless pictures)."""
    return evidence.fine < FEW and evidence.detail_middle < WITH_FEW


def features(evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    """(n, 6): correlations as Fisher's z, counts and shares as binary logarithms; more is always more alike."""
    rows = [(_z(e.detail_middle), _z(e.detail_low), _z(e.explained), np.log2(1 + e.fine), np.log2((e.share + 0.01) / (1.01 - e.share)),
             -np.log2(e.residual + 0.1)) for e in evidence]
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def _design(evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    return np.c_[np.ones(len(evidence)), features(evidence) - CENTRE]


def _z(correlation: float) -> float:
    return float(np.arctanh(min(max(correlation, -0.2), SPREAD)))


def _fit(design: NDArray[np.float64], truth: NDArray[np.float64], share: NDArray[np.float64], hold: float) -> NDArray[np.float64]:
    from scipy.optimize import minimize

    stiff = np.r_[hold, np.full(len(FEATURES), STIFFNESS)]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = design @ weights
        away = weights - SHIPPED
        value = share @ (np.logaddexp(0, odds) - truth * odds) + 0.5 * stiff @ away**2
        return float(value), design.T @ (share * (1 / (1 + np.exp(-odds)) - truth)) + stiff * away

    bounds = [(None, None)] + [(0.0, None)] * len(FEATURES)
    return np.asarray(minimize(loss, SHIPPED, jac=True, method="L-BFGS-B", bounds=bounds).x)
