"""Where two label maps of one dataset read the same value as different structures, and which of them fits given files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isocenter.registry import vocabulary
from isocenter.registry.labelmap import LabelMap

PUBLISHED = "as published"
OWN_RULES = ("identity", "many-to-many")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One raw value with two meanings, each by the name of its map. witnesses: in words, what further maps of the dataset say of it."""

    value: str
    map: str
    reading: tuple[str, ...]
    other_map: str
    other_reading: tuple[str, ...]
    witnesses: str = ""

    def __str__(self) -> str:
        said = f"value {self.value} is {' + '.join(self.reading)} in map {self.map!r} and {' + '.join(self.other_reading)} in map {self.other_map!r}"
        return f"{said} ({self.witnesses})" if self.witnesses else said


def contradictions(mapping: LabelMap, others: Iterable[LabelMap], values: Iterable[str] | None = None) -> list[Contradiction]:
    """Values (None: all of the map) that another map reads as another structure.

    A more general or more specific word for the same thing is none: readings contradict each other only if no term of one is,
    is a kind of, or is part of a term of the other, or if two values have changed places (kidney and renal vein). Union and absorb entries say how values are
    put together, not what they are.
    """
    found = []
    mine = _readings(mapping)
    for other in others:
        if other.name == mapping.name:
            continue
        theirs = _readings(other)
        for value in mine if values is None else values:
            one, two = mine.get(value.casefold()), theirs.get(value.casefold())
            if one and two and (not are_related(one, two) or _exchanged(value.casefold(), mine, theirs)):
                found.append(Contradiction(value, mapping.name, one, other.name, two))
    return sorted(found, key=lambda item: (item.other_map, len(item.value), item.value))


def _exchanged(value: str, mine: Mapping[str, tuple[str, ...]], theirs: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one map gives this value and another one the two meanings that the other map gives them crosswise."""
    here, there = mine[value], theirs[value]
    return here != there and any(theirs.get(other) == here and meaning == there for other, meaning in mine.items() if other != value)


def are_related(one: Iterable[str], two: Iterable[str]) -> bool:
    """Whether a term of one is, is a kind of, or is part of a term of the other, or the other way round."""
    return any(_related(a, b) for a in one for b in two)


def _readings(mapping: LabelMap) -> dict[str, tuple[str, ...]]:
    return {raw: terms for raw, entries in mapping.by_raw.items() if (terms := tuple(term for entry in entries if entry.rule in OWN_RULES for term in entry.terms))}


def _related(a: str, b: str) -> bool:
    if a == b:
        return True
    known = vocabulary.load()
    if a not in known.terms or b not in known.terms:
        return False
    both = ("is-a", "part-of")
    return a in known.ancestors(b, both) or b in known.ancestors(a, both)
