"""What rules look at: an array with what its header says goes in; statistics that several rules share, counted once, come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.harmonize.remap import as_integers, label_counts, remap

SAMPLED = 1 << 20
"""Statistics of large volumes are taken on about this many voxels, evenly spread."""


@dataclass(frozen=True, slots=True)
class ImageMeta:
    """What a header says. None: it does not say. `spatial`: the format can carry a spacing (DICOM, NIfTI; not PNG or JPEG)."""

    modality: str | None = None
    spacing_mm: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None
    qform: NDArray[np.float64] | None = None
    sform: NDArray[np.float64] | None = None
    spatial: bool = True
    channels: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageView:
    """An image and shared statistics of it."""

    array: NDArray[Any]
    meta: ImageMeta

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial and time axes, without colours."""
        return self.array.shape[:-1] if self.meta.channels > 1 else self.array.shape

    @cached_property
    def sampled(self) -> NDArray[Any]:
        """About a million values, evenly strided over the whole image; colours as their mean."""
        flat = self.array.reshape(-1, self.meta.channels) if self.meta.channels > 1 else self.array.ravel(order="K")
        taken = flat[:: len(flat) // SAMPLED | 1]
        return colours_mean(taken) if taken.ndim == 2 else taken

    @cached_property
    def finite(self) -> NDArray[Any]:
        return self.sampled[np.isfinite(self.sampled)] if self.sampled.dtype.kind == "f" else self.sampled

    @cached_property
    def values(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Distinct sampled values, rising, and how often each occurs."""
        if self.finite.dtype.kind in "iu":
            tally = label_counts(self.finite)
            return np.array(list(tally)), np.array(list(tally.values()), dtype=np.int64)
        found, counts = np.unique(self.finite, return_counts=True)
        return found, counts.astype(np.int64)

    @cached_property
    def plane(self) -> NDArray[np.float32]:
        """One picture to look at, in 0..1: the image itself, or the brightest value along the shortest further axis."""
        grey = colours_mean(self.array) if self.meta.channels > 1 else self.array
        while grey.ndim > 2:
            grey = grey.max(axis=-1)
        grey = np.nan_to_num(grey.astype(np.float32)) if self.array.dtype.kind == "f" else grey.astype(np.float32)
        low, high = float(grey.min()), float(grey.max())
        return ((grey - low) / max(high - low, 1e-9)).astype(np.float32)


def colours_mean(array: NDArray[Any]) -> NDArray[np.float64]:
    """The mean over the last axis, plane by plane: ten times as fast as numpy's over so short an axis."""
    total = array[..., 0].astype(np.float64)
    for colour in range(1, array.shape[-1]):
        total += array[..., colour]
    return total / array.shape[-1]


@dataclass(frozen=True)
class MaskSet:
    """One binary array per class, and what is known about the image they belong to.

    overlapping: the classes came as arrays of their own, in whole; from a label array each is cut to its box.
    """

    classes: Mapping[str, NDArray[np.bool_]]
    foreground: NDArray[np.bool_]
    shapes: tuple[tuple[int, ...], ...]
    overlapping: bool
    image: ImageMeta | None
    image_shape: tuple[int, ...] | None
    meta: ImageMeta | None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.foreground.shape

    @classmethod
    def of(cls, mask: Any, image: ImageMeta | None, image_shape: tuple[int, ...] | None, meta: ImageMeta | None) -> MaskSet:
        if isinstance(mask, Mapping):
            classes = {name: array != 0 for name, array in mask.items()}
            shapes = tuple(sorted({array.shape for array in classes.values()}))
            marked = np.zeros(shapes[0] if shapes else (0,), dtype=np.bool_)
            for array in classes.values():
                if array.shape == marked.shape:
                    marked |= array
            return cls(classes, marked, shapes, True, image, image_shape, meta)
        whole = as_integers(mask)
        present = [value for value in label_counts(whole) if value != 0]
        codes = remap(whole, {value: code for code, value in enumerate(present, start=1)}, unlisted=0)
        boxes = ndimage.find_objects(codes) if present else []
        cut = {str(value): codes[box] == code for code, (value, box) in enumerate(zip(present, boxes), start=1)}
        return cls(cut, codes != 0, (whole.shape,), False, image, image_shape, meta)
