"""Free keywords of outside metadata as facet terms: only those that the vocabulary knows by exactly that name, in one facet."""

from __future__ import annotations

from collections.abc import Iterable

from isocenter.registry.cells import FacetTerm
from isocenter.registry.vocabulary import FACETS, IN_TEXT, Vocabulary


def keyword_terms(keywords: Iterable[str], vocabulary: Vocabulary, field: str = "keyword") -> list[FacetTerm]:
    """Terms of the keywords; a word that could belong to two facets, or mean two terms, names none."""
    found: list[FacetTerm] = []
    for word in keywords:
        terms = vocabulary.find(word, scopes=IN_TEXT)
        if len(terms) == 1 and (facet := vocabulary.terms[terms[0]].facet) in FACETS:
            found.append((facet, terms[0], field))
    return list(dict.fromkeys(found))
