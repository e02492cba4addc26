"""What the label semantics ask of the vocabulary: who is above a term by is-a, and which term a raw word names."""

from __future__ import annotations

from isocenter.registry import vocabulary

LABEL_FACETS = ("finding", "anatomy")


def ancestors(term: str) -> frozenset[str]:
    """Every term that this term is a kind of (is-a only, part-of never), without itself; none for a term of one's own."""
    known = vocabulary.load()
    return known.ancestors(term) if term in known.terms else frozenset()


def term_of(word: str) -> str:
    """The one finding or structure that a raw word names, else the word itself in lower case."""
    known = vocabulary.load()
    for facet in LABEL_FACETS:
        found = known.find(word.replace("_", " "), facet)
        if len(found) == 1:
            return found[0]
    return word.strip().lower()
