"""Search one catalog: open it once, then every query gives ranked hits, near misses that say what they miss, and facet counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.registry.search.entries import Catalog, Entry
from isocenter.registry.search.evidence import CERTAIN, MATCHES, Evidence, Weights, evidence
from isocenter.registry.search.explain import miss, shown, why
from isocenter.registry.search.facets import FacetCounter, FacetCounts, facet_counter
from isocenter.registry.search.fit import Columns, columns
from isocenter.registry.search.prepared import Prepared, open_prepared, prepare
from isocenter.registry.search.query import Reader
from isocenter.registry.search.standing import focus, prior
from isocenter.registry.search.text import TextIndex
from isocenter.registry.search.typos import speller
from isocenter.registry.search.wishes import NameWish, Query, TermWish, Wish
from isocenter.registry.vocabulary_text import words

WEIGHTS: Mapping[str, float] = {"name": 3.0, "finding": 1.3, "anatomy": 1.1, "modality": 1.1, "task": 0.7, "population": 0.7, "allows": 0.6, "samples": 0.6,
                                "subjects": 0.6, "license": 0.6, "year": 0.5, "access": 0.5, "dimension": 0.5, "annotation": 0.5, "labelled": 0.4}
TEXT_WEIGHT = 0.8                      # of words that are no facet, against wishes
ECHO_WEIGHT = 0.02                     # breaks ties: the words of the query stand in the name or text, which count alike
NAME_BONUS = 0.3                       # for the dataset that is called like the whole query
PRIOR_WEIGHT = 0.06                    # breaks ties: used, large, labelled
OTHER_THAN_HUMAN = 0.06                # lost by animals and phantoms where the query does not say whom it is about
NOT_HUMAN = ("animal", "phantom")
FEWEST = 10                            # so many hits are filled up with datasets that may fit ("only says lung disease")
EXCLUDED = 0.8                         # a dataset that fits an excluded term so well is out
ALTERNATIVE = frozenset({"modality", "anatomy", "finding", "task", "dimension", "annotation"})
SUBJECT = frozenset({"anatomy", "finding", "name"})     # what a dataset is about
LATEST_YEAR = 2025


@dataclass(frozen=True, slots=True)
class Hit:
    """A dataset that fits, or (not `certain`) may fit. `why` says for every wish how it is met; `misses` says which wish is not."""

    entry: Entry
    score: float
    why: tuple[str, ...]
    misses: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one query. `hits` holds the first of the `total` datasets that fit and, where those are few, of the `may` that may fit;
    `facets` counts what fits; near misses lack one wish."""

    query: Query
    hits: tuple[Hit, ...]
    near: tuple[Hit, ...]
    facets: FacetCounts
    total: int
    may: int
    understood: tuple[Mapping[str, str], ...]


@dataclass(slots=True)
class Engine:
    """An opened catalog. Make one with `open_catalog`; `search` may be called any number of times."""

    catalog: Catalog
    evidence: Evidence
    columns: Columns
    text: TextIndex
    reader: Reader
    facets: FacetCounter
    prior: Weights
    focus: Mapping[str, Weights]

    def search(self, text: str, wishes: Sequence[Wish] = (), *, limit: int = 20, plain_words: bool = False, without: Collection[str] = ()) -> Result:
        """Answer a query; `wishes` are asked for beside what the words say (the options of the command line).

        Hits fulfil every wish and come best first, the certain ones before those that may fit; near misses lack one. Without wishes, the words are looked up as text.
        Where no dataset of a name in the query fulfils the rest, the name is looked up as text.
        """
        query = self.reader.read(text, plain_words=plain_words, without=without)
        result = self._answer(query, wishes, limit)
        if not result.hits and any(isinstance(wish, NameWish) for wish in query.wishes) and len(result.understood) > 1:
            return self._answer(self.reader.read(text, without={*without, "name"}), wishes, limit)
        return result

    def _answer(self, query: Query, wishes: Sequence[Wish], limit: int) -> Result:
        asked = (*query.wishes, *wishes)
        fits = [self.columns.fit(wish) for wish in asked]
        groups = _wish_groups(asked, fits, len(query.wishes))
        score, possible = self._score(query, asked, fits)
        missed, certain = self._missed(groups)
        fitting, others = (np.flatnonzero(possible & (missed == 0) & sure) for sure in (certain, ~certain))
        hits = np.concatenate([_best(score, fitting, limit), _best(score, others, max(0, FEWEST - len(fitting)))])[:limit]
        near = _best(score, np.flatnonzero(possible & (missed == 1) & _about(groups)), limit) if len(asked) > 1 else hits[:0]
        found, apart = (tuple(self._hit(int(number), float(score[number]), groups, query, bool(certain[number])) for number in numbers) for numbers in (hits, near))
        return Result(query, found, apart, self.facets.count(fitting, self._asked(asked, fitting)), len(fitting), len(others), tuple(shown(wish, self.catalog.vocabulary) for wish in asked))

    def _asked(self, asked: Sequence[Wish], fitting: NDArray[np.int64]) -> dict[tuple[str, str], int]:
        """How many of what fits have each term that was asked for, as it fits: a kind or a part of it, a label, and the place of a finding count."""
        terms = [self.catalog.vocabulary.terms[term] for wish in asked if isinstance(wish, TermWish) for term in wish.terms]
        counts = {(term.facet, term.name): int(np.count_nonzero(self.evidence.match(term.term_id)[fitting] >= CERTAIN)) for term in terms}
        return {value: count for value, count in counts.items() if count}

    def _score(self, query: Query, asked: Sequence[Wish], fits: Sequence[Weights]) -> tuple[Weights, NDArray[np.bool_]]:
        size = len(self.catalog.entries)
        text = self.text.scores(query.text, [words(phrase) for phrase in query.literal])
        possible = np.ones(size, bool)
        if query.literal or (not asked and (query.text or query.ignored)):
            possible &= text > 0
        for together in _together(query.excluded):
            possible &= np.minimum.reduce([self.columns.fit(wish) for wish in together]) < EXCLUDED
        score = PRIOR_WEIGHT * self.prior
        if not any(wish.facet in ("population", "name") for wish in asked):
            score = score - OTHER_THAN_HUMAN * self.evidence.stated(NOT_HUMAN)
        if query.phrases:
            score = score + ECHO_WEIGHT * self.text.scores(query.phrases, name_boost=1.0)
        if query.text or query.literal:
            share = len(query.text) + len(query.literal)
            score = score + TEXT_WEIGHT * text * share / (share + len(asked))
        if asked:
            weights = np.array([WEIGHTS[wish.facet] for wish in asked], np.float32)
            weighed = [fit * self.focus[wish.facet] if wish.facet in self.focus else fit for wish, fit in zip(asked, fits)]
            score = score + weights @ np.stack(weighed) / weights.sum()
        score = score.astype(np.float32)
        score[list(query.named)] += NAME_BONUS
        return score, possible

    def _missed(self, groups: Sequence[_Group]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """How many wishes each dataset misses, and whether the rest is certain. A dataset that the query names outright misses nothing."""
        missed = np.zeros(len(self.catalog.entries), np.int64)
        certain = np.ones(len(self.catalog.entries), bool)
        for group in groups:
            missed += group.best < group.enough
            certain &= group.best >= CERTAIN
        for group in groups:
            if isinstance(group.wishes[0], NameWish):
                missed[group.best >= 1] = 0
                certain[group.best >= 1] = True
                missed[group.best < MATCHES] += 1       # another dataset is no near miss
        return missed, certain

    def _hit(self, number: int, score: float, groups: Sequence[_Group], query: Query, certain: bool) -> Hit:
        entry = self.catalog.entries[number]
        asked = [(wish, float(fit[number]), group) for group in groups for wish, fit in zip(group.wishes, group.fits)]
        met = [why(number, entry, wish, fit, self.evidence) for wish, fit, group in asked if fit >= group.enough]
        if number in query.named and not any(isinstance(wish, NameWish) for wish, _, _ in asked):
            met.insert(0, f"name: {entry.name}")
        said = {word for name in (entry.name, *entry.aliases) for word in words(name)}
        found = [*(word for word in query.text if word in said), *query.literal]
        if found or not met:
            met.append(f"words: {', '.join(found or query.text)}" if found or query.text else "every dataset")
        lacks = [miss(entry, group.wishes[0], self.catalog.vocabulary) for group in groups if group.best[number] < group.enough]
        return Hit(entry, round(score, 4), tuple(met), tuple(lacks), certain)


@dataclass(frozen=True, slots=True)
class _Group:
    """Wishes of which one must be met, how well each dataset meets them, and from where on that is enough."""

    wishes: tuple[Wish, ...]
    fits: tuple[Weights, ...]
    best: Weights
    enough: float


def open_catalog(path: Path) -> Engine:
    """An engine over a catalog file (DuckDB). Raises NotFound when there is none, BadInput when it is no catalog."""
    return _engine(open_prepared(path))


def make_engine(catalog: Catalog) -> Engine:
    """An engine over a catalog in memory."""
    return _engine(prepare(catalog))


def _engine(prepared: Prepared) -> Engine:
    catalog, names, text = prepared.catalog, prepared.names, prepared.text
    entries, vocabulary = catalog.entries, catalog.vocabulary
    seen = evidence(prepared.found, vocabulary)
    latest = max((entry.year for entry in entries if entry.year), default=LATEST_YEAR)
    reader = Reader(vocabulary, names, speller(vocabulary, names, text.vocabulary), latest)
    return Engine(catalog, seen, columns(entries, seen), text, reader, facet_counter(entries, vocabulary), prior(entries), focus(entries, vocabulary))


def _wish_groups(asked: Sequence[Wish], fits: Sequence[Weights], read: int) -> list[_Group]:
    """Wishes of which one must be met: every wish alone, but several values of a facet in a row are alternatives unless joined by "and".

    The first `read` wishes come from words; the others come from options, which only what is certain fulfils.
    """
    groups: list[list[int]] = []
    open_group: dict[str, list[int]] = {}
    for number, wish in enumerate(asked):
        if isinstance(wish, TermWish) and wish.facet in ALTERNATIVE and not wish.both and wish.facet in open_group:
            open_group[wish.facet].append(number)
            continue
        groups.append([number])
        open_group[wish.facet] = groups[-1]
    return [_Group(tuple(asked[at] for at in group), here := tuple(fits[at] for at in group), np.maximum.reduce(here), MATCHES if group[0] < read else CERTAIN)
            for group in groups]


def _together(excluded: Sequence[Wish]) -> list[list[Wish]]:
    """What to leave out, what counts only together in one list."""
    groups: list[list[Wish]] = []
    for wish in excluded:
        if isinstance(wish, TermWish) and wish.both and groups:
            groups[-1].append(wish)
        else:
            groups.append([wish])
    return groups


def _about(groups: Sequence[_Group]) -> NDArray[np.bool_] | bool:
    """Which datasets are about what was asked for: they surely meet a wish for a place, a finding or a name, where there is one. A set that
    shares only the modality or the task is no near miss."""
    about = [group.best >= CERTAIN for group in groups if group.wishes[0].facet in SUBJECT]
    return np.logical_or.reduce(about) if about else True


def _best(score: Weights, numbers: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """The best `limit` of these datasets, best first; equal scores in the order of the catalog."""
    found = score[numbers]
    if len(numbers) > limit > 0:
        kept = found >= np.partition(found, len(found) - limit)[len(found) - limit]
        numbers, found = numbers[kept], found[kept]
    return numbers[np.argsort(-found, kind="stable")][:limit]
