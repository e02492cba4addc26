"""What several exporters need of a volume: its NIfTI file, and its masks painted into one label array on the same grid."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import MEMBER, Item
from isocenter.curate.export_target import Target
from isocenter.harmonize.mask_terms import TermMasks

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


def paint(masks: TermMasks, terms: Sequence[str], shape: tuple[int, ...]) -> tuple[NDArray[np.uint16], int, int]:
    """Label array (term n is n + 1, *ignore* is one more than the last), number of ignored voxels, number of overpainted ones.

    Larger structures are painted first. What is outside all structures is background only where every term is annotated: elsewhere it may be
    one of the missing ones and is ignored. Raises Unreadable when a mask has another shape.
    """
    label = np.zeros(shape, np.uint16)
    overpainted = 0
    for term, mask in sorted(masks.masks.items(), key=lambda found: (-int(found[1].sum()), found[0])):
        if mask.shape != tuple(shape):
            raise Unreadable(f"the mask of {term} has shape {mask.shape}, its image {tuple(shape)}")
        overpainted += int(((label > 0) & mask).sum())
        label[mask] = terms.index(term) + 1
    ignored = 0
    if set(terms) - masks.annotated:
        ignored = int((label == 0).sum())
        label[label == 0] = len(terms) + 1
    return label, ignored, overpainted


def write_label(item: Item, image: Path, terms: Sequence[str], out: Target, name: str) -> str:
    """The painted label of a sample on the grid of its image; ignored and overpainted voxels go into the ledger."""
    def make(draft: Path) -> None:
        source = nib.load(image)
        masks = item.masks()
        label, ignored, overpainted = paint(masks, terms, source.shape[:3])
        save_nifti(nib.Nifti1Image(label.astype(np.uint8 if len(terms) < 254 else np.uint16), source.affine), draft)
        if ignored:
            out.note(item, "ignored", f"outside the annotated structures; not annotated: {_listed(sorted(set(terms) - masks.annotated))}", ignored, "voxel")
        if overpainted:
            out.note(item, "changed", "structures overlap: the smaller one was painted over the larger", overpainted, "voxel")

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


def _listed(terms: list[str]) -> str:
    return ", ".join(terms[:5]) + (f" and {len(terms) - 5} more" if len(terms) > 5 else "")
