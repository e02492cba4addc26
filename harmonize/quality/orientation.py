"""Orientation flags that are missing, contradict each other or cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import ImageMeta, ImageView

looks_at = "image"
codes = ("wrong_orientation",)
SHEAR = 0.02
"""Cosine between two array axes (1.1 degrees) above which the grid is called sheared."""


def check(view: ImageView) -> Iterator[Finding]:
    meta = view.meta
    if not meta.spatial or len(view.shape) < 3 or meta.affine is None:
        return
    directions = meta.affine[:3, :3]
    lengths = np.linalg.norm(directions, axis=0)
    if not np.isfinite(directions).all() or (lengths == 0).any() or abs(np.linalg.det(directions / np.where(lengths == 0, 1, lengths))) < 1e-3:
        yield Finding("wrong_orientation", "error", "the affine cannot be inverted")
        return
    unit = directions / lengths
    worst = max(abs(float(unit[:, a] @ unit[:, b])) for a, b in ((0, 1), (0, 2), (1, 2)))
    if worst > SHEAR:
        yield Finding("wrong_orientation", "note", f"array axes are {np.degrees(np.arccos(worst)):.1f} degrees apart instead of 90 (gantry tilt?)")
    yield from _two_forms(meta)


def _two_forms(meta: ImageMeta) -> Iterator[Finding]:
    if meta.qform is None or meta.sform is None:
        return
    codes_of = ["".join(nib.aff2axcodes(affine)) for affine in (meta.qform, meta.sform)]
    if codes_of[0] != codes_of[1]:
        yield Finding("wrong_orientation", "error", f"qform says {codes_of[0]}, sform says {codes_of[1]}")
    elif np.abs(meta.qform - meta.sform).max() > 0.5:
        yield Finding("wrong_orientation", "note", f"qform and sform differ by up to {np.abs(meta.qform - meta.sform).max():.3g} mm")
