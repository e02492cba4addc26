"""Corruptions with five severities: a picture goes in, the same picture after noise, blur, compression or another tone comes out.

Names, definitions and severities follow MedMNIST-C (Di Salvo et al. 2024), chest X-ray table where METHODS of that paper give
one; motion, zoom and defocus blur are written anew on convolutions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import NotFound

Image = NDArray[np.uint8]
Unit = NDArray[np.float32]
SEVERITIES = (1, 2, 3, 4, 5)


def corrupt(image: Image, name: str, severity: int, *, seed: int) -> Image:
    """(h, w) or (h, w, 3) uint8 in and out, same shape. Raises NotFound for an unknown name, ValueError for a severity outside 1–5."""
    if name not in CORRUPTIONS:
        raise NotFound(f"no corruption named {name!r}", hint=f"one of: {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity} is not one of {SEVERITIES}")
    function, values = CORRUPTIONS[name]
    changed = function(image.astype(np.float32) / 255.0, values[severity - 1], np.random.default_rng(seed))
    return np.asarray(np.rint(changed.clip(0, 1) * 255), np.uint8)


def _gaussian(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return x + rng.normal(0, c, x.shape).astype(np.float32)


def _speckle(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return x + x * rng.normal(0, c, x.shape).astype(np.float32)


def _impulse(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    chance = rng.random(x.shape)
    return np.where(chance < c / 2, 0.0, np.where(chance < c, 1.0, x)).astype(np.float32)


def _shot(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return (rng.poisson(x.clip(0, 1) * c) / c).astype(np.float32)


def _pixelate(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    height, width = x.shape[:2]
    small = cv2.resize(x, (max(1, int(width * c)), max(1, int(height * c))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)


def _jpeg(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    code = cv2.imencode(".jpg", np.asarray(np.rint(x * 255), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(c)])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED), np.float32) / 255.0


def _blur_with(x: Unit, kernel: NDArray[np.float64]) -> Unit:
    import cv2

    return np.asarray(cv2.filter2D(x, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.float32)


def _defocus(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    radius = int(np.ceil(c))
    yy, xx = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    return _blur_with(x, np.clip(c + 0.5 - np.hypot(xx, yy), 0, 1))


def _motion(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    size = int(c) | 1
    line = np.zeros((size, size))
    line[size // 2] = 1.0
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), float(rng.uniform(0, 180)), 1.0)
    return _blur_with(x, np.maximum(cv2.warpAffine(line, turn, (size, size)), 1e-9))


def _zoom(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    height, width = x.shape[:2]
    factors = np.arange(1.0, c + 1e-6, 0.01)
    total = np.zeros_like(x)
    for factor in factors:
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0.0, float(factor))
        total += cv2.warpAffine(x, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(total / len(factors), np.float32)


def _gaussian_blur(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    return np.asarray(cv2.GaussianBlur(x, (0, 0), c), np.float32)


def _brightness(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return x * np.float32(c)


def _contrast(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return (x - x.mean()) * np.float32(c) + x.mean()


def _gamma(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    return np.asarray(x.clip(0, 1) ** c, np.float32)


def _black_corner(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    height, width = x.shape[:2]
    yy, xx = np.mgrid[:height, :width]
    outside = np.hypot((xx - width / 2) / width, (yy - height / 2) / height) > c
    return np.where(outside[..., None] if x.ndim == 3 else outside, 0.0, x).astype(np.float32)


def _characters(x: Unit, c: float, rng: np.random.Generator) -> Unit:
    import cv2

    drawn = np.zeros(x.shape[:2], np.uint8)
    size = min(x.shape[:2]) / 300
    for _ in range(int(c)):
        at = (int(rng.uniform(0, 0.7) * x.shape[1]), int(rng.uniform(0.1, 0.95) * x.shape[0]))
        cv2.putText(drawn, "R" + str(rng.integers(100, 999)), at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, int(2 * size)))
    return np.maximum(x, (drawn / np.float32(255))[..., None] if x.ndim == 3 else drawn / np.float32(255))


CORRUPTIONS: dict[str, tuple[Callable[[Unit, float, np.random.Generator], Unit], tuple[float, ...]]] = {
    "pixelate": (_pixelate, (0.3, 0.25, 0.2, 0.15, 0.1)),
    "jpeg": (_jpeg, (50, 30, 15, 10, 7)),
    "gaussian-noise": (_gaussian, (0.04, 0.08, 0.12, 0.18, 0.26)),
    "speckle-noise": (_speckle, (0.05, 0.15, 0.2, 0.35, 0.45)),
    "impulse-noise": (_impulse, (0.01, 0.03, 0.06, 0.09, 0.17)),
    "shot-noise": (_shot, (60, 25, 18, 10, 5)),
    "defocus-blur": (_defocus, (1, 2, 3, 4, 6)),
    "motion-blur": (_motion, (3, 5, 7, 9, 13)),
    "zoom-blur": (_zoom, (1.02, 1.04, 1.06, 1.1, 1.15)),
    "gaussian-blur": (_gaussian_blur, (0.5, 1, 1.5, 2, 3)),
    "brightness-up": (_brightness, (1.1, 1.2, 1.3, 1.4, 1.5)),
    "brightness-down": (_brightness, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "contrast-up": (_contrast, (1.1, 1.2, 1.3, 1.5, 1.6)),
    "contrast-down": (_contrast, (0.9, 0.8, 0.7, 0.5, 0.4)),
    "gamma-up": (_gamma, (1.1, 1.2, 1.3, 1.5, 1.6)),
    "gamma-down": (_gamma, (0.9, 0.8, 0.7, 0.5, 0.4)),
    "black-corner": (_black_corner, (0.65, 0.6, 0.55, 0.5, 0.45)),
    "characters": (_characters, (1, 2, 4, 6, 10)),
}
