"""One box per connected component of a term, largest first, with its rank, voxels and volume or area."""

from __future__ import annotations

from collections.abc import Iterator

from isocenter.harmonize.derive._view import Derived, MaskView, parts
from isocenter.harmonize.derive.boxes import box_of
from isocenter.harmonize.derive.volumes import extent_of

version = "1"


def derive(view: MaskView) -> Iterator[Derived]:
    for region in view.regions:
        found = parts(region)
        for rank, part in enumerate(found, start=1):
            yield Derived("box", {**box_of(view, part), **extent_of(view, part), "component": rank, "of": len(found)}, part)
