"""What a derivation sees: a mask, its grid and its terms in, one region per term with its voxels, cut out once, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.harmonize.geometry import Grid
from isocenter.harmonize.remap import as_integers, label_counts, remap


@dataclass(frozen=True)
class Region:
    """The voxels of one term. `mask` is boolean and cut to `corner`, the lowest index of its box in the whole array."""

    term: str
    values: tuple[int, ...]
    mask: NDArray[np.bool_]
    corner: tuple[int, ...]

    @cached_property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> list[int]:
        """Lowest index, then highest plus one, along each axis."""
        return [*self.corner, *(low + n for low, n in zip(self.corner, self.mask.shape))]

    @cached_property
    def centroid(self) -> NDArray[np.float64]:
        """Mean index of the voxels in the whole array."""
        return np.array([values.mean() for values in np.nonzero(self.mask)]) + self.corner


@dataclass(frozen=True)
class MaskView:
    """One sample's mask.

    mask: (x, y) or (x, y, z), integer, 0 is background. terms: value -> its terms; a term of several values is their union;
    values without terms are skipped. affine: 4 x 4 to RAS mm, or None where the dataset does not say (then nothing in mm is
    derived). oriented: whether the affine's directions are real, so that left and right of the patient may be named.
    """

    sample_id: str
    mask: NDArray[Any]
    terms: Mapping[int, str | Sequence[str]]
    affine: NDArray[np.float64] | None = None
    oriented: bool = True
    uri: str | None = None
    label_map: str | None = None
    modality: str | None = None
    body_part: str | None = None

    @property
    def grid(self) -> Grid | None:
        return None if self.affine is None else Grid((*self.mask.shape, 1)[:3], self.affine)

    @property
    def flat(self) -> bool:
        return self.mask.ndim == 2

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """One per term that has voxels, in the order of the lowest value that names the term."""
        mask = as_integers(self.mask)
        present = [value for value in label_counts(mask) if value != 0 and value in self.terms]
        codes = remap(mask, {value: code for code, value in enumerate(present, start=1)}, unlisted=0)
        boxes = ndimage.find_objects(codes) if present else []
        members: dict[str, list[int]] = {}
        for code, value in enumerate(present, start=1):
            named = self.terms[value]
            for term in [named] if isinstance(named, str) else named:
                members.setdefault(term, []).append(code)
        return tuple(self._region(term, codes, boxes, which, present) for term, which in members.items())

    def _region(self, term: str, codes: NDArray[Any], boxes: Sequence[Any], which: list[int], present: list[int]) -> Region:
        sides = [[boxes[code - 1][axis] for code in which] for axis in range(codes.ndim)]
        box = tuple(slice(min(s.start for s in side), max(s.stop for s in side)) for side in sides)
        cut = codes[box]
        mask = cut == which[0] if len(which) == 1 else np.isin(cut, which)
        return Region(term, tuple(present[code - 1] for code in which), mask, tuple(side.start for side in box))


@dataclass(frozen=True)
class Derived:
    """What a derivation gives: an annotation kind, JSON-able content, and the region it speaks about (None: the whole sample)."""

    kind: Literal["box", "point", "text"]
    geometry: Mapping[str, Any]
    region: Region | None = None


def rounded(value: float, digits: int = 3) -> float:
    """Numbers in the annotation table carry three decimals: a micrometre, a microlitre."""
    return round(float(value), digits)


def parts(region: Region) -> list[Region]:
    """Connected components, largest first; corners and edges connect (8 neighbours in 2-D, 26 in 3-D)."""
    labelled, n = ndimage.label(region.mask, structure=np.ones((3,) * region.mask.ndim))
    if n <= 1:
        return [region] if n else []
    found = [
        Region(region.term, region.values, labelled[box] == k, tuple(low + side.start for low, side in zip(region.corner, box)))
        for k, box in enumerate(ndimage.find_objects(labelled), start=1)
    ]
    return sorted(found, key=lambda part: (-part.voxels, part.corner))
