"""Spacing that is missing, zero, or impossible for what the modality can resolve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import ImageView

looks_at = "image"
codes = ("spacing_missing", "spacing_absurd")
FINEST_MM, COARSEST_MM = 1e-4, 50.0
LONGEST_MM = 2500.0
"""A tenth of a micrometre (slides) to 5 cm; nothing imaged is longer than a person with the table."""
UNSCALED = frozenset({"US", "IVUS", "SC", "OT", "ES", "XC", "OP", "GM", "DOC", "ECG"})
"""Modalities whose pictures ordinarily carry no pixel spacing."""


def check(view: ImageView) -> Iterator[Finding]:
    spacing = view.meta.spacing_mm
    if not view.meta.spatial:
        return
    if spacing is None or not len(spacing):
        if view.meta.modality not in UNSCALED:
            yield Finding("spacing_missing", "note", "the header gives no spacing")
        return
    shown = " x ".join(f"{step:g}" for step in spacing[:3])
    if not np.isfinite(spacing[:3]).all() or min(spacing[:3]) <= 0:
        yield Finding("spacing_missing", "warning", f"spacing {shown} mm is not positive")
    elif min(spacing[:3]) < FINEST_MM or max(spacing[:3]) > COARSEST_MM:
        yield Finding("spacing_absurd", "warning", f"spacing {shown} mm lies outside {FINEST_MM:g} to {COARSEST_MM:g} mm")
    else:
        length = max(n * step for n, step in zip(view.shape, spacing[:3]))
        if length > LONGEST_MM:
            yield Finding("spacing_absurd", "warning", f"spacing {shown} mm makes the image {length / 1000:.1f} m long")
