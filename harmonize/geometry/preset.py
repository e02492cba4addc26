"""Named standardisations of the literature: a preset's name in, its orientation, spacing and mask rule (one TOML file each) out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.near_names import advice
from isocenter.harmonize.geometry.grid import Affine, Grid
from isocenter.harmonize.geometry.resample import Kind, MaskRule, resample_onto, to_canonical

HOME = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Preset:
    """How one corpus brought its images into one geometry, with the place where that was read.

    spacing_mm: None keeps the spacing; `median` needs `median_spacing` of the dataset. orders: image interpolation.
    anisotropic_order: order along the thickest axis when it is more than `anisotropy` times the others (None: no such rule).
    intensity: what the corpus did to values; exporters read it, geometry does not touch values.
    """

    name: str
    title: str
    evidence: str
    orientation: str | None = None
    orientation_of: Mapping[str, str] = field(default_factory=dict)
    spacing_mm: tuple[float, float, float] | None = None
    spacing_rule: str = "fixed"
    image_order: int = 1
    antialias: bool = False
    align: str = "first-voxel"
    mask_rule: MaskRule = "nearest"
    anisotropic_order: int | None = None
    anisotropy: float = 3.0
    intensity: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    def orientation_for(self, dataset: str | None = None) -> str | None:
        """The corpus's orientation, or the exception it made for that dataset."""
        return self.orientation_of.get(dataset or "", self.orientation)

    def told(self) -> dict[str, Any]:
        """Name, orientation and spacing as a lock or a header says them; what it leaves as it is, is left out."""
        spacing = "median of the dataset" if self.spacing_rule == "median" else list(self.spacing_mm or ())
        return {"name": self.name} | ({"orientation": self.orientation} if self.orientation else {}) | ({"spacing_mm": spacing} if spacing else {})


def preset_names() -> list[str]:
    """All presets, sorted."""
    return sorted(path.stem for path in HOME.glob("*.toml"))


def load_preset(name: str) -> Preset:
    """Raises NotFound with a suggestion when there is no preset of that name."""
    path = HOME / f"{name}.toml"
    if not path.exists():
        raise NotFound(f"no geometry preset named {name!r}", hint=advice(name, preset_names()))
    body = tomllib.loads(path.read_text(encoding="utf-8"))
    if "spacing_mm" in body:
        body["spacing_mm"] = tuple(float(value) for value in body["spacing_mm"])
    try:
        return Preset(name=name, **body)
    except TypeError as error:
        raise BadInput(f"preset {name!r}: {error}", where=str(path)) from error


def standardise(
    array: NDArray[Any], affine: Affine, preset: Preset, *, kind: Kind = "image", dataset: str | None = None,
    spacing_mm: Sequence[float] | None = None,
) -> tuple[NDArray[Any], Affine, Grid]:
    """Bring one image or mask into the preset's geometry; returns (array, affine, inverse grid).

    spacing_mm: the dataset's target, needed by presets of rule `median` (see `median_spacing`).
    """
    source = Grid((*array.shape, 1)[:3], affine)
    axcodes = preset.orientation_for(dataset)
    turned, affine, _ = to_canonical(array, affine, axcodes or source.axcodes)
    wanted = preset.spacing_mm if preset.spacing_rule == "fixed" else spacing_mm
    if preset.spacing_rule != "fixed" and wanted is None:
        raise BadInput(f"preset {preset.name} takes its spacing from the dataset", hint="pass spacing_mm=median_spacing(spacings, shapes)")
    here = Grid(turned.shape[:3], affine)
    if wanted is None:
        return turned, affine, source
    target = here.with_spacing(wanted, align=preset.align)
    orders = _orders(preset, here.spacing_mm, target.spacing_mm)
    result = resample_onto(turned, affine, target, kind=kind, order=orders, antialias=preset.antialias, mask_rule=preset.mask_rule, outside=None)
    return result, target.affine, source


def median_spacing(spacings_mm: Sequence[Sequence[float]], shapes: Sequence[Sequence[int]], anisotropy: float = 3.0) -> tuple[float, float, float]:
    """The spacing nnU-Net plans for a dataset: the median per axis, finer along a very thick axis.

    If the thickest median axis is more than `anisotropy` times thicker than the others and has `anisotropy` times fewer
    voxels, its 10th percentile is taken, but never less than the others. spacings_mm, shapes: one row per volume, axes alike.
    Source: nnU-Net, default_experiment_planner.py, determine_fullres_target_spacing.
    """
    spacings = np.asarray(spacings_mm, dtype=np.float64)
    target, size = np.median(spacings, axis=0), np.median(np.asarray(shapes, dtype=np.float64), axis=0)
    worst = int(np.argmax(target))
    others = [axis for axis in range(3) if axis != worst]
    coarsest = max(target[others])
    if target[worst] > anisotropy * coarsest and size[worst] * anisotropy < min(size[others]):
        target[worst] = max(np.percentile(spacings[:, worst], 10), coarsest + 1e-5)
    return float(target[0]), float(target[1]), float(target[2])


def _orders(preset: Preset, old: Sequence[float], new: Sequence[float]) -> tuple[int, int, int]:
    orders = [preset.image_order] * 3
    if preset.anisotropic_order is not None:
        for spacing in (old, new):
            thick = [value == max(spacing) for value in spacing]
            if max(spacing) / min(spacing) > preset.anisotropy and sum(thick) == 1:
                orders[thick.index(True)] = preset.anisotropic_order
                break
    return orders[0], orders[1], orders[2]
