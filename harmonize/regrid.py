"""Stored volumes and their masks in, the same in one geometry out: images interpolated, masks by their own rule, the way back beside them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, Unreadable
from isocenter.core.files import draft, file_hash, fingerprint, write_json
from isocenter.core.progress import track
from isocenter.core.workspace import Workspace
from isocenter.harmonize.geometry.grid import Affine, Grid, axis_steps
from isocenter.harmonize.geometry.preset import Preset, median_spacing, standardise
from isocenter.harmonize.geometry.resample import resample_onto
from isocenter.harmonize.image import recognize
from isocenter.harmonize.mask_file import open_mask
from isocenter.harmonize.remap import as_integers
from isocenter.harmonize.source import Source, annotation_file

GZIP_LEVEL = 3
WAY_BACK = ".inverse.json"
Row = dict[str, Any]


@dataclass(slots=True)
class Regridded:
    """How many masks were brought along, and what could not be: sample or mask file → reason."""

    masks: int = 0
    left: dict[str, str] = field(default_factory=dict)


def regrid(workspace: Workspace, source: Source, rows: Mapping[str, Row], annotations: list[Row], preset: Preset) -> Regridded:
    """Bring every stored volume, and the masks that lie on it, into the preset's geometry; rows and annotations then name the new files.

    Files go to store/<dataset>/<preset>/, each image with `<name>.inverse.json`: the stored volume that it was made from and its
    grid, for `resample_onto`. Values keep their unit: none may leave the range of the volume it came from. Pictures without a
    place are left as they are. A mask on another lattice than its image is left, with the reason.
    """
    result = Regridded()
    folder = workspace.store(source.name) / preset.name
    placed = [row for row in rows.values() if row["stored"] and len(row["shape"]) >= 3 and row["orientation"]]
    target = _median(placed) if preset.spacing_rule == "median" and placed else None
    of_sample: dict[str, list[Row]] = {}
    for mark in annotations:
        if mark["kind"] == "mask" and mark["uri"]:
            of_sample.setdefault(mark["sample_id"], []).append(mark)
    for row in track(placed, f"{preset.name} of {source.name}"):
        stored = workspace.root / row["stored"]
        new = folder / stored.relative_to(workspace.store(source.name))
        try:
            before = _image(stored, new, preset, source.slug, target)
        except (BadInput, Unreadable) as error:
            result.left[row["sample_id"]] = error.what
            continue
        _note(row, new)
        for uri in sorted({mark["uri"] for mark in of_sample.get(row["sample_id"], [])}):
            marks = [mark for mark in of_sample[row["sample_id"]] if mark["uri"] == uri]
            try:
                path = _mask(workspace, source, uri, marks[0]["geometry"], new, before, folder, preset)
            except (BadInput, Unreadable) as error:
                result.left[uri] = error.what
                continue
            result.masks += 1
            for mark in marks:
                mark["geometry"] = json.dumps({"published": uri, "written": mark["geometry"]})
                mark["uri"] = path.relative_to(workspace.root).as_posix()
    return result


def regridded(stored: Path) -> bool:
    """Whether a stored volume lies in a geometry that was asked for: its way back lies beside it."""
    return _way_back(stored).exists()


def restored(mark: Row) -> Row:
    """The annotation as it was before `regrid` named another file for its mask."""
    how = json.loads(mark["geometry"] or "{}")
    return mark | {"uri": how["published"], "geometry": how["written"]} if "published" in how else mark


def _image(stored: Path, new: Path, preset: Preset, dataset: str, spacing_mm: tuple[float, float, float] | None) -> Grid:
    """Write one volume in its new geometry, unless it is there, and return the grid that it had."""
    image = nib.load(stored)
    array = np.asarray(image.dataobj.get_unscaled())
    before = Grid(array.shape[:3], image.affine)  # type: ignore[arg-type]
    beside = _way_back(new)
    made_from = fingerprint([file_hash(stored), asdict(preset), spacing_mm])
    if new.exists() and beside.exists() and json.loads(beside.read_text(encoding="utf-8"))["made_from"] == made_from:
        return before
    if array.dtype.names:
        raise BadInput("a colour volume is not interpolated", where=str(stored))
    turned, affine, _ = standardise(array, image.affine, preset, dataset=dataset, spacing_mm=spacing_mm)
    if turned.min() < array.min() or turned.max() > array.max():
        raise BadInput(f"interpolated values leave the range {array.min()} to {array.max()}", where=str(stored))
    _save(turned, affine, new, image)
    write_json(beside, {"made_from": made_from, "stored": str(PurePosixPath(stored.name)), "grid": before.to_json()})
    return before


def _way_back(new: Path) -> Path:
    return new.with_name(new.name.removesuffix(".nii.gz") + WAY_BACK)


def _mask(workspace: Workspace, source: Source, uri: str, how: str | None, image: Path, before: Grid, folder: Path, preset: Preset) -> Path:
    """A mask on the new grid of its image. Raises BadInput when it does not lie on the lattice that the image had."""
    path = annotation_file(workspace, source, uri)
    if recognize(path) != "nifti":
        raise BadInput("a mask without a place in space is left on the published image", where=uri)
    mask, affine = as_integers(open_mask(path, "nifti", how)), np.asarray(nib.load(path).affine, np.float64)
    while mask.ndim > 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.ndim != 3 or not _same_lattice(Grid(mask.shape, affine), before):
        raise BadInput("the mask does not lie on the voxels of its image", where=uri)
    shown = nib.load(image)
    grid = Grid(shown.shape[:3], shown.affine)  # type: ignore[arg-type]
    target = folder / "masks" / f"{uri.removeprefix(f'store/{source.name}/masks/').removesuffix('.gz').removesuffix('.nii')}.nii.gz"
    _save(resample_onto(mask, affine, grid, kind="mask", mask_rule=preset.mask_rule), grid.affine, target, None)
    return target


def _same_lattice(one: Grid, other: Grid) -> bool:
    steps = axis_steps(one, other)
    return steps is not None and sorted(one.shape) == sorted(other.shape) and all(abs(abs(step.step) - 1) < 0.01 and abs(step.start - round(step.start)) < 0.1 for step in steps)


def _save(array: NDArray[Any], affine: Affine, path: Path, like: nib.Nifti1Image | None) -> None:
    image = nib.Nifti1Image(np.ascontiguousarray(array), affine, None if like is None else like.header)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    if like is not None:
        image.header.set_slope_inter(like.dataobj.slope, like.dataobj.inter)
    with draft(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=GZIP_LEVEL, mtime=0))


def _median(rows: list[Row]) -> tuple[float, float, float]:
    return median_spacing([row["spacing_mm"][:3] for row in rows], [row["shape"][:3] for row in rows])


def _note(row: Row, new: Path) -> None:
    image = nib.load(new)
    row["stored"] = str(new)
    row["shape"], row["spacing_mm"] = list(image.shape), [float(zoom) for zoom in image.header.get_zooms()]
    row["orientation"], row["dtype"] = "".join(nib.aff2axcodes(image.affine)), str(image.get_data_dtype())
