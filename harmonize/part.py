"""Parts: pieces of samples, such as patches of volumes; bounds in index coordinates go in, ids come out, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SELECTOR = re.compile(r"#(\d+:\d+(?:,\d+:\d+)*)$")


@dataclass(frozen=True, slots=True)
class Part:
    """A box of a sample's array, half-open, one `start:stop` an axis in the order of the sample table's `shape` (x, y, z)."""

    parent_id: str
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def part_id(self) -> str:
        """`<sample_id>#10:30,0:20,5:25`."""
        return f"{self.parent_id}#" + ",".join(f"{low}:{high}" for low, high in zip(self.start, self.stop))

    @property
    def slices(self) -> tuple[slice, ...]:
        return tuple(slice(low, high) for low, high in zip(self.start, self.stop))

    def overlaps(self, other: Part) -> bool:
        """Whether both show a voxel of one sample."""
        return self.parent_id == other.parent_id and all(a < d and c < b for a, b, c, d in zip(self.start, self.stop, other.start, other.stop))


def parse_part(sample_id: str) -> Part | None:
    """The part that an id names; None for the id of a whole sample."""
    found = SELECTOR.search(sample_id)
    if found is None:
        return None
    bounds = [span.split(":") for span in found[1].split(",")]
    return Part(sample_id[:found.start()], tuple(int(low) for low, _ in bounds), tuple(int(high) for _, high in bounds))


def part_grid(parent_id: str, shape: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> list[Part]:
    """Boxes of one size at every stride from the first voxel, and at the far end, so that every voxel is in one; larger sizes shrink to the shape."""
    sides = [min(length, whole) for length, whole in zip(size, shape)]
    corners: list[tuple[int, ...]] = [()]
    for side, whole, step in zip(sides, shape, stride):
        places = [*range(0, whole - side, step), whole - side]
        corners = [(*corner, place) for corner in corners for place in places]
    return [Part(parent_id, corner, tuple(low + side for low, side in zip(corner, sides))) for corner in corners]
