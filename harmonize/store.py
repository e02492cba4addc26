"""One series or volume file in, NIfTI files in the store out, with a mark beside them so that a second run finds them done."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.core.files import draft, fingerprint, write_json
from isocenter.harmonize.dicom.convert import convert_series
from isocenter.harmonize.dicom.dcm2niix import program
from isocenter.harmonize.dicom.fallback import translated
from isocenter.harmonize.dicom.written import GZIP_LEVEL
from isocenter.harmonize.image import reader_for

MARKS = ".done"
VOLUMES = ("nifti", "nrrd", "metaimage", "minc")
"""Formats of volume files."""
KEPT = ("sm",)
"""DICOM kinds that stay as published: slides are read by tiles."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one volume. path: the written file; None with the reason in `declined`, or with none if it stays as published.

    spacing_mm: in mm, of a time axis in seconds.
    """

    key: str
    path: Path | None
    declined: str | None = None
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    orientation: str = ""
    dtype: str = ""
    issues: tuple[str, ...] = ()


def is_done(folder: Path, mark: str) -> bool:
    """Whether an earlier run left the mark of this work."""
    return _mark_path(folder, mark).exists()


def _mark_path(folder: Path, mark: str) -> Path:
    return folder / MARKS / f"{fingerprint([mark, version('isocenter'), program() is not None])}.json"


def store_series(files: Sequence[Path], folder: Path, mark: str) -> list[Stored]:
    """The volumes of one DICOM series in `folder`. `mark` names the work: files and their hashes.

    Raises Unreadable when the headers of the series cannot be put together at all.
    """
    def make() -> list[Stored]:
        with translated(files[0]):
            return [Stored(one.key, one.stored, None if one.plan.kind in KEPT else one.declined, one.shape, one.spacing_mm, one.orientation, one.dtype, one.issues)
                    for one in convert_series(files, folder)]

    return _once(make, folder, mark)


def store_volume(file: Path, folder: Path, key: str, mark: str, format_: str = "nifti") -> list[Stored]:
    """A volume file (see VOLUMES) as NIfTI in canonical orientation, its stored values, slope and spacing untouched."""
    def make() -> list[Stored]:
        try:
            return [_canonical(file, folder / f"{_without_suffix(key)}.nii.gz", key, format_)]
        except Unreadable as error:
            return [Stored(key, None, error.what)]

    return _once(make, folder, mark)


def _once(make: Any, folder: Path, mark: str) -> list[Stored]:
    """Make, and leave a mark; or believe the mark of an earlier run if its files are still there."""
    path = _mark_path(folder, mark)
    if path.exists():
        known = [_revived(body, folder) for body in json.loads(path.read_text(encoding="utf-8"))]
        if all(one.path is None or one.path.exists() for one in known):
            return known
    results: list[Stored] = make()
    write_json(path, [asdict(one) | {"path": str(one.path.relative_to(folder)) if one.path else None} for one in results])
    return results


def _revived(body: dict[str, Any], folder: Path) -> Stored:
    body |= {name: tuple(body[name]) for name in ("shape", "spacing_mm", "issues")}
    return Stored(**{**body, "path": folder / body["path"] if body["path"] else None})


def _opened(file: Path, format_: str) -> tuple[nib.Nifti1Image, NDArray[Any]]:
    """The file as an image in nibabel's form, and its stored values. Raises Unreadable."""
    if format_ != "nifti":
        array, affine = reader_for(format_).volume(file)
        return nib.Nifti1Image(array, affine), array
    try:
        image = nib.load(file)
        return image, np.asarray(image.dataobj.get_unscaled())
    except Exception as error:
        raise Unreadable(f"cannot be decoded: {' '.join(str(error).split())[:200]}", where=str(file)) from error


def _canonical(file: Path, target: Path, key: str, format_: str) -> Stored:
    image, array = _opened(file, format_)
    if array.ndim < 3:
        raise Unreadable(f"an image of {array.ndim} dimensions has no orientation in space", where=str(file))
    turn = nib.io_orientation(image.affine)
    if np.isnan(turn).any():
        raise Unreadable("the affine leaves an axis without direction", where=str(file))
    affine = image.affine @ nib.orientations.inv_ornt_aff(turn, array.shape[:3])
    slope, intercept = (image.dataobj.slope, image.dataobj.inter) if format_ == "nifti" else (1.0, 0.0)
    turned = nib.Nifti1Image(nib.apply_orientation(array, turn), affine, image.header)
    turned.header.set_slope_inter(slope, intercept)
    turned.header.set_dim_info()
    for name in ("slice_code", "slice_start", "slice_end"):
        turned.header[name] = 0
    with draft(target) as temporary:
        temporary.write_bytes(gzip.compress(turned.to_bytes(), compresslevel=GZIP_LEVEL, mtime=0))
    spacing = tuple(float(zoom) for zoom in turned.header.get_zooms())
    return Stored(key, target, None, tuple(turned.shape), spacing, "".join(nib.aff2axcodes(affine)), str(turned.get_data_dtype()))


def _without_suffix(key: str) -> str:
    return key.removesuffix(".gz").removesuffix(".nii")
