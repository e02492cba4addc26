"""Count what the hits of a search have, facet by facet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isocenter.registry.licenses import allows
from isocenter.registry.search.entries import Entry
from isocenter.registry.vocabulary import Vocabulary

FacetCounts = dict[str, dict[str, int]]
SHOWN = 12                             # values per facet
FACETS = ("modality", "anatomy", "finding", "task", "dimension")


@dataclass(slots=True)
class FacetCounter:
    """Every (dataset, value) pair of the catalog as two arrays, so that counting hits is one pass."""

    datasets: NDArray[np.int32]
    values: NDArray[np.int32]
    names: list[tuple[str, str]]       # value number → (facet, value)
    _order: dict[str, list[int]] = field(default_factory=dict)

    def count(self, hits: NDArray[np.int64], size: int) -> FacetCounts:
        """facet → value → number of hits, the most frequent first."""
        chosen = np.zeros(size, bool)
        chosen[hits] = True
        counts = np.bincount(self.values[chosen[self.datasets]], minlength=len(self.names))
        found: dict[str, Counter[str]] = {}
        for number in np.flatnonzero(counts):
            facet, value = self.names[number]
            found.setdefault(facet, Counter())[value] = int(counts[number])
        order = (*FACETS, "access", "commercial use")
        return {facet: dict(found[facet].most_common(SHOWN)) for facet in order if facet in found}


def facet_counter(entries: Sequence[Entry], vocabulary: Vocabulary) -> FacetCounter:
    """Collect the facet values of all datasets once."""
    numbers: dict[tuple[str, str], int] = {}
    datasets: list[int] = []
    values: list[int] = []
    for dataset, entry in enumerate(entries):
        said = {(vocabulary.terms[term].facet, vocabulary.terms[term].name) for term in entry.terms if term in vocabulary.terms}
        said = {pair for pair in said if pair[0] in FACETS} | {("access", entry.access or "unknown"), ("commercial use", allows(entry.license, "commercial"))}
        for pair in said:
            datasets.append(dataset)
            values.append(numbers.setdefault(pair, len(numbers)))
    return FacetCounter(np.array(datasets, np.int32), np.array(values, np.int32), list(numbers))
