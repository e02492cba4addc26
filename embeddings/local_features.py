"""Local features of one picture: a grayscale image goes in, SIFT points with RootSIFT descriptors come out.

Mirrored and inverted descriptors are made from the upright ones by reordering their bins, so that a flipped or inverted
copy is found without describing the image again; quarter turns need nothing, SIFT points carry their own orientation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Variant = Literal["same", "mirror", "invert", "mirror-invert"]
VARIANTS: tuple[Variant, ...] = ("same", "mirror", "invert", "mirror-invert")
LONGEST = 640
PERCENTILES = (0.5, 99.5)          # grey values of a picture shown as black and white
LIMIT = 1200
DETECTED = 1500                    # strongest points looked at before coarse ones are put first
COARSE = 0.008                     # diameter over the longest side from which a point is also seen in a much smaller copy
CLAHE_CLIP, CLAHE_TILES = 3.0, 8
CONTRAST = 0.02


@dataclass(frozen=True, slots=True)
class Points:
    """SIFT points of one picture: those that a much smaller copy has too come first, each part strongest first.

    xy: (n, 2) float32, pixels of the picture that was described. scale: (n,) float32, diameter in those pixels.
    descriptors: (n, 128) uint8, RootSIFT times 512 (a unit vector in steps of 1/512).
    """

    xy: NDArray[np.float32]
    scale: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.xy)

    def head(self, count: int) -> Points:
        return Points(self.xy[:count], self.scale[:count], self.descriptors[:count])


def grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, w) uint8 of a 2D or colour picture: luma, stretched between two percentiles, longest side at most 640 px."""
    import cv2

    plane = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) if pixels.ndim == 3 else pixels
    plane = plane.astype(np.float32)
    if pixels.dtype.kind == "f":
        plane = np.nan_to_num(plane, posinf=0.0, neginf=0.0)
    factor = LONGEST / max(plane.shape)
    if factor < 1:
        plane = cv2.resize(plane, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    low, high = np.percentile(plane, PERCENTILES)
    if high - low < 1e-6:
        low, high = float(plane.min()), float(plane.max())
    return np.asarray(((plane - low) * (255.0 / max(high - low, 1e-6))).clip(0, 255), np.uint8)


def describe(image: NDArray[np.uint8], limit: int = LIMIT) -> Points:
    """At most `limit` points of a (h, w) uint8 image.

    Source: Lowe 2004 (SIFT); Arandjelović & Zisserman 2012 (RootSIFT); contrast-limited equalisation first, so that a
    window or gamma change moves few points.
    """
    import cv2

    flat = cv2.createCLAHE(CLAHE_CLIP, (CLAHE_TILES, CLAHE_TILES)).apply(np.ascontiguousarray(image))
    found, raw = _sift().detectAndCompute(flat, None)
    if raw is None or not len(found):
        return Points(np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.zeros((0, 128), np.uint8))
    strength = np.array([point.response for point in found])
    size = np.array([point.size for point in found], np.float32)
    order = np.lexsort((-strength, size < COARSE * max(image.shape)))[:limit]
    xy = np.array([found[i].pt for i in order], np.float32)
    return Points(xy, size[order], root_sift(raw[order]))


def root_sift(raw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Hellinger form of SIFT descriptors: L1-normalised, square-rooted, in steps of 1/512 (255 at most)."""
    unit = np.sqrt(raw / np.maximum(raw.sum(1, keepdims=True), 1e-9))
    return np.minimum(np.rint(unit * 512), 255).astype(np.uint8)


def as_variant(descriptors: NDArray[np.uint8], variant: Variant) -> NDArray[np.uint8]:
    """The descriptors (n, 128) that the mirrored and/or inverted picture would have at the same points."""
    return descriptors[:, _order(variant)]


@cache
def _order(variant: Variant) -> NDArray[np.int64]:
    """Where each of the 4 x 4 x 8 bins comes from. A mirror reverses the rows of the point's own frame and the turning
    sense of gradients; an inversion turns the point's frame by half a turn and leaves gradients as they were in it."""
    bins = np.arange(128).reshape(4, 4, 8)
    if "mirror" in variant:
        bins = bins[::-1][:, :, (-np.arange(8)) % 8]
    if "invert" in variant:
        bins = bins[::-1, ::-1]
    return bins.reshape(-1)


@cache
def _sift() -> Any:
    import cv2

    cv2.setNumThreads(1)
    return cv2.SIFT.create(nfeatures=DETECTED, contrastThreshold=CONTRAST, enable_precise_upscale=True)
