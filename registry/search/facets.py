"""Count what the hits of a search have, facet by facet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from isocenter.registry.licenses import allows
from isocenter.registry.search.entries import Entry
from isocenter.registry.vocabulary import Vocabulary

FacetCounts = dict[str, dict[str, int]]
SHOWN = 12                             # values per facet
FACETS = ("modality", "anatomy", "finding", "task", "dimension")


@dataclass(frozen=True, slots=True)
class FacetCounter:
    """The value numbers of all datasets in one array: those of dataset n stand from `starts[n]` to `starts[n + 1]`."""

    starts: NDArray[np.int64]
    values: NDArray[np.int32]
    names: list[tuple[str, str]]       # value number → (facet, value)

    def count(self, hits: NDArray[np.int64], asked: Mapping[tuple[str, str], int] = MappingProxyType({})) -> FacetCounts:
        """facet → value → number of hits that state it, the most frequent first. `asked`: counts that are known better, by facet and value."""
        sizes = self.starts[hits + 1] - self.starts[hits]
        ends = np.cumsum(sizes)
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.starts[hits] - (ends - sizes), sizes)
        counts = np.bincount(self.values[places], minlength=len(self.names))
        found: dict[str, Counter[str]] = {}
        for number in np.flatnonzero(counts):
            facet, value = self.names[number]
            found.setdefault(facet, Counter())[value] = int(counts[number])
        for (facet, value), count in asked.items():
            found.setdefault(facet, Counter())[value] = count
        return {facet: dict(found[facet].most_common(SHOWN)) for facet in (*FACETS, "access", "commercial use") if facet in found}


def facet_counter(entries: Sequence[Entry], vocabulary: Vocabulary) -> FacetCounter:
    """Collect the facet values of all datasets once."""
    numbers: dict[tuple[str, str], int] = {}
    starts: list[int] = [0]
    values: list[int] = []
    for entry in entries:
        said = {(vocabulary.terms[term].facet, vocabulary.terms[term].name) for term in entry.terms if term in vocabulary.terms}
        said = {pair for pair in said if pair[0] in FACETS} | {("access", entry.access or "unknown"), ("commercial use", allows(entry.license, "commercial"))}
        values.extend(numbers.setdefault(pair, len(numbers)) for pair in sorted(said))
        starts.append(len(values))
    return FacetCounter(np.array(starts, np.int64), np.array(values, np.int32), list(numbers))
