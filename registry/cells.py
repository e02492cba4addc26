"""Cells of outside tables: what one says in terms of the vocabulary, and counts and years in it."""

from __future__ import annotations

import re

from isocenter.registry.reg import reg_task
from isocenter.registry.vocabulary import Vocabulary

EMPTY = frozenset({"", "-", "na", "n/a", "none", "null", "nan", "not mention", "not mentioned"})
COUNT = re.compile(r"^\s*([\d.,]+)\s*([kKmM]?)\s*$")
FACTOR = {"": 1, "k": 1_000, "m": 1_000_000}
REG = {"registration", "regression"}
FacetTerm = tuple[str, str, str]                # facet, term id, the field it was read from


def read_cell(facet: str, cell: str, vocabulary: Vocabulary, row: str = "") -> list[FacetTerm]:
    """Terms that a cell of a facet's column says, each under its own facet ("Vessel" in a column of diseases is anatomy).

    `row` is what else the row says (name, address): it decides the task "Reg", or leaves it out.
    """
    reading = vocabulary.normalise(facet, cell)
    terms = [(facet, term) for term in reading.terms]
    terms += [(vocabulary.terms[term].facet, term) for term in reading.elsewhere]
    if REG in [set(several) for _, several in reading.ambiguous] and (task := reg_task(row, cell)):
        terms.append((facet, task))
    return [(own, term, f"{facet} cell") for own, term in dict.fromkeys(terms)]


def left_over(facet: str, cell: str, vocabulary: Vocabulary, row: str = "") -> list[str]:
    """What of a facet's cell `read_cell` cannot read: words that the vocabulary does not know, and abbreviations of several meanings."""
    reading = vocabulary.normalise(facet, cell)
    several = [atom for atom, terms in reading.ambiguous if not (set(terms) == REG and reg_task(row, cell))]
    return [*reading.unknown, *several]


def is_empty(cell: str) -> bool:
    """Whether a cell says nothing ("NA", "-")."""
    return " ".join(cell.replace("\\", " ").casefold().split()) in EMPTY


def count(cell: str) -> tuple[int, bool] | None:
    """A number of samples and whether the cell rounds it; None when the cell holds no single number.

    >>> count("2.7k"), count("1,151"), count("Neck")
    ((2700, True), (1151, False), None)
    """
    found = COUNT.match(cell)
    if found is None or not found[1].strip(".,"):
        return None
    number, unit = found[1].replace(",", ""), found[2].lower()
    try:
        return round(float(number) * FACTOR[unit]), bool(unit)
    except ValueError:
        return None


def year(cell: str) -> int | None:
    """A year between 1970 and 2099, the first in the cell."""
    found = re.search(r"\b(19[7-9]\d|20\d\d)\b", cell)
    return int(found[1]) if found else None


def web_address(cell: str) -> str | None:
    """The first web address of a cell, without LaTeX remnants; None when it holds none (the title of a page, say)."""
    found = re.search(r"https?://[^\s,;、]+", cell.replace("\\", ""))
    return found[0] if found else None
