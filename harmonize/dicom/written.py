"""A volume in, its NIfTI file out, in canonical orientation; nothing in its header but what the volume says."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.core.files import draft
from isocenter.harmonize.dicom.naming import file_name
from isocenter.harmonize.dicom.series import VolumePlan
from isocenter.harmonize.dicom.verify import Canonical
from isocenter.harmonize.dicom.volume import Volume

GZIP_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one volume. stored: the written NIfTI (canonical orientation), or None with the reason in `declined`.

    key: the plan's, or the plan's with a part added where dcm2niix keeps apart what the plan holds together.
    shape, spacing_mm, orientation and dtype describe the stored file. method: `checked` (two conversions agree), `own`.
    """

    key: str
    plan: VolumePlan
    stored: Path | None
    declined: str | None = None
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    orientation: str = ""
    dtype: str = ""
    method: str = ""
    issues: tuple[str, ...] = ()


def write_volume(key: str, plan: VolumePlan, volume: Canonical, header: nib.Nifti1Header | None, out_folder: Path, method: str) -> Converted:
    array, (slope, intercept) = (volume.array, volume.scales[0]) if volume.one_scale else (volume.physical(), (1.0, 0.0))
    array = array[..., 0] if array.shape[3] == 1 else array
    image = nib.Nifti1Image(_nifti_form(array), volume.affine, header)
    image.header.set_data_dtype(image.dataobj.dtype)
    _forget(image.header)
    image.set_sform(volume.affine, 1)
    image.set_qform(volume.affine, 1)
    image.header.set_xyzt_units("mm", "sec")
    if header is None and array.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], (plan.header.number("RepetitionTime") or 0.0) / 1000))
    image.header.set_slope_inter(slope, intercept)
    return _saved(key, plan, image, out_folder, method, "".join(nib.aff2axcodes(volume.affine)))


def _forget(header: nib.Nifti1Header) -> None:
    """Fields that another order of axes makes wrong, and free text that dcm2niix fills with acquisition times and comments."""
    for name in ("dim_info", "slice_code", "slice_start", "slice_end", "slice_duration"):
        header[name] = 0
    for name in ("descrip", "aux_file", "intent_name", "db_name"):
        header[name] = b""


def write_picture(plan: VolumePlan, volume: Volume, out_folder: Path) -> Converted:
    """A picture has no place in the patient: sform and qform codes stay 0, only the spacing is said."""
    image = nib.Nifti1Image(_nifti_form(volume.array), None)
    spacing = plan.frames[0].spacing_mm or plan.header.numbers("ImagerPixelSpacing", 2)
    if spacing and min(spacing) > 0:
        image.header.set_zooms((spacing[1], spacing[0], *image.header.get_zooms()[2:]))
    image.header.set_slope_inter(*volume.scales[0])
    return _saved(plan.key, plan, image, out_folder, "own", "")


def _saved(key: str, plan: VolumePlan, image: nib.Nifti1Image, out_folder: Path, method: str, orientation: str) -> Converted:
    path = out_folder / f"{file_name(key)}.nii.gz"
    with draft(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=GZIP_LEVEL, mtime=0))
    zooms = tuple(float(zoom) for zoom in image.header.get_zooms())
    return Converted(key, plan, path, None, tuple(image.shape), zooms, orientation, str(image.get_data_dtype()), method, plan.issues)


def _nifti_form(array: np.ndarray) -> np.ndarray:
    """The same values in a type that NIfTI readers know: booleans as bytes."""
    return array.astype(np.uint8) if array.dtype == bool else array
