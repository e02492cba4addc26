"""Cells of outside tables: split them into atoms, read them as vocabulary terms, counts and yes/no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NOTHING = {"", "-", "na", "n/a", "none", "null", "unknown", "not mention", "not mentioned", "yes", "no", "multi", "multiple", "various", "other", "others"}
SEPARATORS = re.compile(r"\s*(?:[,;/|+]|\band\b)\s*", re.IGNORECASE)
COUNT = re.compile(r"^\s*([\d.,]+)\s*([kKmM]?)\s*$")
FACTOR = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(frozen=True)
class Reading:
    """Terms read from a cell, and the atoms that are no term of the facet."""

    terms: tuple[str, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class CellReader:
    """Reads cells of one facet each against a vocabulary: folded spelling → term ids, per facet."""

    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, terms: Iterable[tuple[str, str, str]], synonyms: Iterable[tuple[str, str, str]]) -> CellReader:
        """From rows (term_id, facet, name) and (term_id, synonym, scope); the scope "label" is for label maps, not for cells."""
        facet_of: dict[str, str] = {}
        spellings: dict[str, dict[str, str]] = {}
        for term, facet, name in terms:
            facet_of[term] = facet
            table = spellings.setdefault(facet, {})
            table[fold(name)] = table[fold(term)] = term
        for term, synonym, scope in synonyms:
            if scope in ("", "cell"):
                spellings[facet_of[term]].setdefault(fold(synonym), term)
        return cls(spellings)

    def read(self, facet: str, cell: str) -> Reading:
        """Whole cell first, then its parts; "Prostate (Pelvis)" reads as both words, "Kidney (Abdomen)" too."""
        terms: list[str] = []
        unread: list[str] = []
        self._collect(facet, cell, terms, unread)
        return Reading(tuple(dict.fromkeys(terms)), tuple(dict.fromkeys(unread)))

    def _collect(self, facet: str, text: str, terms: list[str], unread: list[str]) -> None:
        if fold(text) in NOTHING:
            return
        if found := self._look_up(facet, text):
            terms.append(found)
            return
        outside, inside = re.sub(r"\([^)]*\)?", " ", text), re.findall(r"\(([^)]*)\)?", text)
        parts = [part for part in SEPARATORS.split(outside) if part.strip()] if inside or SEPARATORS.search(text) else []
        if not inside and len(parts) < 2:
            unread.append(text.strip())
            return
        for part in [*parts, *inside]:
            self._collect(facet, part, terms, unread)

    def _look_up(self, facet: str, text: str) -> str | None:
        table, key = self.spellings.get(facet, {}), fold(text)
        for candidate in (key, key.removesuffix("s"), key + "s", re.sub(r"[-_]", " ", key)):
            if candidate in table:
                return table[candidate]
        return None


def fold(text: str) -> str:
    return " ".join(text.replace("\\", " ").replace("\u2019", "'").casefold().strip(" .?:").split())


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
    """A year between 1970 and 2100, the first in the cell."""
    found = re.search(r"\b(19[7-9]\d|20\d\d)\b", cell)
    return int(found[1]) if found else None
