"""Patches of volumes for annotation: class probabilities of an ensemble in, uncertainty maps, patch scores and patches that do not overlap out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.floating]


def predictive_entropy(members: Maps) -> Maps:
    """(x, y, z) entropy of the mean prediction, in nats; members: (members, classes, x, y, z) probabilities."""
    return _entropy(members.mean(0), axis=0)


def mutual_information(members: Maps) -> Maps:
    """(x, y, z) BALD: predictive entropy minus the members' mean entropy."""
    information: Maps = predictive_entropy(members) - _entropy(members, axis=1).mean(0)
    return information


def class_entropies(members: Maps) -> Maps:
    """(classes, x, y, z): predictive entropy weighted by each class's mean probability, as ClaSP PE uses it."""
    weighted: Maps = members.mean(0) * predictive_entropy(members)[None]
    return weighted


def box_means(values: Maps, size: Sequence[int]) -> Maps:
    """Mean of a map over every box of this size that lies inside: shape x - size + 1 …; by running sums, O(voxels)."""
    sums = np.asarray(values, np.float64)
    for axis, length in enumerate(size):
        total = np.cumsum(sums, axis=axis)
        padded = np.concatenate([np.zeros_like(np.take(total, [0], axis)), total], axis)
        sums = np.take(padded, range(length, padded.shape[axis]), axis) - np.take(padded, range(padded.shape[axis] - length), axis)
    means: Maps = sums / float(np.prod(size))
    return means


def best_patches(scores: Maps, size: Sequence[int], number: int, taken: NDArray[np.integer] | None = None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Corners (k, 3) and scores of at most `number` patches, highest score first, none overlapping another or one of `taken` (corners)."""
    corners: list[NDArray[np.integer]] = [] if taken is None else list(np.atleast_2d(taken))
    found, values = [], []
    for flat in np.argsort(-scores, axis=None, kind="stable"):
        corner = np.array(np.unravel_index(flat, scores.shape))
        if all((np.abs(corner - other) >= size).any() for other in corners):
            corners.append(corner)
            found.append(corner)
            values.append(float(scores.flat[flat]))
            if len(found) == number:
                break
    return np.array(found, np.int64).reshape(-1, len(size)), np.array(values)


def power_noise(score: NDArray[np.floating], beta: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """log score + Gumbel(0, 1/β): sampling without repeats in proportion to score^β instead of taking the largest."""
    return np.log(np.maximum(score, 1e-12)) + rng.gumbel(0.0, 1.0 / beta, len(score))


def apart(order: Sequence[int], images: Sequence[object], boxes: NDArray[np.integer]) -> tuple[list[int], list[int]]:
    """The order without those whose box overlaps an earlier one of the same image, and those left out; boxes: (n, 6) start and stop."""
    kept: list[int] = []
    later: list[int] = []
    by_image: dict[object, list[int]] = {}
    half = boxes.shape[1] // 2
    for at in order:
        others = by_image.setdefault(images[at], [])
        clear = all((boxes[at, :half] >= boxes[other, half:]).any() or (boxes[other, :half] >= boxes[at, half:]).any() for other in others)
        (kept if clear else later).append(at)
        if clear:
            others.append(at)
    return kept, later


def _entropy(probabilities: Maps, axis: int) -> Maps:
    entropy: Maps = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(axis)
    return entropy
