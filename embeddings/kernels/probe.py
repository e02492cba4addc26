"""Linear probe and nearest-neighbour vote: features and labels of a training choice in, class probabilities of test rows out."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from isocenter.embeddings.kernels.threads import one_thread

SMALL = 1e9             # products of a round below which threads wait for each other longer than they work


def linear_probe(train: NDArray[np.floating], labels: NDArray[np.integer], test: NDArray[np.floating], classes: int, *,
                 strength: float = 1.0, rounds: int = 200) -> NDArray[np.float64]:
    """(m, classes) probabilities of multinomial logistic regression on standardised features.

    train: (n, d); labels: (n,) in 0 … classes - 1, of which some may be missing (their probability stays near zero); test: (m, d).
    Features are centred and scaled by the training rows; the loss is strength · Σ cross-entropy + ½·‖W‖², intercepts free, as in
    scikit-learn's LogisticRegression(C=strength), and its optimum is unique, so any solver gives the same answer. O(n·d·classes·rounds).
    """
    present, codes = np.unique(labels, return_inverse=True)
    result = np.zeros((len(test), classes))
    if len(present) < 2:
        result[:, present] = 1.0
        return result
    mean, spread = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
    spread[spread == 0] = 1.0
    inside = (np.asarray(train, np.float64) - mean) / spread
    with one_thread() if inside.size * len(present) < SMALL else nullcontext():
        weights = _fit(inside, codes, len(present), strength, rounds)
    logits = (np.asarray(test, np.float64) - mean) / spread @ weights[:-1] + weights[-1]
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    result[:, present] = logits / logits.sum(1, keepdims=True)
    return result


def neighbour_vote(train: NDArray[np.floating], labels: NDArray[np.integer], test: NDArray[np.floating], classes: int, *,
                   k: int = 20, temperature: float = 0.07) -> NDArray[np.float64]:
    """(m, classes) share of the k nearest training rows by cosine, each weighted exp(cosine / temperature), as for DINO features."""
    k = min(k, len(train))
    result = np.zeros((len(test), classes))
    rows = _unit(train)
    for start in range(0, len(test), 1024):
        cosines = _unit(test[start:start + 1024]) @ rows.T
        nearest = np.argpartition(cosines, len(rows) - k, axis=1)[:, len(rows) - k:]
        near = np.take_along_axis(cosines, nearest, axis=1)
        weight = np.exp((near - near.max(1, keepdims=True)) / temperature)
        part = result[start:start + 1024]
        np.add.at(part, (np.arange(len(part))[:, None], labels[nearest]), weight)
        part /= part.sum(1, keepdims=True)
    return result


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    rows = np.asarray(rows, np.float64)
    unit: NDArray[np.float64] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def _fit(rows: NDArray[np.float64], codes: NDArray[np.integer], classes: int, strength: float, rounds: int) -> NDArray[np.float64]:
    """(d + 1, classes) weights, the last row the intercepts."""
    count, dimension = rows.shape
    wanted = np.zeros((count, classes))
    wanted[np.arange(count), codes] = 1.0

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(dimension + 1, classes)
        logits = rows @ weights[:-1] + weights[-1]
        logits -= logits.max(1, keepdims=True)
        total = np.log(np.exp(logits).sum(1, keepdims=True))
        error = np.exp(logits - total) - wanted
        slope = np.vstack([strength * (rows.T @ error) + weights[:-1], strength * error.sum(0)])
        value = strength * float((total - (logits * wanted).sum(1, keepdims=True)).sum()) + 0.5 * float((weights[:-1] ** 2).sum())
        return value, slope.ravel()

    best = minimize(loss, np.zeros((dimension + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": rounds, "gtol": 1e-5})
    weights: NDArray[np.float64] = best.x.reshape(dimension + 1, classes)
    return weights
