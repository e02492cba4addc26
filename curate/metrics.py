"""Figures of a classifier and of a choice: labels and scores in, numbers between 0 and 1 (or counts) out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Truth = NDArray[np.integer] | NDArray[np.bool_]


def auroc(truth: Truth, score: Floats) -> float:
    """Area under the ROC curve of a binary truth; ties count half (Mann-Whitney). Not a number when a class is missing."""
    positive = np.asarray(truth, bool)
    pairs = int(positive.sum()) * int((~positive).sum())
    if not pairs:
        return float("nan")
    _, place, sizes = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(sizes) - (sizes - 1) / 2)[place]
    return float((rank[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / pairs)


def auprc(truth: Truth, score: Floats) -> float:
    """Average precision: Σ (recall step) × precision over the distinct thresholds. Not a number without positives."""
    positive = np.asarray(truth, bool)
    if not positive.any():
        return float("nan")
    order = np.argsort(-np.asarray(score), kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.flatnonzero(np.diff(np.asarray(score)[order])), len(order) - 1)
    steps = np.diff(np.concatenate([[0], hits[last]])) / positive.sum()
    return float((steps * hits[last] / (last + 1)).sum())


def one_against_rest(truth: Integers, probabilities: Floats, figure: object = auroc) -> float:
    """Mean of a binary figure over the classes that have both positives and negatives in the truth."""
    assert callable(figure)
    values = [figure(truth == one, probabilities[:, one]) for one in range(probabilities.shape[1]) if 0 < np.count_nonzero(truth == one) < len(truth)]
    return float(np.mean(values)) if values else float("nan")


def recall_of(truth: Integers, predicted: Integers, classes: Integers) -> float:
    """Mean recall over these classes, as far as they occur in the truth: balanced accuracy when they are all."""
    values = [float(np.mean(predicted[truth == one] == one)) for one in classes if (truth == one).any()]
    return float(np.mean(values)) if values else float("nan")


def tail_classes(labels: Integers, classes: int) -> NDArray[np.int64]:
    """The rarer half of the classes that occur (of an odd number the smaller half, at least one)."""
    counts = np.bincount(labels, minlength=classes)
    present = np.flatnonzero(counts)
    return present[np.argsort(counts[present], kind="stable")][:max(1, len(present) // 2)]


def top_share(labels: Integers, share: float = 0.05) -> float:
    """Share of the samples that lie in the largest 5 % of the classes, one class at least (SELECT's LS@5pct)."""
    counts = np.sort(np.bincount(labels))[::-1]
    counts = counts[counts > 0]
    return float(counts[:max(1, int(np.ceil(share * len(counts))))].sum() / max(1, counts.sum()))


def redundancy(features: Floats) -> float:
    """Mean cosine of each row to its nearest other row; unit rows."""
    if len(features) < 2:
        return 0.0
    nearest = np.empty(len(features))
    for start in range(0, len(features), 1024):
        block = features[start:start + 1024] @ features.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        nearest[start:start + 1024] = block.max(1)
    return float(nearest.mean())


def coverage(pool: Floats, chosen: Floats) -> float:
    """Mean cosine of every row of the pool to its nearest chosen row; unit rows."""
    return float(np.mean([(pool[start:start + 1024] @ chosen.T).max(1).mean() for start in range(0, len(pool), 1024)])) if len(chosen) else 0.0
