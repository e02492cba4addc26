"""What the label semantics ask of the vocabulary: who is above a term by is-a, and which term a raw word names, in general or in one dataset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from isocenter.registry import vocabulary
from isocenter.registry.labelmaps import maps_of

LABEL_FACETS = ("finding", "anatomy")


@cache
def ancestors(term: str) -> frozenset[str]:
    """Every term that this term is a kind of (is-a only, part-of never), without itself; none for a term of one's own."""
    known = vocabulary.load()
    return known.ancestors(term) if term in known.terms else frozenset()


def term_of(word: str, own: Mapping[str, str] | None = None) -> str:
    """The one finding or structure that a raw word names, else the word itself in lower case.

    `kidney_left`, `LeftKidney` and `Left Kidney` are the left kidney: words are compared by their normal form, never by likeness.
    own: words of a dataset that its user or its maps in the catalog have explained.
    """
    if own and (explained := own.get(word) or own.get(word.casefold())):
        return explained
    known = vocabulary.load()
    for phrase in _spellings(word):
        for facet in LABEL_FACETS:
            found = known.find(phrase, facet)
            if len(found) == 1:
                return found[0]
    return word.strip().lower()


@cache
def dataset_words(slug: str) -> Mapping[str, str]:
    """Names that the catalog's maps of a dataset give its values ("rad", "MLV"), in lower case, with the one term that all of them mean by it."""
    said: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for mapping in maps_of(slug):
        for entry in mapping.entries:
            if entry.rule == "identity" and entry.name and entry.terms:
                said[entry.name.casefold()].add(entry.terms)
    return {name: terms[0] for name, readings in said.items() for terms in readings if len(readings) == len(terms) == 1}


def _spellings(word: str) -> Iterator[str]:
    """The word as it is, with spaces where its writing has borders, and with its side in front."""
    plain = word.replace("_", " ")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    yield from dict.fromkeys((plain, spaced))
    parts = spaced.split()
    for side in ("left", "right"):
        if side in (lower := [part.casefold() for part in parts]) and lower[0] != side:
            yield " ".join([side, *(part for part in parts if part.casefold() != side)])
