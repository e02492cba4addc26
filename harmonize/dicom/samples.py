"""The files of one series in, its samples out: which files make which sample, in geometric order, and what the table says of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.header import read_header
from isocenter.harmonize.dicom.series import VolumePlan, group_series

SAMPLE_KINDS = ("volume", "picture", "sm", "rtdose", "image")


@dataclass(frozen=True, slots=True)
class SeriesSample:
    """One sample of a series. files: in geometric order, first time point first. columns: cells of the sample table that it knows."""

    key: str
    files: tuple[Path, ...]
    columns: dict[str, Any]
    issues: tuple[str, ...]


def series_samples(files: Iterable[Path]) -> list[SeriesSample]:
    """Samples of the files of one or more series, sorted by key. Segmentations, structures and reports are no samples.

    Files that are not in any sample are copies of files that are, or of another kind; unreadable ones are left out.
    """
    headers = []
    for path in files:
        try:
            headers.append(read_header(path))
        except Unreadable:
            continue
    return [_sample(plan) for plan in group_series(headers) if plan.kind in SAMPLE_KINDS]


def _sample(plan: VolumePlan) -> SeriesSample:
    issues = list(plan.issues)
    if plan.declined:
        issues.append(f"series_geometry: {plan.declined}")
    return SeriesSample(plan.key, plan.files, _columns(plan), tuple(issues))


def _columns(plan: VolumePlan) -> dict[str, Any]:
    """Shape, spacing and orientation of the volume that the plan promises; nothing where it promises none."""
    if plan.grid is None or not plan.frames:
        return {}
    first = plan.frames[0]
    shape = [first.columns, first.rows, len(plan.grid.slices)] + ([plan.times] if plan.times > 1 else [])
    spacing = [round(float(length), 6) for length in np.linalg.norm(plan.grid.affine[:3, :3], axis=0)]
    if plan.times > 1:
        spacing.append((plan.header.number("RepetitionTime") or 0.0) / 1000)
    return {"shape": shape, "spacing_mm": spacing, "orientation": "".join(nib.aff2axcodes(plan.grid.affine)), "frames": len(plan.frames)}
