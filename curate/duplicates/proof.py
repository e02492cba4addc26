"""Prove a pair: two prepared pictures and a hypothesis go in, the evidence of their best alignment comes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Evidence
from isocenter.curate.duplicates.prepare import Prepared
from isocenter.embeddings.local_features import Variant, as_variant
from isocenter.embeddings.local_features_detail import compare
from isocenter.embeddings.local_features_match import Alignment, Matrix, align, compose, match, support

FIRST_LOOK = 400                  # strongest points tried before all are matched
PROMISING = 5                     # inliers of the first look that justify the rest
HOPELESS = 0.02                   # share of points below which a handful of them is chance
TRUSTED = 12                      # inliers from which the points alone carry the alignment
REGISTERED = 160                  # longest side in pixels at which frames are registered without points


def prove(a: Prepared, b: Prepared, variant: Variant, turn: int | None) -> Evidence | None:
    """Evidence for a (changed by `variant`) and b; None when nothing aligns them.

    Points are tried first; where they carry little (small or smooth pictures) and a net said how the frames lie on each
    other (`turn` quarter turns after the variant), the frames are registered as wholes.
    """
    shown = 255 - a.image if "invert" in variant else a.image
    found = _by_points(a, b, variant)
    if found and (found.inliers < PROMISING or (found.fine < PROMISING and found.share < HOPELESS)):
        found = None
    best = _evidence(found, variant, shown, b.image) if found else None
    if turn is not None and (found is None or found.inliers < TRUSTED):
        whole = _by_frames(a, b, shown, variant, turn)
        other = _evidence(whole, variant, shown, b.image) if whole else None
        if other and (best is None or other.coarse > best.coarse):
            best = other
    return best


def _by_points(a: Prepared, b: Prepared, variant: Variant) -> Alignment | None:
    descriptors = as_variant(a.points.descriptors, variant)
    sizes, mirror = _sizes(a, b), "mirror" in variant
    pairs = match(descriptors[:FIRST_LOOK], b.points.descriptors[:FIRST_LOOK])
    found = align(a.points, b.points, pairs, sizes, mirror=mirror)
    if found is None or found.inliers < PROMISING or max(len(a.points), len(b.points)) <= FIRST_LOOK:
        return found
    pairs = match(descriptors, b.points.descriptors)
    return align(a.points, b.points, pairs, sizes, mirror=mirror) or found


def _by_frames(a: Prepared, b: Prepared, shown: NDArray[np.uint8], variant: Variant, turn: int) -> Alignment | None:
    """The whole frame of a on the whole frame of b, then an affine registration of both (Evangelidis & Psarakis 2008, ECC)."""
    matrix = _frame_on_frame(shown.shape, b.image.shape, "mirror" in variant, turn)
    matrix = _register(shown, b.image, matrix)
    pairs = match(as_variant(a.points.descriptors[:FIRST_LOOK], variant), b.points.descriptors[:FIRST_LOOK])
    return support(matrix, a.points, b.points, pairs, _sizes(a, b))


def _frame_on_frame(first: tuple[int, ...], second: tuple[int, ...], mirror: bool, turn: int) -> Matrix:
    """Pixel (x, y) of the first to the second: mirrored left-right, turned `turn` times as `numpy.rot90` does, stretched."""
    (h, w), (height, width) = first[:2], second[:2]
    matrix = np.array([[-1.0 if mirror else 1.0, 0, w - 1.0 if mirror else 0], [0, 1, 0]])
    for _ in range(turn % 4):
        matrix = compose(np.array([[0, 1.0, 0], [-1.0, 0, w - 1.0]]), matrix)
        h, w = w, h
    sx, sy = width / w, height / h
    return compose(np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]]), matrix)


def _register(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Matrix) -> Matrix:
    import cv2

    step = min(1.0, REGISTERED / max(second.shape))
    shrink = np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2]])
    target = cv2.resize(second, None, fx=step, fy=step, interpolation=cv2.INTER_AREA) if step < 1 else second
    start = compose(shrink, matrix)
    scale = float(np.sqrt(abs(np.linalg.det(start[:, :2]))))
    moving = cv2.GaussianBlur(first, (0, 0), 0.5 / scale) if scale < 0.9 else first
    moved = cv2.warpAffine(moving, start, (target.shape[1], target.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    correction = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
    try:
        _, correction = cv2.findTransformECC(target, moved, correction, cv2.MOTION_AFFINE, criteria, None, 5)
    except cv2.error:
        return matrix
    back = cv2.invertAffineTransform(correction.astype(np.float64))
    return compose(np.array([[1 / step, 0, (1 / step - 1) / 2], [0, 1 / step, (1 / step - 1) / 2]]), compose(back, start))


def _evidence(found: Alignment, variant: Variant, shown: NDArray[np.uint8], other: NDArray[np.uint8]) -> Evidence | None:
    detail = compare(shown, other, found.matrix)
    if detail is None:
        return None
    return Evidence(variant, tuple(float(v) for v in found.matrix.reshape(-1)), found.inliers, found.fine, found.share, found.residual,
                    found.scale, detail.coarse, detail.fine, detail.fine_middle, detail.fine_low, detail.explained,
                    detail.sharper, detail.overlap)


def _sizes(a: Prepared, b: Prepared) -> tuple[tuple[int, int], tuple[int, int]]:
    return (a.image.shape[0], a.image.shape[1]), (b.image.shape[0], b.image.shape[1])
