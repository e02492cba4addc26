"""What an importer yields: one row of an outside source, its claims as text and its facets as terms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One field of one dataset as one source states it."""

    field: str
    value: str
    confidence: str = "second-hand"       # reviewed, read, second-hand, inferred
    note: str = ""                        # the cell itself where the value was derived from it
    doubt: str = ""                       # why it is not believed


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a source. `evidence` names the row, so that a reader can look it up."""

    source: str
    evidence: str
    name: str
    claims: tuple[Claim, ...] = ()
    terms: tuple[tuple[str, str, str], ...] = ()      # (facet, term id, field of the claim it was read from)
    aliases: tuple[str, ...] = ()
    relations: tuple[tuple[str, str, str], ...] = ()  # (predicate, name of the other dataset, detail)
    licence: str = ""                     # the licence string as the source spells it
