"""How well each dataset fulfils one wish: a wish goes in, (datasets,) float32 weights in 0..1 come out."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.registry.licenses import SILENT as SILENT_LICENSES
from isocenter.registry.licenses import UNREAD, Effective, allows
from isocenter.registry.search.entries import Entry
from isocenter.registry.search.evidence import Evidence, Weights
from isocenter.registry.search.wishes import ChoiceWish, NameWish, NumberWish, TermWish, Wish

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq}
SAMPLES_FOR_SUBJECTS = 0.6             # a source that counts samples only says little about subjects
SILENT = 0.5                           # what nobody states may be so: a collection without a task suits many
MAY_BE_SILENT = ("task",)
CONTESTED = 0.6                        # some source states the licence that was asked for, but a stricter one is stated, too


@dataclass(slots=True)
class Columns:
    """The datasets' values by column; numbers that nobody states are NaN."""

    entries: Sequence[Entry]
    evidence: Evidence
    numbers: Mapping[str, NDArray[np.float64]]
    access: NDArray[np.str_]
    labelled: NDArray[np.str_]
    silent: Mapping[str, Weights]      # facet → weight of datasets of which nobody states it
    _choices: dict[tuple[str, str], Weights] = field(default_factory=dict)

    def fit(self, wish: Wish) -> Weights:
        """Weights of one wish over all datasets; from `evidence.MATCHES` on it counts as fulfilled."""
        match wish:
            case TermWish(facet, terms):
                fit: Weights = np.maximum.reduce([self.evidence.match(term) for term in terms])
                return np.maximum(fit, self.silent[facet]) if facet in self.silent else fit
            case NumberWish(facet="subjects"):
                direct = self._compare("subjects", wish)
                instead = np.where(np.isnan(self.numbers["subjects"]), SAMPLES_FOR_SUBJECTS * self._compare("samples", wish), 0)
                return np.maximum(direct, instead).astype(np.float32)
            case NumberWish(facet=column):
                return self._compare(column, wish)
            case NameWish(datasets=datasets):
                named = np.zeros(len(self.entries), np.float32)
                named[[number for number, _ in datasets]] = [weight for _, weight in datasets]
                return named
            case ChoiceWish(facet=facet, value=value):
                if (facet, value) not in self._choices:
                    self._choices[facet, value] = self._choose(facet, value)
                return self._choices[facet, value]

    def _compare(self, column: str, wish: NumberWish) -> Weights:
        with np.errstate(invalid="ignore"):
            return np.asarray(COMPARE[wish.operator](self.numbers[column], wish.value), np.float32)

    def _choose(self, facet: str, value: str) -> Weights:
        if facet == "access":
            return (self.access == value).astype(np.float32)
        if facet == "labelled":
            return (self.labelled == value).astype(np.float32)
        if facet == "allows":
            return np.array([allows(entry.license, value) == "yes" for entry in self.entries], np.float32)
        family = re.compile(rf"(LicenseRef-)?{re.escape(value)}(-\d.*|-unversioned)?")
        return np.array([_licensed(entry.license, family) for entry in self.entries], np.float32)


def columns(entries: Sequence[Entry], evidence: Evidence) -> Columns:
    """The columns of all datasets, read once per catalog."""
    def numbers(values: list[int | None]) -> NDArray[np.float64]:
        return np.array([np.nan if value is None else value for value in values], np.float64)

    return Columns(
        entries, evidence,
        {"year": numbers([entry.year for entry in entries]), "samples": numbers([entry.n_samples or None for entry in entries]),
         "subjects": numbers([entry.n_subjects or None for entry in entries])},
        np.array([entry.access or "unknown" for entry in entries], np.str_),
        np.array([{True: "yes", False: "no", None: ""}[entry.labelled] for entry in entries], np.str_),
        {facet: _silent(entries, evidence, facet) for facet in MAY_BE_SILENT},
    )


def _licensed(found: Effective, family: re.Pattern[str]) -> float:
    """1 where the strictest that is claimed is of this family, less where a stricter claim stands beside it, 0 where no source states it."""
    named = {name for name in found.ids if family.fullmatch(name)}
    others = set(found.ids) - named - SILENT_LICENSES
    if not named or not others:
        return float(bool(named))
    strictest = all(named.intersection(said.get(found.flags[flag], ())) for flag, said in found.contested.items())
    return 1.0 if strictest and not others & UNREAD else CONTESTED


def _silent(entries: Sequence[Entry], evidence: Evidence, facet: str) -> Weights:
    terms = evidence.vocabulary.terms
    return np.array([0.0 if any(term in terms and terms[term].facet == facet for term in entry.terms) else SILENT for entry in entries], np.float32)
