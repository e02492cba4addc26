"""Images without content: constant, nearly empty, two-valued, clipped at the top, or holding NaN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import ImageView

looks_at = "image"
codes = ("constant_image", "nearly_empty_image", "binary_image", "non_finite_values", "clipped_intensity")
EMPTY = 0.995
CLIPPED_SHARE = 0.01
PILED_UP = 10.0
NEIGHBOURS = 8


def check(view: ImageView) -> Iterator[Finding]:
    lost = 1 - view.finite.size / max(view.sampled.size, 1)
    if lost > 0:
        yield Finding("non_finite_values", "warning", f"{lost:.1%} of the values are NaN or infinite")
    values, counts = view.values
    if len(values) <= 1:
        yield Finding("constant_image", "error", f"every voxel is {values[0]:g}" if len(values) else "no finite value")
        return
    share = counts.max() / counts.sum()
    if share > EMPTY:
        yield Finding("nearly_empty_image", "warning", f"{share:.2%} of the voxels are {values[counts.argmax()]:g}")
    elif len(values) == 2:
        yield Finding("binary_image", "warning", f"only the values {values[0]:g} and {values[1]:g} occur; is this a mask?")
    else:
        yield from _clipped(view)


def _clipped(view: ImageView) -> Iterator[Finding]:
    """A spike at the highest value: at least 1 % of the voxels, ten times the values just below, and not the background."""
    values, counts = view.values
    share = counts[-1] / counts.sum()
    if len(values) < 16 or not CLIPPED_SHARE <= share <= 0.5 or counts[-1] < PILED_UP * counts[-1 - NEIGHBOURS : -1].mean():
        return
    if _border_share(view, values[-1]) < max(2 * share, 0.25):
        yield Finding("clipped_intensity", "note", f"{share:.1%} of the voxels are at the highest value, {values[-1]:g}")


def _border_share(view: ImageView, value: float) -> float:
    """Share of the outermost voxels in the first two axes that have this value."""
    grey = view.array.mean(axis=-1) if view.meta.channels > 1 else view.array
    border = np.concatenate([grey[0].ravel(), grey[-1].ravel(), grey[:, 0].ravel(), grey[:, -1].ravel()])
    return float((border == value).mean())
