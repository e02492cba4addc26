"""One vector per picture from its local features: descriptors go in, unit vectors for a nearest-neighbour search come out.

Source: Jégou et al. 2012 (VLAD: per visual word the sum of residuals); Arandjelović & Zisserman 2013 (each word's sum
normalised by itself, so that no word dominates; centring of the result).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.local_features import Variant, as_variant

WORDS = 64
DIMENSIONS = 1024
POINTS = 300                     # first points of a picture that enter its vector
FEW = 5_000                      # pictures up to which vectors are only centred, which loses nothing


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The visual words: (64, 128) float32."""

    words: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Projection:
    """mean (d,) and axes (d, k) float32, or no axes where vectors are only centred; results have unit length."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32] | None


def learn_words(descriptors: NDArray[np.uint8], *, seed: int, rounds: int = 12) -> Vocabulary:
    """k-means of (n, 128) descriptors, n in the tens of thousands; fewer than 64 descriptors give fewer words."""
    rng = np.random.default_rng(seed)
    data = descriptors.astype(np.float32)
    words = data[rng.choice(len(data), min(WORDS, len(data)), replace=False)]
    for _ in range(rounds):
        nearest = _nearest(data, words)
        total, count = _sums(data, nearest, len(words)), np.bincount(nearest, minlength=len(words))[:, None]
        words = np.where(count > 0, total / np.maximum(count, 1), data[rng.choice(len(data), len(words))])
    return Vocabulary(words.astype(np.float32))


def aggregate(descriptors: NDArray[np.uint8], vocabulary: Vocabulary, variant: Variant = "same") -> NDArray[np.float32]:
    """VLAD of one picture's strongest points: (words * 128,) float32, unit length; zeros when it has no points."""
    words = vocabulary.words
    total = np.zeros_like(words)
    if len(descriptors):
        data = as_variant(descriptors[:POINTS], variant).astype(np.float32)
        nearest = _nearest(data, words)
        total = _sums(data - words[nearest], nearest, len(words))
        total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6)
    return unit(total.reshape(1, -1))[0]


def learn_projection(vectors: NDArray[np.float32], count: int) -> Projection:
    """From a sample of (n, d) vectors: their mean, and for a corpus of more than 5,000 pictures the 1,024 main axes."""
    mean = vectors.mean(0)
    if count <= FEW:
        return Projection(mean, None)
    centred = vectors - mean
    values, left = np.linalg.eigh(centred @ centred.T)
    keep = np.argsort(-values)[:min(DIMENSIONS, len(vectors) - 1)]
    axes = (centred.T @ left[:, keep]) / np.sqrt(np.maximum(values[keep], 1e-9))
    return Projection(mean, axes.astype(np.float32))


def project(vectors: NDArray[np.float32], projection: Projection) -> NDArray[np.float32]:
    """(n, d) -> (n, k) float32 unit rows."""
    centred = vectors - projection.mean
    return unit(np.asarray(centred if projection.axes is None else centred @ projection.axes, np.float32))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length 1; zero rows stay zero."""
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _sums(rows: NDArray[np.float32], nearest: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """The rows of each word added up: (count, 128)."""
    order = np.argsort(nearest, kind="stable")
    used, starts = np.unique(nearest[order], return_index=True)
    total = np.zeros((count, rows.shape[1]), np.float32)
    total[used] = np.add.reduceat(rows[order], starts, axis=0)
    return total


def _nearest(data: NDArray[np.float32], words: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray((data @ words.T - 0.5 * (words * words).sum(1)).argmax(1), np.int64)
