"""Prints of our volumes and of dcm2niix's in, claims out: which of its files is which of our volumes, in whole or in parts.

A file of dcm2niix is believed when every one of its volumes is one of ours, sample by sample, at the same place. It may stack
what we keep apart, or keep apart what we stack (a diffusion series without its derived maps); it may not add, lose or move anything.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from isocenter.harmonize.dicom.verify import Print, same_physical, same_place, same_place_but_rounded, same_scale


@dataclass(frozen=True, slots=True)
class Claim:
    """File number `theirs` holds these of our volumes, as (plan, time), in its order."""

    theirs: int
    volumes: tuple[tuple[int, int], ...]

    @property
    def plans(self) -> set[int]:
        return {plan for plan, _ in self.volumes}


def claims(ours: list[Print | None], theirs: list[Print | None]) -> list[Claim]:
    """A claim for every believed file, whole volumes first."""
    found = [claim for number, other in enumerate(theirs) if other is not None and (claim := _claim(ours, other, number))]
    return sorted(found, key=lambda claim: (-len(claim.volumes), claim.theirs))


def settled(ours: list[Print | None], found: list[Claim]) -> dict[int, list[Claim]]:
    """Per plan the claims that tell all of it: one that holds exactly it, or several that together hold it once, or one that stacks it."""
    result: dict[int, list[Claim]] = {}
    used: set[int] = set()
    for claim in found:
        plan = min(claim.plans)
        own = ours[plan]
        if own is not None and len(claim.plans) == 1 and plan not in result and sorted(t for _, t in claim.volumes) == list(range(len(own.digests))):
            result[plan] = [claim]
            used.add(claim.theirs)
    for plan, own in enumerate(ours):
        if own is None:
            continue
        parts = [claim for claim in found if claim.theirs not in used and plan in claim.plans]
        if plan in result:
            result[plan] += [claim for claim in parts if claim.plans == {plan} and len(claim.volumes) < len(own.digests)]
        elif parts and _tells(plan, len(own.digests), parts):
            result[plan] = parts
    return result


def _claim(ours: list[Print | None], other: Print, number: int) -> Claim | None:
    candidates = [plan for plan, own in enumerate(ours) if own is not None and (same_place(own, other) or same_place_but_rounded(own, other))]
    if other.physical:
        for plan in candidates:
            own = ours[plan]
            if own is not None and own.physical and same_physical(own, other):
                return Claim(number, tuple((plan, t) for t in range(len(own.digests))))
        return None
    pool: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for plan in candidates:
        own = ours[plan]
        for t, digest in enumerate(own.digests if own is not None else ()):
            if digest:
                pool[digest].append((plan, t))
    volumes = []
    for other_t, digest in enumerate(other.digests):
        found = next((place for place in pool[digest] if (own := ours[place[0]]) is not None and same_scale(own, place[1], other, other_t)), None)
        if found is None:
            return None
        pool[digest].remove(found)
        volumes.append(found)
    return Claim(number, tuple(volumes))


def _tells(plan: int, count: int, parts: list[Claim]) -> bool:
    held = sorted(t for claim in parts for owner, t in claim.volumes if owner == plan)
    return held == list(range(count))
