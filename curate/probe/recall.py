"""Measure duplicate finding: pictures go in, the share of changed copies that were joined to their original comes out, per change and severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture
from isocenter.curate.probe.changes import CHANGES, change
from isocenter.curate.probe.corruptions import CORRUPTIONS, SEVERITIES

Image = NDArray[np.uint8]
Cell = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Recall:
    """joined: copies in their original's group, of `copies` made by this change at this severity."""

    name: str
    severity: int
    copies: int
    joined: int


def cells() -> list[Cell]:
    """Every change and corruption with its severities; one severity where all are the same (mirror, quarter turn, inversion)."""
    return [(name, severity) for name in (*CHANGES, *CORRUPTIONS) for severity in SEVERITIES if severity == 1 or name in CORRUPTIONS or len(set(CHANGES[name][1])) > 1]


def recall(pictures: Mapping[str, Image], copies: int, *, seed: int = 0, workers: int | None = None) -> tuple[list[Recall], int]:
    """Rows in the order of `cells`, and how many times two different pictures were joined.

    pictures: name → (h, w) uint8, all different. copies: per cell. Every search sees all pictures and at most one copy of each, so that
    copies cannot help each other; the cells take turns with the pictures until each has its number.
    """
    names = sorted(pictures)
    wanted = iter([cell for _ in range(copies) for cell in cells()])
    joined: dict[Cell, int] = dict.fromkeys(cells(), 0)
    wrong, round_ = 0, 0
    while turn := list(islice(wanted, len(names))):
        order = np.random.default_rng(seed + round_).permutation(len(names))
        plan = {names[i]: cell for i, cell in zip(order, turn)}
        home = _search(pictures, plan, seed + round_, workers)
        for name, cell in plan.items():
            joined[cell] += home.get(f"copy:{name}", -1) == home.get(name, -2)
        wrong += _strangers(home)
        round_ += 1
    return [Recall(name, severity, copies, joined[name, severity]) for name, severity in cells()], wrong


def _search(pictures: Mapping[str, Image], plan: Mapping[str, Cell], seed: int, workers: int | None) -> dict[str, int]:
    """Picture or `copy:` of one → number of the group it was put in."""
    changed = {f"copy:{name}": change(pictures[name], *cell, seed=seed + place) for place, (name, cell) in enumerate(plan.items())}
    found = find([Picture(name, "probe", partial(np.copy, pixels)) for name, pixels in {**pictures, **changed}.items()], seed=seed, workers=workers)
    return {member.id: member.group for member in found.groups}


def _strangers(home: Mapping[str, int]) -> int:
    """Different pictures beyond the first of every group."""
    members: dict[int, set[str]] = {}
    for name, group in home.items():
        members.setdefault(group, set()).add(name.removeprefix("copy:"))
    return sum(len(names) - 1 for names in members.values())
