"""The frames of a grid in, their order in time out: which frame of a place is which time point, and whether the headers prove it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from isocenter.harmonize.dicom.frames import Frame
from isocenter.harmonize.dicom.geometry import Grid

Key = Callable[[Frame], tuple[object, ...]]


def _clock(frame: Frame) -> tuple[object, ...]:
    return (frame.clock,)


NUMBERED: tuple[Key, ...] = (lambda frame: frame.time[:1], lambda frame: (frame.acquisition,))
"""The temporal position and the acquisition: each may be one number for all frames of a time point."""
PROVING: tuple[Key, ...] = (
    *NUMBERED,
    lambda frame: (frame.time[0], *frame.dimensions),
    lambda frame: (frame.time[0], *frame.gradient),
    lambda frame: (frame.acquisition, *frame.gradient),
    lambda frame: (frame.trigger_ms,),
    _clock,
)
"""What may number the time points, alone or together."""
KEYS: tuple[Key, ...] = (*PROVING, lambda frame: (frame.time[0], *frame.traits), lambda frame: (frame.acquisition, *frame.traits))
"""What may tell them apart. A direction tells which frames belong together, not which time point comes first."""


def in_time_order(frames: Sequence[Frame], grid: Grid) -> Grid | str:
    """The frames of each place in time order; a sentence when places hold unequally many, or such as no number tells apart."""
    counts = {len(members) for members in grid.slices}
    if len(counts) > 1:
        return f"places hold {min(counts)} to {max(counts)} frames each: doubled or missing slices"
    if counts == {1}:
        return grid
    plain = _ordered(frames, grid, _moment)
    by_position = _ordered(frames, grid, KEYS[0])
    if not _marked(_times(frames, by_position), KEYS[0]) and _numbered(_times(frames, plain)):
        return plain
    found = next((other for key in (*KEYS, _file) if _marked(_times(frames, other := _ordered(frames, grid, key)), key)), None)
    if found is None and any(len({_moment(frames[index]) for index in members}) < len(members) for members in grid.slices):
        return f"places hold {counts.pop()} frames each that no number tells apart: one acquisition repeated under the same numbers"
    return found or plain


def reorderings(frames: Sequence[Frame], grid: Grid) -> Iterator[Grid]:
    """The same grid with its time points in every other order that the headers allow."""
    seen = [grid.slices]
    for key in (_moment, *KEYS):
        other = _ordered(frames, grid, key)
        if other.slices not in seen and (key in (_moment, *NUMBERED, _clock) or _marked(_times(frames, other), key)):
            seen.append(other.slices)
            yield other


def is_proven(frames: Sequence[Frame], grid: Grid) -> bool:
    """Whether the headers alone tell which frames make one time point, and which time point comes first.

    So it is when a time point has a number (see PROVING) or a file of its own, or when frames are numbered time by time, or place by place, the
    places in the same order each time; and when its frames have their traits in common.
    """
    times = _times(frames, grid)
    if len(times) == 1:
        return True
    if any(len({frame.traits for frame in members}) > 1 for members in times):
        return False
    return any(_marked(times, key) for key in (*PROVING, _file)) or _numbered(times)


def cut_end(frames: Sequence[Frame]) -> set[int]:
    """Indices of the frames of a last time point that holds fewer than the others, which are at least two; none when no number tells."""
    for key in NUMBERED:
        groups: dict[Any, set[int]] = defaultdict(set)
        for index, frame in enumerate(frames):
            groups[key(frame)].add(index)
        *complete, last = (groups[number] for number in sorted(groups))
        if len(complete) > 1 and len({len(members) for members in complete}) == 1 and len(last) < len(complete[0]):
            return last
    return set()


def _times(frames: Sequence[Frame], grid: Grid) -> list[list[Frame]]:
    return [[frames[members[t]] for members in grid.slices] for t in range(len(grid.slices[0]))]


def _moment(frame: Frame) -> tuple[object, ...]:
    return (*frame.time, frame.acquisition, frame.clock, *frame.traits, *frame.dimensions, *frame.gradient)


def _file(frame: Frame) -> tuple[object, ...]:
    return (frame.path,)


def _ordered(frames: Sequence[Frame], grid: Grid, order: Key) -> Grid:
    return replace(grid, slices=[sorted(members, key=lambda index: (order(frames[index]), _moment(frames[index]))) for members in grid.slices])


def _marked(times: list[list[Frame]], key: Key) -> bool:
    """Whether the frames of a time point have one key, and those of two have two."""
    found = [{key(frame) for frame in members} for members in times]
    return all(len(keys) == 1 for keys in found) and len(set.union(*found)) == len(times)


def _numbered(times: list[list[Frame]]) -> bool:
    numbers = [[frame.time[1:] for frame in members] for members in times]
    if len({number for members in numbers for number in members}) < len(times) * len(times[0]):
        return False
    places = [sorted(range(len(members)), key=members.__getitem__) for members in numbers]
    by_place = [[members[z] for members in numbers] for z in places[0]]
    return all(order == places[0] for order in places) and (_in_blocks(numbers) or _in_blocks(by_place))


def _in_blocks(numbers: list[list[tuple[float, ...]]]) -> bool:
    return all(max(before) < min(after) for before, after in pairwise(numbers))
