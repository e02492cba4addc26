"""Measure duplicate finding: pictures go in, the share of changed copies that were joined to their original comes out, per change and severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture
from isocenter.curate.probe.copies import Cell, Copy, cells, rounds
from isocenter.curate.probe.pictures import Image


@dataclass(frozen=True, slots=True)
class Recall:
    """joined: copies in their original's group, of `copies` made by this change at this severity."""

    name: str
    severity: int
    copies: int
    joined: int


def recall(pictures: Mapping[str, Image], copies: int, *, only: Sequence[Cell] | None = None, seed: int = 0, workers: int | None = None) -> tuple[list[Recall], int]:
    """Rows in the order of the cells (`only`: those; by default all of `cells`), and how many times two different pictures were joined.

    pictures: name → (h, w) uint8, all different. copies: per cell. Every search sees all pictures and at most one copy of each, so that
    copies cannot help each other.
    """
    wanted = list(only) if only is not None else cells()
    joined: dict[Cell, int] = dict.fromkeys(wanted, 0)
    wrong = 0
    for number, planned in enumerate(rounds(sorted(pictures), wanted, copies, seed)):
        home = _search(pictures, planned, seed + number, workers)
        for one in planned:
            joined[one.change, one.severity] += home.get(f"copy:{one.original}", -1) == home.get(one.original, -2)
        wrong += _strangers(home)
    return [Recall(*cell, copies, joined[cell]) for cell in wanted], wrong


def _search(pictures: Mapping[str, Image], planned: Sequence[Copy], seed: int, workers: int | None) -> dict[str, int]:
    """Picture or `copy:` of one → number of the group it was put in."""
    changed = {f"copy:{one.original}": one.of(pictures[one.original]) for one in planned}
    found = find([Picture(name, "probe", partial(np.copy, pixels)) for name, pixels in {**pictures, **changed}.items()], seed=seed, workers=workers)
    return {member.id: member.group for member in found.groups}


def _strangers(home: Mapping[str, int]) -> int:
    """Different pictures beyond the first of every group."""
    members: dict[int, set[str]] = {}
    for name, group in home.items():
        members.setdefault(group, set()).add(name.removeprefix("copy:"))
    return sum(len(names) - 1 for names in members.values())
