"""One kind of defect, how often it occurs, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """`kind` groups defects (spelling, duplicate, missing, contradiction, count, unit, impossible, licence, link, orphan)."""

    kind: str
    what: str
    count: int
    where: tuple[str, ...] = ()


def defect(kind: str, what: str, places: Iterable[object], count: int | None = None) -> Defect:
    """A defect that knows its places; `count` where what is counted is not the places."""
    found = [str(place) for place in places]
    return Defect(kind, what, len(found) if count is None else count, tuple(found))
