"""What the members of a merge disagree on, each disagreement with a name, both readings, and the answers that settle it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import polars as pl

from isocenter.core.errors import BadInput, Conflict
from isocenter.core.near_names import advice
from isocenter.harmonize.readings import Reader, Readings
from isocenter.registry.labelconflicts import Contradiction, contradictions
from isocenter.registry.labelmap import LabelMap

Kind = Literal["two readings", "left and right swapped", "two members", "copies"]
SIDED = re.compile(r"(?<![A-Za-z])(left|right)(?![A-Za-z])")
BOTH = "both"
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One disagreement between the readings of `maps` in `members`.

    answers: what settles it; elsewhere: what to do if none of them is right. stops: a merge does not go on without an answer.
    """

    name: str
    kind: Kind
    details: tuple[str, ...]
    answers: tuple[str, ...]
    elsewhere: str = ""
    members: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    stops: bool = True
    answer: str | None = None

    def __str__(self) -> str:
        more = [f"and {len(self.details) - SHOWN} more"] if len(self.details) > SHOWN else []
        return "\n".join([f"{self.name} ({self.kind})", *(f"  {line}" for line in (*self.details[:SHOWN], *more))])


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a merge: its catalog slug and release, maps that it is not read by although its layout names them, and what its scan read."""

    name: str
    slug: str
    release: str
    maps: Mapping[str, str]
    readings: Readings

    def reads(self, name: str) -> bool:
        """Whether its scan read something by the label map of that name."""
        return any(name in reader.map.name.split(" + ") for reader in self.readings.readers.values())


def disagreements(members: Sequence[Member]) -> list[Disagreement]:
    """Disagreements about what values mean: inside a member, and between members that hold the same dataset in the same encoding."""
    found = [one for member in members for one in _inside(member)]
    for one, two in combinations(members, 2):
        if one.slug == two.slug and (one.release == two.release or "unversioned" in (one.release, two.release)):
            found += _between(one, two)
    return found


def _inside(member: Member) -> Iterator[Disagreement]:
    pairs: dict[tuple[str, str], list[Contradiction]] = defaultdict(list)
    for clash in member.readings.contradictions:
        pairs[clash.map, clash.other_map].append(clash)
    for (used, other), clashes in pairs.items():
        swapped = any(_mirrored(clash.reading) == clash.other_reading for clash in clashes)
        yield Disagreement(f"{member.name}: {used} or {other}", "left and right swapped" if swapped else "two readings", tuple(map(str, clashes)), (used,),
                           f"if {other!r} is right, a recipe answers so; else adopt {member.name} again with --read-as {used}={other}, and scan it", (member.name,), (used, other))


def _mirrored(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(SIDED.sub(lambda side: "right" if side[0] == "left" else "left", term) for term in terms)


def _between(one: Member, two: Member) -> Iterator[Disagreement]:
    """Readers of the same thing (masks in one encoding, one column of one table) that give a value two meanings."""
    for reader, other in _alike(one, two):
        values = sorted(_met(one, reader) & _met(two, other))
        first, second = replace(reader.map, name=f"{one.name}: {reader.map.name}"), replace(other.map, name=f"{two.name}: {other.map.name}")
        details = [str(clash) for clash in contradictions(first, [second], values)] + list(_denied(first, second, values))
        if details:
            yield Disagreement(f"{one.name} and {two.name}: {reader.map.name} or {other.map.name}", "two members", tuple(details), (BOTH,),
                               "if one of them is wrong, correct its layout and scan it again", (one.name, two.name), (reader.map.name, other.map.name))


def _alike(one: Member, two: Member) -> Iterator[tuple[Reader, Reader]]:
    for reader in one.readings.readers.values():
        for other in two.readings.readers.values():
            same = reader.medium == other.medium == "mask" or (reader.medium == other.medium and reader.origin == other.origin)
            if reader.map.dataset == other.map.dataset == one.slug:      # the catalog has several maps of it: tasks and parts with files of their own
                continue
            if same and reader.encoding == other.encoding and (reader.map.name, reader.map.entries) != (other.map.name, other.map.entries):
                yield reader, other


def _met(member: Member, reader: Reader) -> set[str]:
    return set(member.readings.table.filter((pl.col("reader") == reader.id) & (pl.col("raw_value") != ""))["raw_value"].unique().to_list())


def _denied(first: LabelMap, second: LabelMap, values: Sequence[str]) -> Iterator[str]:
    """Values that state the presence of a term by one map and its absence by the other."""
    for value in values:
        said = [{term: entry.state for entry in mapping.by_raw.get(value.casefold(), ()) for term in entry.terms} for mapping in (first, second)]
        for term in sorted(said[0].keys() & said[1].keys()):
            if {said[0][term], said[1][term]} == {"present", "absent"}:
                yield f"value {value} says {term} is {said[0][term]} in map {first.name!r} and {said[1][term]} in map {second.name!r}"


def other_maps(member: str, answers: Mapping[str, str]) -> dict[str, str]:
    """What answers say of the masks of a member: map that the layout names -> the other one, which was found right."""
    found = {}
    for name, answer in answers.items():
        used, _, other = name.removeprefix(f"{member}: ").partition(" or ")
        if name.startswith(f"{member}: ") and answer == other:
            found[used] = other
    return found


def answered(found: Sequence[Disagreement], answers: Mapping[str, str]) -> tuple[list[Disagreement], list[str]]:
    """Disagreements with their answers, and the names of answers to what is none, sorted. Raises BadInput for an answer that settles nothing."""
    settled = []
    for one in found:
        answer = answers.get(one.name)
        if answer is not None and answer not in one.answers:
            raise BadInput(f"{answer!r} does not settle {one.name!r}", hint=one.elsewhere or f"one of: {', '.join(one.answers)}")
        settled.append(replace(one, answer=answer))
    return settled, sorted(answers.keys() - {one.name for one in found})


def aimless_told(strange: Sequence[str], found: Sequence[Disagreement]) -> BadInput | None:
    """What to say of answers whose names no disagreement has; None where there are none."""
    if not strange:
        return None
    names = [one.name for one in found]
    meant = [f"{advice(name, names)}" for name in strange] if names else ["leave it out: none is known between these members"]
    return BadInput(f"settle: there is no disagreement {' and none '.join(map(repr, strange))}", hint="; ".join(dict.fromkeys(meant)))


def require_settled(found: Sequence[Disagreement]) -> None:
    """Raises Conflict that names every open disagreement that stops a merge, both readings, and what to type."""
    still = [one for one in found if one.stops and one.answer is None]
    if still:
        shown = "\n".join(str(one) for one in still).replace("\n", "\n         ")
        first = still[0]
        raise Conflict(f"{len(still)} {'disagreement is' if len(still) == 1 else 'disagreements are'} not settled:\n         {shown}",
                       hint=f"--settle \"{first.name}={first.answers[0]}\", or under [merge.settle] of a recipe {toml_line(first.name, first.answers[0])}\n         {first.elsewhere}")


def toml_line(name: str, answer: str) -> str:
    """The answer as a line of a recipe."""
    return f"{json.dumps(name, ensure_ascii=False)} = {json.dumps(answer, ensure_ascii=False)}"
