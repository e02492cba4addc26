"""Constraints on a choice, once for every strategy: a ranking of the pool goes in, the positions that keep every wish come out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, UsageError

LIMIT = re.compile(r"(?P<column>[\w-]+)=(?P<value>[^<>]+?)(?P<sign>>=|<=)(?P<number>\d+)")
RANGE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Limit:
    """At least `least` and at most `most` samples whose `column` holds `value`; a value `40-59` means from 40 to below 60."""

    column: str
    value: str
    least: int = 0
    most: int | None = None

    def __str__(self) -> str:
        wishes = ([f">={self.least}"] if self.least else []) + ([f"<={self.most}"] if self.most is not None else [])
        return f"{self.column}={self.value}{' and '.join(wishes)}"


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a choice must keep.

    budget: how much may be spent, in what `costs` counts (samples when there are none; else bytes, volumes, minutes of annotation …).
    licences: those allowed, or None for any. include, exclude: sample ids always and never taken.
    """

    budget: float
    limits: tuple[Limit, ...] = ()
    include: frozenset[str] = field(default_factory=frozenset)
    exclude: frozenset[str] = field(default_factory=frozenset)
    licences: frozenset[str] | None = None


def parse_limit(text: str) -> Limit:
    """`sex=F>=100`, `dataset=lits<=500`, `age=40-59>=20`. Raises UsageError for anything else."""
    found = LIMIT.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no limit", hint="COLUMN=VALUE>=NUMBER or COLUMN=VALUE<=NUMBER, as in sex=F>=100")
    number = int(found["number"])
    value = found["value"].strip()
    return Limit(found["column"], value, least=number) if found["sign"] == ">=" else Limit(found["column"], value, most=number)


def allowed(ids: Sequence[str], constraints: Constraints, licences: Sequence[str | None] | None = None) -> NDArray[np.bool_]:
    """Which samples may be looked at: not excluded, and under an allowed licence (an unknown one is not)."""
    keep = np.array([one not in constraints.exclude for one in ids], bool)
    if constraints.licences is not None:
        stated = licences if licences is not None else [None] * len(ids)
        keep &= np.array([one in constraints.licences for one in stated], bool)
    return keep


def apply(ranking: Iterable[int], ids: Sequence[str], columns: Mapping[str, Sequence[object]], constraints: Constraints, *,
          costs: Sequence[float] | None = None) -> NDArray[np.int64]:
    """Positions in the order of choice: included ones, then what the floors need, then the ranking, none beyond a cap or the budget.

    ranking: positions, most worth first; those left out are never taken. columns: values, or a collection of values (labels) per sample.
    Raises BadInput that names every wish which cannot be kept, before anything is chosen where it can be told from counts.
    """
    order = [int(at) for at in dict.fromkeys(ranking)]
    price = np.ones(len(ids)) if costs is None else np.asarray(costs, float)
    member = {limit: np.array([holds(limit, value) for value in _column(limit, columns)], bool) for limit in constraints.limits}
    position = {one: at for at, one in enumerate(ids)}
    forced = [position[one] for one in sorted(constraints.include) if one in position]
    _refuse(_impossible(order, forced, member, price, constraints, set(position)))
    book = _Book(member, price, constraints.budget)
    for at in forced:
        book.take(at)
    while (needy := book.needy()) and (best := book.most_needed(order, needy)) is not None:
        book.take(best)
    _refuse([f"{limit}: {book.count[limit]} of {limit.least} could be taken within the caps and the budget" for limit in book.needy()])
    for at in order:
        if book.fits(at):
            book.take(at)
    return np.array(book.taken, np.int64)


class _Book:
    """What was taken so far, and what that leaves."""

    def __init__(self, member: Mapping[Limit, NDArray[np.bool_]], price: NDArray[np.float64], budget: float) -> None:
        self.member, self.price, self.left = member, price, budget
        self.taken: list[int] = []
        self.seen: set[int] = set()
        self.count = dict.fromkeys(member, 0)

    def take(self, at: int) -> None:
        self.taken.append(at)
        self.seen.add(at)
        self.left -= float(self.price[at])
        for limit, inside in self.member.items():
            self.count[limit] += int(inside[at])

    def fits(self, at: int) -> bool:
        full = any(limit.most is not None and self.count[limit] >= limit.most and inside[at] for limit, inside in self.member.items())
        return at not in self.seen and not full and self.price[at] <= self.left + 1e-9

    def needy(self) -> list[Limit]:
        return [limit for limit in self.member if self.count[limit] < limit.least]

    def most_needed(self, order: Sequence[int], needy: Sequence[Limit]) -> int | None:
        """The first of the ranking among those that serve most of the floors still open."""
        serves = np.sum([self.member[limit] for limit in needy], axis=0)
        useful = [at for at in order if serves[at] and self.fits(at)]
        return max(useful, key=lambda at: int(serves[at])) if useful else None


def _impossible(order: Sequence[int], forced: Sequence[int], member: Mapping[Limit, NDArray[np.bool_]], price: NDArray[np.float64],
                constraints: Constraints, known: Collection[str]) -> list[str]:
    findings = []
    absent = sorted(constraints.include - set(known))
    if absent:
        findings.append(f"always include: {len(absent)} not in the pool, the first {absent[0]}")
    both = sorted(constraints.include & constraints.exclude)
    if both:
        findings.append(f"{both[0]} is on both lists, include and exclude")
    if price[list(forced)].sum() > constraints.budget:
        findings.append(f"always include: costs {price[list(forced)].sum():g}, the budget is {constraints.budget:g}")
    caps = {(limit.column, limit.value): limit.most for limit in member if limit.most is not None}
    findings += [f"{limit} stands against the cap of {caps[limit.column, limit.value]}" for limit in member
                 if limit.least > caps.get((limit.column, limit.value), limit.least)]
    reach = list({*order, *forced})
    for limit, inside in member.items():
        there = int(inside[reach].sum())
        if there < limit.least:
            findings.append(f"{limit}: the pool has {there}")
        if limit.most is not None and int(inside[list(forced)].sum()) > limit.most:
            findings.append(f"{limit}: the include list alone has {int(inside[list(forced)].sum())}")
        cheapest = float(np.sort(price[[at for at in reach if inside[at]]])[:limit.least].sum())
        if there >= limit.least and cheapest > constraints.budget:
            findings.append(f"{limit}: costs {cheapest:g} at least, the budget is {constraints.budget:g}")
    return findings


def _refuse(findings: Sequence[str]) -> None:
    if findings:
        raise BadInput("the wishes cannot all be kept: " + "; ".join(findings), hint="lower a floor, raise a cap or the budget, or widen the pool")


def _column(limit: Limit, columns: Mapping[str, Sequence[object]]) -> Sequence[object]:
    if limit.column not in columns:
        raise BadInput(f"no column {limit.column!r} for the limit {limit}", hint=f"one of: {', '.join(sorted(columns))}")
    return columns[limit.column]


def holds(limit: Limit, value: object) -> bool:
    if isinstance(value, (set, frozenset, list, tuple)):
        return limit.value in {str(one) for one in value}
    span = RANGE.fullmatch(limit.value)
    if span and isinstance(value, (int, float, np.number)):
        return float(span[1]) <= float(value) < float(span[2]) + 1
    return value is not None and str(value) == limit.value
