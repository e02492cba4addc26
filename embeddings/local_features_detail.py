"""Compare two aligned pictures in their fine detail: two images and a transform go in, a handful of correlations come out.

Everything is measured in the frame of the coarser picture, so that a small copy is not blamed for detail it cannot hold, and
over the overlap only. Medians over blocks stand beside the whole, because a label burnt into one corner must not decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCKS = 8
MINIMUM = 400                      # overlapping pixels below which nothing is said
FLAT = 0.5                         # variance (grey levels squared) below which a block holds no detail

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detail:
    """Correlations (-1 … 1) of detail between Gaussian sigmas, in pixels of the coarser picture.

    coarse: sigma 1 to 6. fine: 1 to 2. coarse_middle, fine_middle: their medians over blocks; fine_low: the lowest tenth.
    explained: the fine correlation that is left once one picture alone is allowed noise or smoothing of its own (median over
    blocks, 0 … 1): near 1 when either is the other with detail lost or noise added, lower when each has detail of its own.
    overlap: share of the coarser frame. roughness: log2 of fine over coarse energy in the smoother of the two pictures.
    """

    coarse: float
    fine: float
    coarse_middle: float
    fine_middle: float
    fine_low: float
    explained: float
    overlap: float
    roughness: float


def compare(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Detail | None:
    """Detail of (h, w) uint8 images, `matrix` (2, 3) taking the first to the second; None when they hardly overlap."""
    pair = overlay(first, second, matrix)
    if pair is None:
        return None
    a, b, mask = pair
    blurs = [_blurs(image, mask) for image in (a, b)]
    fine, middle, coarse = ([(one[i] - one[j]) * mask for one in blurs] for i, j in ((0, 1), (1, 2), (0, 2)))
    fine_blocks, middle_blocks, coarse_blocks = (_blocks(*band, mask) for band in (fine, middle, coarse))
    tilt = (fine_blocks.ratio / np.maximum(middle_blocks.ratio, 1e-3)).clip(1e-3, 1e3)
    explained = (fine_blocks.correlation * np.maximum(tilt, 1 / tilt)).clip(0, 1)
    inside = mask > 0
    rough = min(float(np.log2((f[inside].var() + 1e-2) / (m[inside].var() + 1e-2))) for f, m in zip(fine, middle))
    whole, low = _whole(*fine, inside), fine_blocks.used
    return Detail(_whole(*coarse, inside), whole, _percentile(coarse_blocks, 50), _percentile(fine_blocks, 50),
                  _percentile(fine_blocks, 10), float(np.median(explained[low])) if low.any() else max(whole, 0.0),
                  float(mask.mean()), rough)


def overlay(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[np.float64]) -> tuple[Image, Image, Image] | None:
    """Both pictures in the frame of the coarser one and the mask (0/1) where both are there, all (h, w) float32."""
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
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


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Per block of a band: correlation of the two pictures, ratio of their spreads, and whether there is anything to compare."""

    correlation: Image
    ratio: Image
    used: NDArray[np.bool_]
    whole: float


def _blurs(image: Image, mask: Image) -> list[Image]:
    """The picture at sigma 1, 2 and 6, unaffected by what lies outside the mask."""
    import cv2

    inside = image * mask
    return [cv2.GaussianBlur(inside, (0, 0), s) / np.maximum(cv2.GaussianBlur(mask, (0, 0), s), 1e-3) for s in (1, 2, 6)]


def _blocks(a: Image, b: Image, mask: Image) -> _Blocks:
    import cv2

    size = max(9, int(max(a.shape) / BLOCKS) | 1)

    def means(values: Image) -> Image:
        return np.asarray(cv2.blur(values, (size, size))[size // 2::size, size // 2::size], np.float32)

    count = np.maximum(means(mask), 1e-6)
    mean_a, mean_b = means(a) / count, means(b) / count
    var_a = np.maximum(means(a * a) / count - mean_a**2, 1e-9)
    var_b = np.maximum(means(b * b) / count - mean_b**2, 1e-9)
    correlation = ((means(a * b) / count - mean_a * mean_b) / np.sqrt(var_a * var_b)).clip(-1, 1)
    used = (count > 0.7) & (np.minimum(var_a, var_b) > FLAT)
    return _Blocks(correlation, np.sqrt(var_a / var_b), used if int(used.sum()) >= 4 else np.zeros_like(used), _whole(a, b, mask > 0))


def _percentile(blocks: _Blocks, percent: float) -> float:
    """Over the blocks that hold detail; over the whole where they are too few."""
    return float(np.percentile(blocks.correlation[blocks.used], percent)) if blocks.used.any() else blocks.whole


def _whole(a: Image, b: Image, inside: NDArray[np.bool_]) -> float:
    x, y = a[inside] - a[inside].mean(), b[inside] - b[inside].mean()
    return float((x * y).sum() / max(float(np.sqrt((x * x).sum() * (y * y).sum())), 1e-6))
