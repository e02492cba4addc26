"""What several exporters need of a volume: its NIfTI file, and its label on the same grid."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import MEMBER, Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._labels import Paint, painted

NIFTI = (".nii", ".nii.gz")
TOLERANCE = 0.5
"""Largest distance between corners of image and mask, in voxels; headers written by different programs round differently."""


def volume_only(item: Item) -> str | None:
    """Why a sample has no NIfTI file; None when it has one."""
    if item.part is not None:
        return "is a part of a sample (try --to parquet)"
    if item.row["format"] == "nifti" or item.stored is not None:
        return None
    if item.row["format"] == "dicom":
        return f"is DICOM and not harmonized (isocenter harmonize {item.row['dataset']})"
    return f"is no volume ({item.row['format']})"


def volume_of(item: Item) -> Path:
    """The NIfTI file on whose grid the masks lie: as published, else as harmonized. Raises Unreadable when the masks fit neither."""
    published = [item.files[0][0]] if item.row["format"] == "nifti" else []
    candidates = [*published, *([item.stored] if item.stored else [])]
    masks = [path for path in item.mask_files() if path.name.endswith(NIFTI) and MEMBER not in path.name]
    if not masks:
        return candidates[0]
    grids = [_grid(path) for path in masks]
    found = next((path for path in candidates if all(_same(_grid(path), grid) for grid in grids)), None)
    if found is None:
        raise Unreadable(f"the mask {masks[0].name} lies on another grid than its image: {grids[0][0]} and {_grid(candidates[0])[0]}", where=str(masks[0]))
    return found


def write_label(item: Item, image: Path, paint: Paint, out: Target, name: str) -> str:
    """The painted label of a sample on the grid of its image."""
    def make(draft: Path) -> None:
        source = nib.load(image)
        save_nifti(nib.Nifti1Image(painted(item, paint, source.shape[:3], out, "voxel"), source.affine), draft)

    return out.write(name, make)


def write_volume(source: Path, out: Target, name: str) -> str:
    """A NIfTI file as `.nii.gz`, byte for byte where it is one."""
    if source.name.endswith(".gz"):
        return out.copy(source, name)

    def make(draft: Path) -> None:
        with source.open("rb") as plain, draft.open("wb") as stream, gzip.GzipFile("", "wb", mtime=0, fileobj=stream) as packed:
            shutil.copyfileobj(plain, packed)

    return out.write(name, make)


def save_nifti(image: nib.Nifti1Image, draft: Path) -> None:
    """Write compressed, the same bytes every time."""
    draft.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _grid(path: Path) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    try:
        image = nib.load(path)
        return tuple(image.shape[:3]), np.asarray(image.affine, np.float64)
    except Exception as error:                                     # nibabel's many ways to say that a file is broken
        raise Unreadable(f"cannot be read as NIfTI: {' '.join(str(error).split())[:120]}", where=str(path)) from error


def _same(one: tuple[tuple[int, ...], NDArray[np.float64]], other: tuple[tuple[int, ...], NDArray[np.float64]]) -> bool:
    """Equal shapes, and every corner within half a voxel of its counterpart."""
    if one[0] != other[0] or len(one[0]) < 3:
        return one[0] == other[0]
    corners = np.array(np.meshgrid(*[(0, side - 1) for side in one[0]], indexing="ij")).reshape(3, -1)
    apart = (one[1] - other[1])[:3, :3] @ corners + (one[1] - other[1])[:3, 3:]
    smallest = float(np.sqrt((one[1][:3, :3] ** 2).sum(0)).min())
    return bool(np.sqrt((apart**2).sum(0)).max() <= TOLERANCE * smallest)
