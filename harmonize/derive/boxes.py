"""One box per term: index coordinates, half-open, lowest corner first; and the size in mm where the spacing is known."""

from __future__ import annotations

from collections.abc import Iterator

from isocenter.harmonize.derive._view import Derived, MaskView, Region, rounded

version = "1"


def derive(view: MaskView) -> Iterator[Derived]:
    for region in view.regions:
        yield Derived("box", box_of(view, region), region)


def box_of(view: MaskView, region: Region) -> dict[str, list[int] | list[float]]:
    """{box: [x0, y0(, z0), x1, y1(, z1)], size_mm: [..]}; size_mm only with a spacing."""
    found: dict[str, list[int] | list[float]] = {"box": region.box}
    if view.grid is not None:
        found["size_mm"] = [rounded(n * step) for n, step in zip(region.mask.shape, view.grid.spacing_mm)]
    return found
