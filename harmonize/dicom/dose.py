"""RTDOSE: a dose grid becomes a volume in the unit that it states, its frames placed by their offsets along the normal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.fallback import read_dataset, translated
from isocenter.harmonize.dicom.geometry import LPS_TO_RAS, OFF_GRID_MM
from isocenter.harmonize.dicom.pixels import Samples, stored_samples
from isocenter.harmonize.dicom.volume import Declined, Volume


def dose_volume(path: Path) -> Volume | Declined:
    """The grid (x, y, z) of stored values; times its slope it is the dose in Gy (or in the file's relative unit, said in issues).

    Offsets as DICOM PS3.3 C.8.8.3.2 defines them: relative to the position, or absolute when the first one is not zero.
    """
    try:
        with translated(path):
            return _volume(read_dataset(path), stored_samples(path, as_picture=False))
    except Unreadable as error:
        return Declined(error.what)


def _volume(dataset: Any, samples: Samples) -> Volume | Declined:
    position, orientation, spacing = (dataset.get(name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    if position is None or orientation is None or spacing is None:
        return Declined("a dose grid without position, orientation or spacing")
    step = _step(dataset, len(samples))
    if isinstance(step, str):
        return Declined(step)
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * float(spacing[1]), column * float(spacing[0])
    affine[:3, 2], affine[:3, 3] = np.cross(row, column) * step, np.array(position, float)
    unit = str(dataset.get("DoseUnits") or "")
    return Volume(np.moveaxis(samples, 0, 2).swapaxes(0, 1), LPS_TO_RAS @ affine, ((float(dataset.get("DoseGridScaling") or 1.0), 0.0),),
                  () if unit == "GY" else (f"dose unit: {unit or 'not told'}",))


def _step(dataset: Any, frames: int) -> float | str:
    if frames == 1:
        return float(dataset.get("SliceThickness") or 1.0)
    offsets = np.array([float(value) for value in dataset.get("GridFrameOffsetVector") or []])
    if len(offsets) != frames:
        return f"{frames} dose frames but {len(offsets)} offsets"
    steps = np.diff(offsets)
    if np.abs(steps - steps.mean()).max() > OFF_GRID_MM or abs(steps.mean()) < 1e-6:
        return f"dose frames are unevenly spaced: {steps.min():.3f} to {steps.max():.3f} mm"
    return float(steps.mean())
