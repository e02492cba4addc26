"""Geometry: arrays and affines go in; canonical orientation, another spacing and the way back come out."""

from __future__ import annotations

from isocenter.harmonize.geometry.grid import Grid
from isocenter.harmonize.geometry.preset import Preset, load_preset, preset_names, standardise
from isocenter.harmonize.geometry.resample import resample, resample_onto, to_canonical

__all__ = ["Grid", "Preset", "load_preset", "preset_names", "resample", "resample_onto", "standardise", "to_canonical"]
