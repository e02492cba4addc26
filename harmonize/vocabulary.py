"""The is-a lines of the vocabulary, as the label semantics need them: who is above a term, who below."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

import isocenter.registry

FACTS = Path(isocenter.registry.__file__).parent / "facts"


@cache
def _parents() -> dict[str, tuple[str, ...]]:
    parents: dict[str, list[str]] = defaultdict(list)
    with (FACTS / "term_parent.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["relation"] == "is-a":
                parents[row["term_id"]].append(row["parent_id"])
    return {term: tuple(found) for term, found in parents.items()}


@cache
def ancestors(term: str) -> frozenset[str]:
    """Every term that this term is a kind of (is-a only, part-of never), without itself."""
    found: set[str] = set()
    waiting = list(_parents().get(term, ()))
    while waiting:
        above = waiting.pop()
        if above not in found:
            found.add(above)
            waiting += _parents().get(above, ())
    return frozenset(found)
