"""Compare two aligned pictures in their fine detail: two images and a transform go in, a handful of correlations come out.

Everything is measured in the frame of the coarser picture, so that a small copy is not blamed for detail it cannot hold, and
over the overlap only. Medians over blocks stand beside the whole, because a label burnt into one corner must not decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGMAS = (1, 2, 6)
BLOCKS = 8                         # along the longer side
SMALLEST = 9                       # pixels of a block's side
MINIMUM = 400                      # overlapping pixels below which nothing is said
FLAT = 0.5                         # variance (grey levels squared) below which a block holds no detail

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detail:
    """Correlations (-1 … 1) of detail between Gaussian sigmas, in pixels of the coarser picture.

    coarse: sigma 1 to 6. fine: 1 to 2. fine_middle: its median over blocks; fine_low: the lowest tenth of blocks.
    explained: the fine correlation that is left once one picture alone is allowed noise or smoothing of its own (median over
    blocks, 0 … 1): near 1 when either is the other with detail lost or noise added, lower when each has detail of its own.
    sharper: log2 of the first picture's fine energy over the second's, after their coarser detail was brought to one scale (median
    over blocks). overlap: share of the coarser frame.
    """

    coarse: float
    fine: float
    fine_middle: float
    fine_low: float
    explained: float
    sharper: float
    overlap: float


def compare(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Detail | None:
    """Detail of (h, w) uint8 images, `matrix` (2, 3) taking the first to the second; None when they hardly overlap."""
    pair = overlay(first, second, matrix)
    if pair is None:
        return None
    a, b, mask = pair
    one, two = _blurs([a, b], mask)
    bands = [((one[i] - one[j]) * mask, (two[i] - two[j]) * mask) for i, j in ((0, 1), (1, 2), (0, 2))]
    inside = mask > 0
    fine, middle = _blocks(*bands[0], mask), _blocks(*bands[1], mask)
    coarse, whole, overlap = _whole(*bands[2], inside), _whole(*bands[0], inside), float(mask.mean())
    if not fine.used.any():
        return Detail(coarse, whole, whole, whole, max(whole, 0.0), 0.0, overlap)
    tilt = (fine.ratio / np.maximum(middle.ratio, 1e-3)).clip(1e-3, 1e3)
    explained = (fine.correlation * np.maximum(tilt, 1 / tilt)).clip(0, 1)[fine.used]
    low, median = np.percentile(fine.correlation[fine.used], [10, 50])
    sharper = 2.0 * float(np.median(np.log2(tilt[fine.used])))
    return Detail(coarse, whole, float(median), float(low), float(np.median(explained)), -sharper if scale_of(matrix) > 1 else sharper, overlap)


def overlay(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[np.float64]) -> tuple[Image, Image, Image] | None:
    """Both pictures in the frame of the coarser one and the mask (0/1) where both are there, all (h, w) float32."""
    import cv2

    scale = scale_of(matrix)
    if scale > 1:
        first, second, matrix, scale = second, first, cv2.invertAffineTransform(matrix), 1 / scale
    height, width = second.shape
    moving = first.astype(np.float32)
    if scale < 0.9:
        moving = cv2.GaussianBlur(moving, (0, 0), 0.5 * np.sqrt(1 / scale**2 - 1))
    moved = cv2.warpAffine(moving, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(np.ones_like(moving), matrix, (width, height), flags=cv2.INTER_NEAREST)
    mask = cv2.erode(mask, np.ones((5, 5)), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if mask.sum() < MINIMUM:
        return None
    return moved, second.astype(np.float32), mask


def scale_of(matrix: NDArray[np.float64]) -> float:
    """Pixels of the second picture per pixel of the first."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Per block of a band: correlation of the two pictures, ratio of their spreads, and whether there is anything to compare."""

    correlation: Image
    ratio: Image
    used: NDArray[np.bool_]


def _blurs(images: list[Image], mask: Image) -> list[list[Image]]:
    """Each picture at sigma 1, 2 and 6, unaffected by what lies outside the mask."""
    import cv2

    weights = [np.maximum(cv2.GaussianBlur(mask, (0, 0), s), 1e-3) for s in SIGMAS]
    return [[cv2.GaussianBlur(image * mask, (0, 0), s) / w for s, w in zip(SIGMAS, weights)] for image in images]


def _blocks(a: Image, b: Image, mask: Image) -> _Blocks:
    import cv2

    longest = max(a.shape)
    grid = tuple(max(1, round(BLOCKS * side / longest)) if longest > BLOCKS * SMALLEST else max(1, side // SMALLEST) for side in a.shape[::-1])

    def means(values: Image) -> Image:
        return np.asarray(cv2.resize(values, grid, interpolation=cv2.INTER_AREA), np.float32)

    count = np.maximum(means(mask), 1e-6)
    mean_a, mean_b = means(a) / count, means(b) / count
    var_a = np.maximum(means(a * a) / count - mean_a**2, 1e-9)
    var_b = np.maximum(means(b * b) / count - mean_b**2, 1e-9)
    correlation = ((means(a * b) / count - mean_a * mean_b) / np.sqrt(var_a * var_b)).clip(-1, 1)
    used = (count > 0.7) & (np.minimum(var_a, var_b) > FLAT)
    return _Blocks(correlation, np.sqrt(var_a / var_b), used if int(used.sum()) >= 4 else np.zeros_like(used))


def _whole(a: Image, b: Image, inside: NDArray[np.bool_]) -> float:
    x, y = a[inside], b[inside]
    x, y = x - x.mean(), y - y.mean()
    return float(np.dot(x, y) / max(float(np.sqrt(np.dot(x, x) * np.dot(y, y))), 1e-6))
