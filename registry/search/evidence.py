"""What speaks for a term in each dataset: stated terms, terms its name says, and the anatomy that a stated finding sits in.

`Evidence.match` gives one number per dataset: 1 where the term (or a kind of it) is stated, less where it only follows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isocenter.registry.search.entries import Entry
from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import words

Weights = NDArray[np.float32]

STATED, NAMED, LABELLED, SITED, MANY = 1.0, 0.9, 0.8, 0.95, 0.8
DISPUTED, IMPLAUSIBLE = 0.85, 0.4
KIND, PART, COVERED, BROADER, DERIVED, RELATED = 0.97, 0.85, 0.55, 0.55, 0.6, 0.55
BROADER_THERE = (0.0, 0.68, 0.62, 0.55)          # by steps up is-a, where the dataset shows the place
REGIONAL = 0.7
MATCHES = 0.5                          # from here on a wish may be fulfilled
CERTAIN = 0.7                          # from here on it is
LINKS = {"derivable-from": (DERIVED, "labels give"), "related": (RELATED, "goes with")}
UP = ("is-a", "part-of")
REGIONS = frozenset({"body", "trunk", "head", "neck", "head and neck", "thorax", "abdomen", "pelvis", "full body"})
VAGUE = frozenset({"lesion"})
MODALITY_THERE = 0.95                  # "X-ray" and "breast" are mammography
WHOLE_BODY = ("full body", "multi-organ")
SEVERAL = 3                            # so many unrelated organs make a dataset multi-organ
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_DIGITS = re.compile(r"(?<=[A-Za-z]{3})(?=\d)|(?<=\d{2})(?=[A-Za-z])")
REVIEWERS = frozenset({"isocenter"})        # their word is final
NAME_FACETS = ("modality", "anatomy", "finding", "task", "population")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a dataset has weight for a term: the term it has, how strongly, and how it follows."""

    term: str
    weight: float
    how: str


Found = dict[str, tuple[float, str]]   # term → weight and how it follows ("" where it is stated)


@dataclass(slots=True)
class Evidence:
    """What each dataset has; `match` and `reason` answer for one wished term."""

    vocabulary: Vocabulary
    datasets: Sequence[Found]
    terms: dict[str, tuple[NDArray[np.int32], Weights]]
    _fits: dict[str, Weights] = field(default_factory=dict)
    _related: dict[str, dict[str, tuple[float, str]]] = field(default_factory=dict)

    def match(self, term: str) -> Weights:
        """How well each dataset fits a wished term, (datasets,) float32 in 0..1."""
        if term not in self._fits:
            fit = np.zeros(len(self.datasets), np.float32)
            for other, (factor, _) in self.related(term).items():
                self._raise(fit, other, factor)
            self._raise_where_sited(fit, term)
            self._fits[term] = fit
        return self._fits[term]

    def stated(self, terms: Iterable[str]) -> Weights:
        """1 for each dataset of which a source states one of these terms, else 0."""
        there = np.zeros(len(self.datasets), np.float32)
        for term in terms:
            if term in self.terms:
                where, weights = self.terms[term]
                there[where[weights >= STATED]] = 1
        return there

    def related(self, term: str) -> dict[str, tuple[float, str]]:
        """Terms that speak for the wished one: the strongest factor of each, and the words that say how."""
        if term not in self._related:
            self._related[term] = {other: (factor, how) for other, factor, how in sorted(self._links(term), key=lambda link: link[1])}
        return self._related[term]

    def _links(self, term: str) -> list[tuple[str, float, str]]:
        vocabulary = self.vocabulary
        kinds = vocabulary.descendants(term)
        parts = vocabulary.descendants(term, UP) - kinds
        related = [(term, 1.0, "")] + [(kind, KIND, "is a kind of") for kind in sorted(kinds)] + [(part, PART, "is part of") for part in sorted(parts)]
        facet = vocabulary.terms[term].facet
        broader = vocabulary.ancestors(term) if facet in ("modality", "task") else [up for up, relation in vocabulary.parents.get(term, ()) if relation == "is-a"]
        related += [(broad, BROADER, "includes") for broad in sorted(broader)]
        related += [(other, *LINKS[relation]) for kind in (term, *sorted(vocabulary.ancestors(term)))
                    for other, relation in vocabulary.parents.get(kind, ()) if relation == "derivable-from" or (relation == "related" and kind == term)]
        if facet == "anatomy" and term not in WHOLE_BODY:
            around = {whole for kind in (term, *vocabulary.ancestors(term)) for whole, relation in vocabulary.parents.get(kind, ()) if relation == "part-of"}
            related += [(region, COVERED, "covers") for region in sorted(around | self._regions(term))]
        return related

    def reason(self, dataset: int, term: str) -> Reason | None:
        """The strongest evidence for a wished term in one dataset."""
        related, found = self.related(term), self.datasets[dataset]
        best: Reason | None = None
        for other in found.keys() & related.keys():
            weight, how = found[other][0] * related[other][0], related[other][1] or found[other][1]
            if best is None or (weight, other) > (best.weight, best.term):
                best = Reason(other, weight, how)
        fit = float(self.match(term)[dataset])
        if best is None or fit > best.weight + 1e-6:
            broad = sorted(self._above(term).keys() & found.keys())
            return Reason(broad[0], fit, "there includes") if broad else best
        return best

    def _raise(self, fit: Weights, term: str, factor: float) -> None:
        if term in self.terms:
            where, weights = self.terms[term]
            fit[where] = np.maximum(fit[where], factor * weights)

    def _raise_where_sited(self, fit: Weights, term: str) -> None:
        """A broader finding or modality counts as the wished one where the dataset shows the place: X-ray of the breast, cancer of the colon."""
        modality = self.vocabulary.terms[term].facet == "modality"
        sites = {place for place, relation in self.vocabulary.parents.get(term, ()) if relation == "of"} if modality else self.vocabulary.sites(term)
        if not sites:
            return
        there = np.zeros(len(self.datasets), np.float32)
        for site in sites:
            for place in {site, *self.vocabulary.descendants(site, UP)}:
                self._raise(there, place, 1.0)
        broad = np.zeros(len(self.datasets), np.float32)
        for other, steps in self._above(term).items():
            self._raise(broad, other, MODALITY_THERE if modality else BROADER_THERE[min(steps, 3)])
        np.maximum(fit, np.where(there > 0, broad, 0), out=fit)

    def _above(self, term: str) -> dict[str, int]:
        """Kinds that the term belongs to, by steps up; the topmost ("lesion") say too little and are left out."""
        steps: dict[str, int] = {}
        level = {term}
        for step in range(1, 9):
            level = {up for low in level for up, relation in self.vocabulary.parents.get(low, ()) if relation == "is-a"} - steps.keys()
            steps |= dict.fromkeys(level, step)
        return {other: step for other, step in steps.items() if other not in VAGUE}

    def _regions(self, term: str) -> set[str]:
        above = {other for other in self.vocabulary.ancestors(term, UP) if is_region(other, self.vocabulary)}
        return above - {term}


def evidence(datasets: Sequence[Found], vocabulary: Vocabulary) -> Evidence:
    """Index what was gathered by term."""
    numbers: dict[str, list[int]] = defaultdict(list)
    weights: dict[str, list[float]] = defaultdict(list)
    for number, found in enumerate(datasets):
        for term, (weight, _) in found.items():
            numbers[term].append(number)
            weights[term].append(weight)
    return Evidence(vocabulary, datasets, {term: (np.array(numbers[term], np.int32), np.array(weights[term], np.float32)) for term in numbers})


def gather(entries: Sequence[Entry], vocabulary: Vocabulary) -> list[Found]:
    """Collect the evidence of every dataset: stated terms, those of its labels and its name, and where its findings sit."""
    sites = {term: vocabulary.sites(term) for term in vocabulary.terms}
    return [_gather(entry, vocabulary, sites) for entry in entries]


def _gather(entry: Entry, vocabulary: Vocabulary, sites: Mapping[str, frozenset[str]]) -> Found:
    found: Found = {term: (weight, "") for term, weight in _believed(entry, vocabulary).items() if term in vocabulary.terms}

    def add(term: str, weight: float, how: str) -> None:
        if found.get(term, (0.0, ""))[0] < weight:
            found[term] = (weight, how)

    organs = [term for term in found if vocabulary.terms[term].facet == "anatomy"]
    for term in entry.labels & vocabulary.terms.keys():
        if vocabulary.terms[term].facet != "finding" or _plausible(term, entry, vocabulary):
            add(term, LABELLED, "a label")
    for term in _terms_in_name(entry, vocabulary):
        add(term, NAMED, "its name says")
    for term, (weight, _) in list(found.items()):
        for site in sites[term] if weight >= MATCHES else ():
            add(site, SITED, f"{vocabulary.terms[term].name} is there")
    if len(organs) >= SEVERAL:
        add("multi-organ", MANY, f"{len(organs)} places")
    elif region := next((organ for organ in sorted(organs) if is_region(organ, vocabulary)), None):
        add("multi-organ", REGIONAL, f"{vocabulary.terms[region].name} has several")
    return found


def _believed(entry: Entry, vocabulary: Vocabulary) -> dict[str, float]:
    """Stated terms by weight: full where sources agree or only one speaks, less where one alone says what others do not.

    A finding that only one source states, and that cannot sit in any stated anatomy, is hardly believed.
    """
    weights = dict.fromkeys(entry.terms, STATED)
    for facet in ("finding", "anatomy", "task"):
        here = {term: sources for term, sources in entry.terms.items() if term in vocabulary.terms and vocabulary.terms[term].facet == facet}
        speakers = frozenset().union(*here.values()) - REVIEWERS
        for term, sources in here.items():
            if len(sources) > 1 or sources & REVIEWERS or _supported(term, here, vocabulary):
                continue
            if facet == "finding" and not _plausible(term, entry, vocabulary):
                weights[term] = IMPLAUSIBLE
            elif len(speakers) > 1:
                weights[term] = DISPUTED
    return weights


def _supported(term: str, others: Mapping[str, frozenset[str]], vocabulary: Vocabulary) -> bool:
    """Whether another source states a kind of it, or what it is a kind or part of."""
    kin = vocabulary.ancestors(term, UP) | vocabulary.descendants(term, UP)
    return any(other in kin and others[other] != others[term] for other in others)


def _plausible(term: str, entry: Entry, vocabulary: Vocabulary) -> bool:
    """Whether a finding can sit in one of the stated places; only parts of the body speak against it (a cell may be anywhere)."""
    sites = _in_body(vocabulary.sites(term), vocabulary)
    places = _in_body(entry.terms, vocabulary)
    if not sites or not places - {"lymph node"}:
        return True
    kin = {place for site in sites for place in {site, *vocabulary.ancestors(site, UP), *vocabulary.descendants(site, UP)}}
    return bool(kin & places)


def _in_body(terms: Iterable[str], vocabulary: Vocabulary) -> set[str]:
    return {term for term in terms if term in vocabulary.terms and "body" in vocabulary.ancestors(term, UP)}


def is_region(term: str, vocabulary: Vocabulary) -> bool:
    """Whether an anatomy is a region of the body ("abdomen") rather than an organ."""
    return term in REGIONS or any(parent in REGIONS and relation == "is-a" for parent, relation in vocabulary.parents.get(term, ()))


def name_words(name: str) -> tuple[str, ...]:
    """Comparable words of a dataset's name, split where letters meet digits: "OCTA-500" is octa, 500."""
    return words(_DIGITS.sub(" ", name))


def _terms_in_name(entry: Entry, vocabulary: Vocabulary) -> set[str]:
    texts = {text for name in (entry.name, *entry.aliases) for text in (name_words(name), words(_CAMEL.sub(" ", name)))}
    found = {term for text in texts for _, terms in vocabulary.scan(text) for term in terms}
    return {term for term in found if vocabulary.terms[term].facet in NAME_FACETS}
