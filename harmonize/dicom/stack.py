"""The DICOM files of one sample in, its stored samples as one array out: by the volume's geometry, else slice upon slice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.content import slide_picture
from isocenter.harmonize.dicom.header import Header, read_header
from isocenter.harmonize.dicom.kinds import kind_of
from isocenter.harmonize.dicom.pixels import Samples, stored_samples
from isocenter.harmonize.dicom.series import VolumePlan, group_series
from isocenter.harmonize.dicom.volume import Declined, build_volume

SLIDE_SIDE = 2048


def dicom_samples(files: Sequence[Path], volume: str | None = None) -> tuple[Samples, str]:
    """(array, axes) of one sample, `MONOCHROME1` pictures turned so that more is brighter, nothing rescaled.

    Axes: `yx`, `yxc` one picture; `tyx`, `tyxc` a clip; `yxz`, `yxzt` a volume by the positions of its frames, also out of a
    mosaic or an enhanced file, `yxcz` one of colours. A series that makes no even volume is stacked as it lies (`yxz`, `yxcz`):
    good to look at, not to measure. A slide is the picture of its level, thinned to at most SLIDE_SIDE pixels a side.
    volume: which of several volumes the files hold, by its key. Raises Unreadable.
    """
    headers = [read_header(path) for path in files]
    if kind_of(headers[0]) == "sm":
        slide = slide_picture(files[0], SLIDE_SIDE)
        return slide, "yxc"[: slide.ndim]
    if len(headers) == 1 and not _holds_volume(headers[0]):
        return _picture(headers[0])
    plan = _plan(headers, volume)
    if plan is None or plan.grid is None:
        return _picture(headers[0]) if len(headers) == 1 else _as_they_lie(files)
    made = build_volume(plan)
    if isinstance(made, Declined):
        raise Unreadable(made.reason, where=str(files[0]))
    array = made.array.swapaxes(0, 1)
    if array.dtype.names:
        return np.stack([array[name] for name in array.dtype.names], axis=2), "yxczt"[: array.ndim + 1]
    return array, "yxzt"[: array.ndim]


def _holds_volume(header: Header) -> bool:
    """Whether one file alone can be a volume: a mosaic, a grid, an enhanced multi-frame object."""
    return "MOSAIC" in (header.text("ImageType") or "") or header.get("UIHGridCount") is not None or (
        (header.number("NumberOfFrames") or 1) > 1 and header.text("Modality") in ("MR", "CT", "PT"))


def _plan(headers: list[Header], volume: str | None) -> VolumePlan | None:
    plans = [plan for plan in group_series(headers) if plan.frames]
    if len(plans) < 2:
        return plans[0] if plans else None
    named = [plan for plan in plans if plan.key == volume]
    if not named:
        raise Unreadable(f"these files hold {len(plans)} volumes: {', '.join(plan.key.rpartition('.')[2] for plan in plans)}", where=str(headers[0].path))
    return named[0]


def _picture(header: Header) -> tuple[Samples, str]:
    samples = stored_samples(header.path, as_picture=True)
    if len(samples) > 1 or (header.number("NumberOfFrames") or 1) > 1:
        return samples, "tyxc" if samples.ndim == 4 else "tyx"
    return samples[0], "yxc" if samples.ndim == 4 else "yx"


def _as_they_lie(files: Sequence[Path]) -> tuple[Samples, str]:
    planes = [stored_samples(path, as_picture=True) for path in files]
    if len({plane.shape for plane in planes}) > 1 or any(len(plane) > 1 for plane in planes):
        raise Unreadable("the slices of this series differ in shape", where=str(files[0]))
    stacked = np.stack([plane[0] for plane in planes], axis=-1)
    return stacked, "yxcz" if stacked.ndim == 4 else "yxz"
