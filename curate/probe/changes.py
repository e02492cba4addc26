"""Changes that people make to pictures when they re-publish them, with five severities: crops, turns, windows, labels, borders.

Unlike the corruptions of `corruptions` these move pixels or redraw the tone curve; together they make the planted copies from
which the line between one picture and two is learnt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import NotFound
from isocenter.curate.probe.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from isocenter.embeddings.local_features import VARIANTS, Variant

Image = NDArray[np.uint8]


def change(image: Image, name: str, severity: int, *, seed: int) -> Image:
    """A changed copy of an (h, w) uint8 picture; its shape may differ. Any corruption's name is taken too."""
    if name in CORRUPTIONS:
        return corrupt(image, name, severity, seed=seed)
    if name not in CHANGES:
        raise NotFound(f"no change named {name!r}", hint=f"one of: {', '.join([*CHANGES, *CORRUPTIONS])}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity} is not one of {SEVERITIES}")
    function, values = CHANGES[name]
    return np.ascontiguousarray(function(image, values[severity - 1], np.random.default_rng(seed)))


def by_hand(image: Image, rng: np.random.Generator, *, strength: float = 1.0) -> tuple[Image, Variant]:
    """A copy of an (h, w) uint8 picture with several changes at once, as a person preparing figures or a merged collection makes them,
    and whether it is mirrored or inverted.

    At strength 1: turned by up to 10°, 0–25 % cropped per axis, re-windowed, resized to 45–100 %, JPEG 35–90, sometimes
    labelled, framed, mirrored or inverted.
    """
    seed = int(rng.integers(2**31))
    if rng.random() < 0.5:
        image = _rotate(image, rng.uniform(-10, 10) * strength, rng)
    if rng.random() < 0.7:
        image = _crop(image, rng.uniform(0.03, 0.25) * strength, rng)
    tone = rng.choice(["none", "clahe", "gamma-up", "gamma-down", "window", "contrast-down"])
    if tone != "none":
        image = change(image, str(tone), int(rng.integers(1, 4)), seed=seed)
    if rng.random() < 0.6:
        image = _resize(image, 1 - rng.uniform(0, 0.55) * strength, rng)
    if rng.random() < 0.25:
        image = change(image, "characters", 1, seed=seed)
    if rng.random() < 0.15:
        image = _border(image, rng.uniform(0.02, 0.08), rng)
    image = _jpeg(image, rng.uniform(35, 90))
    mirror, invert = rng.random() < 0.15, rng.random() < 0.1
    image = image[:, ::-1] if mirror else image
    return np.ascontiguousarray(255 - image if invert else image), VARIANTS[int(mirror) + 2 * int(invert)]


def _crop(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Cut `share` of each side's length, split at random between its two ends."""
    height, width = image.shape
    top, left = int(rng.uniform(0, share) * height), int(rng.uniform(0, share) * width)
    return image[top:top + max(8, int(height * (1 - share))), left:left + max(8, int(width * (1 - share)))]


def _rotate(image: Image, degrees: float, rng: np.random.Generator) -> Image:
    import cv2

    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(degrees), 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _resize(image: Image, factor: float, rng: np.random.Generator) -> Image:
    import cv2

    size = max(16, int(image.shape[1] * factor)), max(16, int(image.shape[0] * factor))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _stretch(image: Image, factor: float, rng: np.random.Generator) -> Image:
    """Another aspect ratio: the width alone changes."""
    import cv2

    return np.asarray(cv2.resize(image, (max(16, int(image.shape[1] * factor)), image.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _clahe(image: Image, clip: float, rng: np.random.Generator) -> Image:
    import cv2

    return np.asarray(cv2.createCLAHE(clip, (8, 8)).apply(np.ascontiguousarray(image)), np.uint8)


def _window(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Clip `share` of the grey values at either end and stretch the rest."""
    low, high = np.percentile(image, [100 * share, 100 * (1 - share)])
    return np.asarray(((image - low) * 255.0 / max(high - low, 1.0)).clip(0, 255), np.uint8)


def _border(image: Image, share: float, rng: np.random.Generator) -> Image:
    wide = max(2, int(share * max(image.shape)))
    return np.pad(image, wide, constant_values=int(rng.choice([0, 255])))


def _jpeg(image: Image, quality: float) -> Image:
    import cv2

    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1], 0), np.uint8)


CHANGES: dict[str, tuple[Callable[[Image, float, np.random.Generator], Image], tuple[float, ...]]] = {
    "crop": (_crop, (0.05, 0.1, 0.15, 0.25, 0.4)),
    "rotate": (_rotate, (2, 5, 10, 20, 45)),
    "resize": (_resize, (0.75, 0.5, 0.4, 0.3, 0.2)),
    "stretch": (_stretch, (0.95, 0.9, 0.85, 0.8, 0.7)),
    "clahe": (_clahe, (1.5, 2, 3, 4, 8)),
    "window": (_window, (0.02, 0.05, 0.1, 0.15, 0.25)),
    "border": (_border, (0.02, 0.05, 0.1, 0.15, 0.25)),
    "mirror": (lambda image, value, rng: image[:, ::-1], (1, 1, 1, 1, 1)),
    "quarter-turn": (lambda image, value, rng: np.rot90(image), (1, 1, 1, 1, 1)),
    "invert": (lambda image, value, rng: 255 - image, (1, 1, 1, 1, 1)),
}
