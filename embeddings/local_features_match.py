"""Align two pictures by their local features: two sets of points go in, an affine transform with its supporters comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.local_features import Points

RATIO = 0.8                       # Lowe 2004: nearest match clearly nearer than the second
TOLERANCE = 5.0                   # pixels, of the first fit
FINE = 1.0                        # pixels, of the matches that support the final fit
AFFINE_FROM = 16                  # supporters from which six parameters are fitted instead of four
SCALES = (0.2, 5.0)

Sizes = tuple[tuple[int, int], tuple[int, int]]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alignment:
    """`matrix` (2, 3) takes pixel (x, y) of the first picture to the second.

    inliers: matches within 5 px of the first, rigid fit. fine: matches within 1 px of the final one. share: `fine` over the
    points of the picture with fewer points in the overlap. residual: median error in px. Pixels are those of the coarser picture.
    """

    matrix: Matrix
    inliers: int
    fine: int
    share: float
    residual: float

    @property
    def scale(self) -> float:
        """Pixels of the second picture per pixel of the first."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def match(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(m, 2) indices of descriptors (n, 128) that match by Lowe's ratio test; no point of the second is used twice."""
    if len(first) < 2 or len(second) < 2:
        return np.zeros((0, 2), np.int64)
    a, b = first.astype(np.float32), second.astype(np.float32)
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2.0 * (a @ b.T)
    rows = np.arange(len(a))
    nearest = squared.argmin(1)
    best = squared[rows, nearest].copy()
    squared[rows, nearest] = np.inf
    kept = np.flatnonzero(best < RATIO**2 * squared.min(1))
    kept = kept[np.argsort(best[kept], kind="stable")]
    _, once = np.unique(nearest[kept], return_index=True)
    kept = kept[np.sort(once)]
    return np.stack([kept, nearest[kept]], axis=1)


def align(first: Points, second: Points, pairs: NDArray[np.int64], sizes: Sizes, *, mirror: bool = False) -> Alignment | None:
    """The similarity that most matches agree on (RANSAC), refined to an affine one; None when fewer than four agree.

    sizes: (height, width) of both pictures. mirror: the second picture shows the first one mirrored.
    """
    import cv2

    if len(pairs) < 4:
        return None
    flip = np.array([[-1.0, 0.0, sizes[0][1] - 1.0], [0.0, 1.0, 0.0]]) if mirror else np.eye(2, 3)
    p, q = move(flip, first.xy[pairs[:, 0]]).astype(np.float32), second.xy[pairs[:, 1]]
    cv2.setRNGSeed(0)
    matrix, mask = cv2.estimateAffinePartial2D(p, q, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE, maxIters=2000, confidence=0.999)
    if matrix is None or int(mask.sum()) < 4 or not SCALES[0] < np.sqrt(abs(np.linalg.det(matrix[:, :2]))) < SCALES[1]:
        return None
    inside = mask.ravel().astype(bool)
    return support(compose(_refine(matrix, p, q), flip), first, second, pairs, sizes, inside)


def support(matrix: Matrix, first: Points, second: Points, pairs: NDArray[np.int64],
            sizes: Sizes, inside: NDArray[np.bool_] | None = None) -> Alignment:
    """How well the matches support a given transform (also one that came from elsewhere)."""
    unit = max(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    error = np.linalg.norm(move(matrix, first.xy[pairs[:, 0]]) - second.xy[pairs[:, 1]], axis=1) / unit
    if inside is None:
        inside = error < TOLERANCE
    fine = int((error < FINE).sum())
    residual = float(np.median(error[inside])) if inside.any() else TOLERANCE
    possible = min(_landing(matrix, first.xy, sizes[1]), _landing(inverse(matrix), second.xy, sizes[0]))
    return Alignment(matrix, int(inside.sum()), fine, min(1.0, fine / max(1, possible)), residual)


def move(matrix: Matrix, xy: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) pixels through a (2, 3) transform."""
    return np.asarray(xy @ matrix[:, :2].T + matrix[:, 2], np.float64)


def compose(after: Matrix, before: Matrix) -> Matrix:
    """The (2, 3) transform that does `before`, then `after`."""
    whole = np.vstack([after, [0.0, 0.0, 1.0]]) @ np.vstack([before, [0.0, 0.0, 1.0]])
    return np.asarray(whole[:2], np.float64)


def inverse(matrix: Matrix) -> Matrix:
    """The (2, 3) transform that undoes this one."""
    return np.asarray(np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2], np.float64)


def _refine(matrix: Matrix, p: NDArray[np.float32], q: NDArray[np.float32]) -> Matrix:
    """Least squares on the matches that fit ever better: a SIFT point is located to a few tenths of a pixel, their mean to hundredths."""
    unit = max(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    for tolerance in (3.0, 2.0, 1.5):
        near = np.linalg.norm(move(matrix, p) - q, axis=1) / unit < tolerance
        if int(near.sum()) < AFFINE_FROM:
            break
        design = np.c_[p[near], np.ones(int(near.sum()))]
        matrix = np.linalg.lstsq(design, q[near].astype(np.float64), rcond=None)[0].T
    return matrix


def _landing(matrix: Matrix, xy: NDArray[np.float32], size: tuple[int, int]) -> int:
    landed = move(matrix, xy)
    return int(((landed >= 0) & (landed < (size[1], size[0]))).all(1).sum())

