"""Label maps: from a raw value as a dataset publishes it to terms and their states, without ever guessing a negative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

State = Literal["present", "absent", "uncertain"]
Mode = Literal["exclusive", "list", "mentions"]
Rule = Literal["identity", "union", "absorb", "many-to-many"]
States = dict[str, State]
Ancestors = Callable[[str], frozenset[str]]

NO_ANCESTORS: Ancestors = lambda term: frozenset()  # noqa: E731


@dataclass(frozen=True, slots=True)
class Entry:
    """One raw value and what it says. `terms` empty: a value that denies every term of its map."""

    raw: str
    terms: tuple[str, ...]
    state: State = "present"
    name: str = ""
    rule: Rule = "identity"
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one cell says: states of terms, raw values that the map does not know, and all raw values of the cell.

    unlisted: terms that are absent only because a `list` does not name them.
    """

    states: States
    unknown: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unlisted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LabelMap:
    """Raw value -> terms for one dataset, release and encoding.

    mode says what silence means: `exclusive` (one value, every other term of the map is absent), `list` (what is
    not listed is absent), `mentions` (what is not listed is not annotated). Masks need no mode.
    """

    name: str
    entries: tuple[Entry, ...]
    mode: Mode = "mentions"
    separator: str | None = None
    dataset: str = ""
    release: str = ""
    encoding: str = "as published"
    extra_terms: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def by_raw(self) -> Mapping[str, tuple[Entry, ...]]:
        """Entries of each raw value, case folded; one value may mean itself by `identity` and a whole by `union` or `absorb`."""
        found: dict[str, tuple[Entry, ...]] = {}
        for entry in self.entries:
            found[entry.raw.casefold()] = (*found.get(entry.raw.casefold(), ()), entry)
        return found

    def terms_of(self, raw: str) -> tuple[str, ...]:
        """Every term that a raw value stands for."""
        return tuple(dict.fromkeys(term for entry in self.by_raw.get(raw.casefold(), ()) for term in entry.terms))

    def values_of(self, term: str) -> frozenset[str]:
        """Raw values that make up a term: one by identity, several by union, an organ with the lesion that it takes in by absorb."""
        return frozenset(entry.raw for entry in self.entries if term in entry.terms)

    @cached_property
    def annotates(self) -> frozenset[str]:
        """Every term on which this map can state presence or absence."""
        return frozenset(term for entry in self.entries for term in entry.terms) | self.extra_terms

    def read(self, cell: str | None, ancestors: Ancestors = NO_ANCESTORS) -> Reading:
        """States that a cell states. An empty cell states nothing, whatever the mode."""
        values = self._values(cell)
        listed = [value for value in values if value.casefold() in self.by_raw]
        known = [entry for value in listed for entry in self.by_raw[value.casefold()]]
        unknown = tuple(value for value in values if value.casefold() not in self.by_raw)
        if self.mode == "exclusive" and len(listed) > 1:
            return Reading({}, tuple(values), tuple(values))
        states: States = {}
        for entry in known:
            for term in entry.terms:
                states[term] = entry.state
        denied: frozenset[str] = frozenset()
        if known and self._silence_denies(known, unknown):
            denied = self.annotates - set(states) - {above for term, state in states.items() if state == "present" for above in ancestors(term)}
            states |= dict.fromkeys(sorted(denied), "absent")
        return Reading(states, unknown, tuple(values), denied if self.mode == "list" else frozenset())

    def _silence_denies(self, known: list[Entry], unknown: tuple[str, ...]) -> bool:
        """Silence is a statement only in a closed column whose cell was understood whole and asserts something."""
        if self.mode == "mentions" or unknown:
            return False
        return self.mode == "list" or all(entry.state == "present" for entry in known)

    def _values(self, cell: str | None) -> list[str]:
        text = (cell or "").strip()
        if not text:
            return []
        parts = text.split(self.separator) if self.separator else [text]
        return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def combine(statements: Iterable[States]) -> tuple[States, tuple[str, ...]]:
    """Join what several sources say of one picture.

    Not annotated yields to anything, uncertain yields to a definite statement; present against absent is a
    conflict: the term is withheld and named in the second result.
    """
    said: dict[str, set[State]] = {}
    for states in statements:
        for term, state in states.items():
            said.setdefault(term, set()).add(state)
    joined: States = {}
    conflicts: list[str] = []
    for term, found in said.items():
        definite = found - {"uncertain"}
        if len(definite) > 1:
            conflicts.append(term)
        else:
            joined[term] = next(iter(definite or found))
    return joined, tuple(sorted(conflicts))
