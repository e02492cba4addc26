"""Distances between two sets of feature rows: Fréchet, radiomic Fréchet in both conventions, kernel distances, and how far single rows lie out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from isocenter.core.errors import BadInput
from isocenter.curate.metrics import auroc

Rows = NDArray[np.floating]
Places = NDArray[np.int64]
Rule = Literal["gaussian", "empirical"]
NOTHING = 1e-7          # d² a column below which two sets are one: rounding of the matrix root
RIDGE = 1e-6            # added to singular covariances
V0_RANGE = 7.457        # upper end of the min-max scale of FRD v0
Z95 = 1.645             # one-sided 95 % of a Gaussian
CMMD_SCALE = 1000.0


@dataclass(frozen=True, slots=True)
class FRD:
    """A radiomic Fréchet distance: d² itself, and the two logarithms that are reported for it.

    log_squared: log d², what the `frd-score` library prints; log_distance: log d, the paper's Eq. 3, half of it. dropped: columns left out.
    leading: columns by their share of the difference of means, largest first.
    """

    squared: float
    log_squared: float
    log_distance: float
    dropped: tuple[int, ...]
    leading: tuple[int, ...]


def frechet(first: Rows, second: Rows) -> float:
    """‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), the squared Fréchet distance of the two sets' Gaussians; needs two rows in each."""
    _enough(first, second)
    return gaussian_frechet(first.mean(0, dtype=np.float64), _covariance(first), second.mean(0, dtype=np.float64), _covariance(second))


def gaussian_frechet(mean1: Rows, covariance1: Rows, mean2: Rows, covariance2: Rows) -> float:
    """The same of two Gaussians; the root's trace is that of (Σ₁^½ Σ₂ Σ₁^½)^½, which is symmetric, so nothing imaginary arises."""
    values, vectors = np.linalg.eigh(covariance1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    middle = np.linalg.eigvalsh(root @ covariance2 @ root)
    trace = float(np.trace(covariance1) + np.trace(covariance2) - 2 * np.sqrt(np.maximum(middle, 0)).sum())
    return max(0.0, float(((mean1 - mean2) ** 2).sum()) + trace)


def frd(reference: Rows, other: Rows, *, version: Literal["v0", "v1"] = "v1") -> FRD:
    """Radiomic Fréchet distance. v1: z-scores by the reference alone; v0: min-max of both sets together to [0, 7.457].

    Columns that are not finite in a set, or constant in what scales them, are dropped. Equal sets give d² = 0 and logarithms of -infinity.
    Source: Konz et al., "Fréchet radiomic distance", and the conventions of its library.
    """
    _enough(reference, other)
    both = np.vstack([reference, other]).astype(np.float64)
    low, spread = (both.min(0), (both.max(0) - both.min(0)) / V0_RANGE) if version == "v0" else (
        np.mean(reference, axis=0, dtype=np.float64), np.std(reference, axis=0, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = (both - low) / spread
    use = np.isfinite(scaled).all(0) & (spread > 0)
    if not use.any():
        raise BadInput("no feature is finite and varies in both sets", hint="look at the features, or compare with another encoder")
    ours, theirs = scaled[:len(reference), use], scaled[len(reference):, use]
    squared = frechet(ours, theirs)
    log = float(np.log(squared)) if squared > NOTHING * ours.shape[1] else -float("inf")
    shift = (ours.mean(0) - theirs.mean(0)) ** 2
    return FRD(squared, log, log / 2, tuple(np.flatnonzero(~use).tolist()), tuple(np.flatnonzero(use)[np.argsort(-shift, kind="stable")].tolist()))


def kid(first: Rows, second: Rows) -> float:
    """Unbiased squared maximum mean discrepancy under the cubic kernel (x·y/d + 1)³ (Bińkowski et al. 2018); may fall below zero."""
    return mmd(cubic_kernel(np.vstack([first, second])), *_places(first, second), unbiased=True)


def cmmd(first: Rows, second: Rows) -> float:
    """Squared maximum mean discrepancy under a Gaussian kernel, times 1000, as CMMD reports it (Jayasumana et al. 2024); biased, ≥ 0."""
    return CMMD_SCALE * mmd(gaussian_kernel(np.vstack([first, second])), *_places(first, second), unbiased=False)


def cubic_kernel(rows: Rows) -> Rows:
    """(n, n): (x·y/d + 1)³ of every two rows."""
    rows = np.asarray(rows, np.float64)
    return (rows @ rows.T / rows.shape[1] + 1) ** 3


def gaussian_kernel(rows: Rows, sigma: float = 10.0) -> Rows:
    """(n, n): exp(-|x - y|² / 2σ²) of every two rows; σ = 10 is CMMD's."""
    rows = np.asarray(rows, np.float64)
    square = (rows**2).sum(1)
    return np.exp(-(square[:, None] + square[None] - 2 * rows @ rows.T) / (2 * sigma**2))


def mmd(kernel: Rows, first: Places, second: Places, *, unbiased: bool) -> float:
    """Squared maximum mean discrepancy of two sets of places in one table of kernel values, two places or more each."""
    inner = []
    for at in (first, second):
        table = kernel[np.ix_(at, at)]
        inner.append((table.sum() - np.trace(table)) / (len(at) * (len(at) - 1)) if unbiased else table.mean())
    return float(inner[0] + inner[1] - 2 * kernel[np.ix_(first, second)].mean())


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """Scores ‖f - μ‖ of the rows tested, the threshold above which a row is out, and nFRD = 2·|AUROC - ½| of the two sets' scores.

    chance: how probable a score as high is among the rows that the threshold was taken from, by the same rule.
    """

    scores: NDArray[np.float64]
    threshold: float
    out: NDArray[np.bool_]
    chance: NDArray[np.float64]
    nfrd: float


def out_of_distribution(reference: Rows, tested: Rows, *, rule: Rule = "gaussian") -> OutOfDistribution:
    """How far single rows lie from the reference, in z-scores of the reference; threshold at 95 % of the reference's own scores.

    rule: the 95 % of a Gaussian through those scores, or of the scores as they are.
    """
    _enough(reference, tested)
    mean, spread = reference.mean(0, dtype=np.float64), reference.std(0, dtype=np.float64)
    use = (spread > 0) & np.isfinite(tested).all(0)
    usual, scores = (np.linalg.norm(((rows - mean) / np.where(spread > 0, spread, 1))[:, use], axis=1)
                     for rows in (reference, tested))
    if rule == "gaussian":
        threshold, chance = float(usual.mean() + Z95 * usual.std()), ndtr(-(scores - usual.mean()) / max(float(usual.std()), 1e-12))
    else:
        threshold, chance = float(np.quantile(usual, 0.95)), 1 - np.searchsorted(np.sort(usual), scores) / len(usual)
    area = auroc(np.r_[np.zeros(len(usual), int), np.ones(len(scores), int)], np.r_[usual, scores])
    return OutOfDistribution(scores, threshold, scores > threshold, chance, 2 * abs(area - 0.5))


def _covariance(rows: Rows) -> NDArray[np.float64]:
    covariance = np.atleast_2d(np.cov(np.asarray(rows, np.float64), rowvar=False))
    return covariance if len(rows) > rows.shape[1] else covariance + RIDGE * np.eye(len(covariance))


def _places(first: Rows, second: Rows) -> tuple[Places, Places]:
    _enough(first, second)
    return np.arange(len(first)), np.arange(len(first), len(first) + len(second))


def _enough(first: Rows, second: Rows) -> None:
    if min(len(first), len(second)) < 2 or first.shape[1] != second.shape[1]:
        raise BadInput(f"sets of shape {first.shape} and {second.shape} cannot be compared", hint="two rows or more each, of one encoder")
