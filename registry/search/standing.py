"""Weigh datasets before any query: how much each is used and how large it is, and how much of it is about one thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isocenter.registry.search.entries import Entry
from isocenter.registry.search.evidence import Weights
from isocenter.registry.vocabulary import Vocabulary

USE, SIZE, LABELLED = 0.7, 0.2, 0.1    # shares of the prior
FOCUS = 0.02                           # lost per further value of a wished facet: a liver set before a set of twelve organs


def prior(entries: Sequence[Entry]) -> Weights:
    """0..1: how much a dataset is used and how much there is of it."""
    used = np.log1p([entry.used for entry in entries])
    samples = np.log1p([entry.n_samples or 0 for entry in entries])
    labelled = np.array([bool(entry.labelled) for entry in entries], np.float64)
    scaled = [values / max(values.max(initial=0.0), 1e-9) for values in (used, samples)]
    return np.asarray(USE * scaled[0] + SIZE * scaled[1] + LABELLED * labelled, np.float32)


def focus(entries: Sequence[Entry], vocabulary: Vocabulary) -> dict[str, Weights]:
    """facet → 1 for a dataset with one value there, a little less for each further value; what contains another value is none."""
    counts = {facet: np.zeros(len(entries), np.float32) for facet in ("modality", "anatomy", "finding")}
    for number, entry in enumerate(entries):
        terms = [term for term in entry.terms if term in vocabulary.terms]
        above = frozenset().union(*(vocabulary.ancestors(term, ("is-a", "part-of")) for term in terms))
        for term in terms:
            if term not in above and (facet := vocabulary.terms[term].facet) in counts:
                counts[facet][number] += 1
    return {facet: 1 - FOCUS * np.clip(found - 1, 0, 5) for facet, found in counts.items()}
