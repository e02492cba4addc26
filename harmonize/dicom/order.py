"""The frames of a grid in, their order in time out: which frame of a place is which time point, and whether the headers prove it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from isocenter.harmonize.dicom.frames import Frame
from isocenter.harmonize.dicom.geometry import Grid

MARKS: tuple[Callable[[Frame], float], ...] = (lambda frame: frame.time[0], lambda frame: float(frame.acquisition))
"""What may be one number for all frames of a time point: the temporal position, the acquisition."""


def in_time_order(frames: Sequence[Frame], grid: Grid) -> Grid | str:
    """The frames of each place in time order; a sentence when places hold unequally many, or such as no number tells apart."""
    counts = {len(members) for members in grid.slices}
    if len(counts) > 1:
        return f"places hold {min(counts)} to {max(counts)} frames each: doubled or missing slices"
    if any(len({_moment(frames[index]) for index in members}) < len(members) for members in grid.slices):
        return f"places hold {counts.pop()} frames each that no number tells apart: one acquisition repeated under the same numbers"
    return _ordered(frames, grid, _moment)


def reorderings(frames: Sequence[Frame], grid: Grid) -> Iterator[Grid]:
    """The same grid with its time points in other orders that the headers allow: by acquisition number, by acquisition time."""
    if len(grid.slices[0]) == 1:
        return
    for order in (lambda frame: frame.acquisition, lambda frame: frame.clock):
        other = _ordered(frames, grid, order)
        if other.slices != grid.slices:
            yield other


def is_proven(frames: Sequence[Frame], grid: Grid) -> bool:
    """Whether the headers alone tell which frames make one time point.

    So it is when a time point has a number or a file of its own, or when frames are numbered time by time, or place by place, the
    places in the same order each time; and when its frames have their traits in common.
    """
    times = [[frames[members[t]] for members in grid.slices] for t in range(len(grid.slices[0]))]
    if len(times) == 1:
        return True
    if any(len({frame.traits for frame in members}) > 1 for members in times):
        return False
    return any(_marked(times, mark) for mark in (*MARKS, _file)) or _numbered(times)


def cut_end(frames: Sequence[Frame]) -> set[int]:
    """Indices of the frames of a last time point that holds fewer than the others, which are at least two; none when no number tells."""
    for mark in MARKS:
        groups: dict[float, set[int]] = defaultdict(set)
        for index, frame in enumerate(frames):
            groups[mark(frame)].add(index)
        *complete, last = (groups[number] for number in sorted(groups))
        if len(complete) > 1 and len({len(members) for members in complete}) == 1 and len(last) < len(complete[0]):
            return last
    return set()


def _moment(frame: Frame) -> tuple[object, ...]:
    return (*frame.time, frame.acquisition, frame.clock, *(str(trait) for trait in frame.traits))


def _ordered(frames: Sequence[Frame], grid: Grid, order: Callable[[Frame], Any]) -> Grid:
    return replace(grid, slices=[sorted(members, key=lambda index: (order(frames[index]), _moment(frames[index]))) for members in grid.slices])


def _file(frame: Frame) -> str:
    return str(frame.path)


def _marked(times: list[list[Frame]], mark: Callable[[Frame], object]) -> bool:
    numbers = [{mark(frame) for frame in members} for members in times]
    return all(len(found) == 1 for found in numbers) and len(set.union(*numbers)) == len(times)


def _numbered(times: list[list[Frame]]) -> bool:
    numbers = [[frame.time[1:] for frame in members] for members in times]
    if len({number for members in numbers for number in members}) < len(times) * len(times[0]):
        return False
    places = [sorted(range(len(members)), key=members.__getitem__) for members in numbers]
    by_place = [[members[z] for members in numbers] for z in places[0]]
    return all(order == places[0] for order in places) and (_in_blocks(numbers) or _in_blocks(by_place))


def _in_blocks(numbers: list[list[tuple[float, ...]]]) -> bool:
    return all(max(before) < min(after) for before, after in pairwise(numbers))
