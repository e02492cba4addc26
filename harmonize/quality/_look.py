"""What the rules say of one sample: its row and decoded pixels, its mask files or its header alone go in, findings come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from isocenter.core.errors import IsocenterError
from isocenter.harmonize.image import recognize
from isocenter.harmonize.mask_file import open_mask
from isocenter.harmonize.quality import RULES, Finding, ImageMeta, check_image, check_mask, unreadable
from isocenter.harmonize.quality._views import ImageView
from isocenter.harmonize.quality.spacing import check as check_spacing

SPATIAL = ("dicom", "nifti", "nrrd", "metaimage", "minc")
"""Formats whose header can say a spacing."""
PIXEL_CODES = frozenset(code for name in RULES.names() if (rule := RULES.get(name)).looks_at == "image" for code in rule.codes) - {
    "spacing_missing", "spacing_absurd", "wrong_orientation"}
"""Codes that only decoded pixels can show."""
Row = dict[str, Any]


def header_findings(row: Row) -> Iterable[Finding]:
    """What the row of a sample shows without its pixels: a spacing that is missing or cannot be."""
    if row.get("format") not in SPATIAL or not row.get("shape") or row.get("error"):
        return []
    meta = ImageMeta(modality=row["modality"], spacing_mm=tuple(row["spacing_mm"] or ()) or None)
    return list(check_spacing(ImageView(np.broadcast_to(np.uint8(0), row["shape"]), meta)))


def pixel_findings(array: NDArray[Any], axes: str | None, row: Row) -> tuple[list[Finding], tuple[int, ...]]:
    """What the image rules find, and the shape (x, y[, z]) that masks are compared with. axes: see `decode_sample`."""
    turned, channels = _in_index_order(array, axes or _axes(array, row))
    shape = turned.shape[:-1] if channels > 1 else turned.shape
    return check_image(turned, ImageMeta(modality=row["modality"], spatial=False, channels=channels)), shape


def mask_findings(path: Path, geometry: str | None, image: Path | None, row: Row, shape: tuple[int, ...]) -> tuple[list[Finding], NDArray[np.bool_] | None]:
    """What the mask rules find in one mask file, and the mask itself where it marks one thing only.

    image: the file that it lies on, where both say where they lie (NIfTI). shape: of the image, (x, y[, z]).
    """
    try:
        format_ = recognize(path)
        if format_ is None:
            return [], None
        mask = open_mask(path, format_, geometry)
        mask = mask if format_ in SPATIAL else (mask[..., 0] if mask.ndim == 3 and mask.shape[-1] in (3, 4) else mask).T
        meta = ImageMeta(modality=row["modality"], affine=_affine(image), spatial=False)
        found = check_mask(mask, meta, shape[: mask.ndim] if mask.ndim < len(shape) else shape, ImageMeta(affine=_affine(path), spatial=False))
        return found, mask != 0 if mask.max() == mask[mask != 0].min(initial=mask.max()) else None
    except IsocenterError as error:
        return [unreadable(error.what)], None


def nested_findings(masks: Mapping[str, NDArray[np.bool_]]) -> list[Finding]:
    """Structures of one sample, a file each: which are the same, or the sum of others."""
    if len(masks) < 2 or len({mask.shape for mask in masks.values()}) > 1:
        return []
    return [finding for finding in check_mask(masks) if finding.code == "mask_nested_class"]


def _affine(path: Path | None) -> NDArray[np.float64] | None:
    try:
        return None if path is None or recognize(path) != "nifti" else np.asarray(nib.load(path).affine, dtype=np.float64)  # type: ignore[attr-defined]
    except (ImageFileError, OSError):
        return None


def _axes(array: NDArray[Any], row: Row) -> str:
    """Of formats other than DICOM: pictures (rows, columns[, colours]), clips, or volumes (x, y, z[, t])."""
    if row["format"] in SPATIAL:
        return "xyzt"[: array.ndim]
    coloured = array.ndim > 2 and array.shape[-1] in (3, 4) and (row["channels"] or 1) > 1
    return {2: "yx", 3: "yxc" if coloured else "tyx", 4: "tyxc"}[array.ndim]


def _in_index_order(array: NDArray[Any], axes: str) -> tuple[NDArray[Any], int]:
    """Pixels as (x, y[, z][, t][, c]) and the number of colours; axes beyond those that have a name are laid along the last."""
    array = array.reshape(*array.shape[: len(axes) - 1], -1) if array.ndim > len(axes) else array
    order = [axes.index(letter) for letter in "xyztc" if letter in axes]
    return array.transpose(order), array.shape[axes.index("c")] if "c" in axes else 1
