"""SEG and RTSTRUCT files of a dataset in, mask files on the grid of the stored images out, one per segment or region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.core.files import draft
from isocenter.harmonize.dicom.header import read_header
from isocenter.harmonize.dicom.kinds import kind_of
from isocenter.harmonize.dicom.naming import file_name
from isocenter.harmonize.dicom.segmentation import Segmentation, read_segmentation, segment_mask
from isocenter.harmonize.dicom.structures import Structures, read_structures, structure_mask


@dataclass(frozen=True, slots=True)
class Target:
    """An image that masks may be drawn on: its sample and its stored NIfTI (None: nothing is stored, as of slides)."""

    sample_id: str
    stored: Path | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One mask file. raw: the published name of the segment or region; code: its (value, scheme, meaning) if it has one."""

    sample_id: str
    raw: str
    path: Path
    machine_made: bool
    voxels: int
    code: tuple[str, str, str] | None = None
    issues: tuple[str, ...] = ()


def draw_masks(path: Path, targets: Mapping[str, Sequence[Target]], out_folder: Path) -> list[Drawn]:
    """Write the masks of one SEG or RTSTRUCT file. targets: series UID → images of that series.

    Raises Unreadable when the file is broken, names no series that is there, or lies on none of its images' grids.
    """
    header = read_header(path)
    stem = file_name(header.text("SOPInstanceUID") or path.stem)
    if kind_of(header) == "seg":
        segmentation = read_segmentation(path)
        target = _target(segmentation.referenced_series, targets, path)
        return _segments(segmentation, target, out_folder, stem)
    structures = read_structures(path)
    target = _target(structures.referenced_series, targets, path)
    return _structures(structures, target, out_folder, stem, path)


def _target(series: str | None, targets: Mapping[str, Sequence[Target]], path: Path) -> Target:
    if series is None:
        raise Unreadable("names no series that it was drawn on", where=str(path))
    found = targets.get(series)
    if not found:
        raise Unreadable(f"was drawn on series {series}, which is not in this dataset", where=str(path))
    return next((target for target in found if target.stored is not None), found[0])


def _segments(segmentation: Segmentation, target: Target, out_folder: Path, stem: str) -> list[Drawn]:
    image = None if target.stored is None else nib.load(target.stored)
    placed = image is not None and int(image.header["sform_code"]) > 0
    drawn = []
    for segment in segmentation.segments:
        if segmentation.form == "LABELMAP" and segment.number == 0:
            continue
        on_image = (image.affine, image.shape[:3]) if placed and image is not None else (None, None)
        mask, affine = segment_mask(segmentation, segment, *on_image)
        path = _save(mask, affine, out_folder / f"{stem}.{segment.number}.nii.gz")
        drawn.append(Drawn(target.sample_id, segment.label, path, segment.machine_made, int((mask > 0).sum()), segment.code))
    return drawn


def _structures(structures: Structures, target: Target, out_folder: Path, stem: str, path: Path) -> list[Drawn]:
    if target.stored is None:
        raise Unreadable("was drawn on an image that is not stored, so there is no grid to put it on", where=str(path))
    image = nib.load(target.stored)
    shape = (int(image.shape[0]), int(image.shape[1]), int(image.shape[2]))
    drawn = []
    for structure in structures.structures:
        if structure.contours:
            mask, remarks = structure_mask(structure, image.affine, shape)
            saved = _save(mask, image.affine, out_folder / f"{stem}.{structure.number}.nii.gz")
            drawn.append(Drawn(target.sample_id, structure.name, saved, False, int(mask.sum()), None, remarks))
    return drawn


def _save(mask: NDArray[Any], affine: NDArray[np.float64] | None, path: Path) -> Path:
    image = nib.Nifti1Image(mask, affine)
    if affine is not None:
        image.set_sform(affine, 1)
        image.set_qform(affine, 1)
    with draft(path) as temporary:
        temporary.write_bytes(_gzipped(image))
    return path


def _gzipped(image: nib.Nifti1Image) -> bytes:
    import gzip

    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)
