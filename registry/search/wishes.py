"""What a query asks for: each wish has a facet, the value shown back, and the words of the query it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal[">", ">=", "<", "<=", "=="]


@dataclass(frozen=True, slots=True)
class TermWish:
    """One facet; the terms are alternatives ("ultrasound or MRI"). `both`: asked for, or left out, together with the wish before ("PET and CT")."""

    facet: str
    terms: tuple[str, ...]
    phrase: str
    both: bool = False


@dataclass(frozen=True, slots=True)
class NumberWish:
    """A bound on samples, subjects or year."""

    facet: Literal["samples", "subjects", "year"]
    operator: Operator
    value: int
    phrase: str


@dataclass(frozen=True, slots=True)
class ChoiceWish:
    """access: open, registration or application; allows: a licence flag; license: a family of licences; labelled: yes or no."""

    facet: Literal["access", "allows", "license", "labelled"]
    value: str
    phrase: str


@dataclass(frozen=True, slots=True)
class NameWish:
    """Datasets that the query names, with how surely (dataset number → 0..1)."""

    datasets: tuple[tuple[int, float], ...]
    name: str
    phrase: str
    facet: Literal["name"] = "name"


Wish = TermWish | NumberWish | ChoiceWish | NameWish


@dataclass(frozen=True, slots=True)
class Query:
    """A query understood: wishes to fulfil, what to keep out, other words to look for, and how the query was corrected."""

    wishes: tuple[Wish, ...] = ()
    excluded: tuple[Wish, ...] = ()        # what a dataset must not have
    text: tuple[str, ...] = ()             # comparable words that are no facet
    phrases: tuple[str, ...] = ()          # comparable words that were read as facets
    literal: tuple[str, ...] = ()          # quoted phrases, looked for as they stand
    named: tuple[int, ...] = ()            # datasets called exactly like the whole query
    corrected: str | None = None           # the query as it was understood, where that differs
    ignored: tuple[str, ...] = ()          # words that nothing in the catalog has
