"""Where components must stand whatever the balance says: published test samples, sides of an earlier split, named values, dates, hashes.

Every rule takes the kin of a cohort and gives component -> (sides it may stand on, the reason in words).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.files import blake2b
from isocenter.curate.split_components import Kin
from isocenter.curate.study_dates import day_of
from isocenter.harmonize.cohort import Cohort

Bound = dict[int, tuple[Collection[str], str]]
UNTAUGHT = re.compile(r"(?i)(test|val|valid|validation|dev|hold-?out|eval)")


def taught(sides: Collection[str]) -> list[str]:
    """The sides that a model learns from: those called train…, else all that are not called test, val and the like."""
    return [side for side in sides if side.lower().startswith("train")] or [side for side in sides if not UNTAUGHT.match(side)]


def published_tests(kin: Kin, sides: Sequence[str], allow: Collection[str]) -> Bound:
    """Components with a published test sample, also a dropped copy of one, never go where a model learns; test is theirs if there is one.

    allow: datasets whose published test samples count as any other. Raises BadInput when no side is left for them.
    """
    held = kin.table.filter(pl.col("component").is_not_null() & pl.col("published_split").str.contains("(?i)^test") & ~pl.col("dataset").is_in(list(allow)))
    if held.is_empty():
        return {}
    apart = [side for side in sides if side not in taught(sides)]
    home = [side for side in apart if side.lower().startswith("test")] or apart
    if not home:
        named = ", ".join(held["dataset"].unique().sort())
        raise BadInput(f"{held.height} published test samples of {named} would be trained on: every side of {', '.join(sides)} is for training",
                       hint=f"--ratio train=0.9,test=0.1, or --allow-published-test {held['dataset'][0]}")
    return {component: (home, f"published as test by {dataset}") for component, dataset in held.select("component", "dataset").iter_rows()}


def kept(kin: Kin, earlier: Cohort, sides: Sequence[str]) -> Bound:
    """Components with samples of an earlier split stay where those were; where they were on several sides, on the one a model has learned from."""
    before = earlier.table.select("sample_id", pl.col("split").alias("side")).drop_nulls()
    found = kin.table.drop_nulls("component").join(before, on="sample_id").select("component", "side").unique()
    if found.is_empty():
        raise BadInput(f"no sample stands on a side of {earlier.name}", where=earlier.name, hint="--keep names a cohort that isocenter split made from these datasets")
    if strange := sorted(set(found["side"]) - set(sides)):
        raise BadInput(f"{earlier.name} has the side {strange[0]}, which the ratio has not", hint=f"name {', '.join(sorted(set(before['side'])))} in --ratio")
    order = [*taught(sides), *(side for side in sides if side not in taught(sides))]
    several = found.group_by("component").agg(pl.col("side"))
    return {component: ((min(names, key=order.index),), f"stays where {earlier.name} had it" if len(names) == 1 else f"joins what {earlier.name} had on {' and '.join(sorted(names))}")
            for component, names in several.iter_rows()}


def put(kin: Kin, values: NDArray[np.object_], by: str, wish: Mapping[str, str], sides: Sequence[str]) -> Bound:
    """Components that hold a named value go to the side named for it."""
    found: Bound = {}
    for value, side in wish.items():
        if side not in sides:
            raise BadInput(f"--put {side}={value}: the ratio has no side {side}", hint=f"one of {', '.join(sides)}")
        inside = np.array([str(one) == value for one in values], bool)
        if not inside.any():
            there = sorted({str(one) for one in values if one is not None})
            raise BadInput(f"--put {side}={value}: no sample has that {by}", hint=f"there are {', '.join(there[:8])}")
        found |= {int(component): ((side,), f"{by} {value}") for component in kin.owner[inside]}
    return found


def dated(kin: Kin, dates: NDArray[np.object_], shares: Mapping[str, float], bound: Collection[int]) -> tuple[Bound, dict[str, tuple[str, str]]]:
    """Later components to later sides, and from when to when every side reaches. A component is as late as its latest sample.

    Nothing on a side is later than what the next side begins with, so equal dates share a side. Components without any date go to the
    first side. dates: texts as `day_of` reads them, or None. Raises BadInput when there are fewer dates than sides.
    """
    read = [day_of(value) for value in dates]
    latest: dict[int, str] = {}
    for component, day in zip(kin.owner.tolist(), read):
        if day is not None:
            latest[component] = max(day, latest.get(component, ""))
    wanted = [side for side, share in shares.items() if share > 0]
    days = sorted(set(latest.values()))
    if len(days) < len(wanted):
        raise BadInput(f"{len(days)} dates for {len(wanted)} sides", hint="read are DICOM headers, and what the layout's tables and paths call date; else --column date=TABLE, a table with sample_id and date")
    size = np.bincount(kin.owner, minlength=kin.number)
    undated = [component for component in range(kin.number) if component not in latest]
    found: Bound = {component: ((wanted[0],), "no date is known") for component in undated if component not in bound}
    weight = dict.fromkeys(days, 0)
    for component, day in latest.items():
        weight[day] += int(size[component])
    side_of, spans = _cut(days, weight, {side: shares[side] for side in wanted}, int(size[undated].sum()))
    found |= {component: ((side_of[day],), "placed by its latest date") for component, day in latest.items() if component not in bound}
    return found, spans


def _cut(days: list[str], weight: Mapping[str, int], shares: Mapping[str, float], ahead: int) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """The side of every day: each boundary lies where the samples before it come nearest to the shares, and every side gets a day."""
    sides, goals = list(shares), np.cumsum(list(shares.values())) * (sum(weight.values()) + ahead)
    before = ahead + np.cumsum([weight[day] for day in days])
    ends: list[int] = []
    for number, goal in enumerate(goals[:-1]):
        least, most = (ends[-1] + 1 if ends else 0), len(days) - len(sides) + number
        ends.append(least + int(np.argmin(np.abs(before[least:most + 1] - goal))))
    ends.append(len(days) - 1)
    starts = [0, *(end + 1 for end in ends[:-1])]
    side_of = {day: side for side, start, end in zip(sides, starts, ends) for day in days[start:end + 1]}
    return side_of, {side: (days[start], days[end]) for side, start, end in zip(sides, starts, ends)}


def hashed(kin: Kin, shares: Mapping[str, float], seed: int) -> Bound:
    """The side that a hash of the seed and the component's own keys draws: the smallest hash of a patient (study, sample) in it decides.

    A sample that joins no one moves no one; one that joins components may give all of them the side that the smallest hash draws.
    """
    key = pl.concat_str(pl.col("sample_id").str.split("@").list.first(), pl.lit("\0"), pl.coalesce("patient_id", "study_id", "sample_id"))
    rows = kin.table.drop_nulls("component").select("component", key.alias("key")).unique()
    smallest: dict[int, str] = {}
    for component, text in rows.iter_rows():
        smallest[component] = min(blake2b(f"{seed}\0{text}".encode()), smallest.get(component, "g"))
    edges, sides = np.cumsum(list(shares.values())), list(shares)
    # the smallest of several draws is not evenly spread, a hash of it is
    draw = {component: int(blake2b(text.encode())[:15], 16) / 16**15 for component, text in smallest.items()}
    return {component: ((sides[min(int(np.searchsorted(edges, value, side="right")), len(sides) - 1)],), "drawn by its hash") for component, value in draw.items()}
