"""What a user asks of geometry (a preset's name, or a spacing and an orientation) in, the preset that does it out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from isocenter.core.errors import BadInput, UsageError
from isocenter.harmonize.geometry.grid import Grid
from isocenter.harmonize.geometry.preset import Preset, load_preset

OWN = "isocenter"
"""The preset whose interpolation and mask rule a spacing or orientation without a preset gets."""
FINEST_MM, COARSEST_MM = 0.001, 100.0
"""A micrometre to ten centimetres: beyond lie slips of the unit, not geometries."""


def choose(preset: str | None = None, spacing_mm: Sequence[float] | None = None, orientation: str | None = None) -> Preset | None:
    """The geometry that was asked for; None when nothing was.

    spacing_mm: one number for all axes, or one per axis of the orientation asked for. Raises UsageError for a preset together
    with a spacing or orientation, BadInput for numbers or letters that cannot be, NotFound for an unknown preset.
    """
    if preset is not None:
        if spacing_mm or orientation:
            raise UsageError("a preset says spacing and orientation itself", hint="the preset alone, or spacing and orientation")
        return load_preset(preset)
    if not spacing_mm and orientation is None:
        return None
    axcodes = (orientation or "RAS").upper()
    spacing = tuple(float(value) for value in spacing_mm or ()) * (3 if len(spacing_mm or ()) == 1 else 1)
    if spacing and (len(spacing) != 3 or not all(math.isfinite(value) and FINEST_MM <= value <= COARSEST_MM for value in spacing)):
        raise BadInput(f"spacing must be one or three numbers of millimetres from {FINEST_MM:g} to {COARSEST_MM:g}, not {', '.join(f'{value:g}' for value in spacing_mm or ())}", hint="1, or 1,1,3")
    Grid((1, 1, 1), [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]).reoriented(axcodes)  # type: ignore[arg-type]
    name = "-".join([axcodes, "x".join(f"{value:g}" for value in spacing)]).strip("-")
    return replace(load_preset(OWN), name=name, title="as asked", orientation=axcodes, spacing_mm=(spacing[0], spacing[1], spacing[2]) if spacing else None)
