"""The controlled vocabulary: reads a catalog cell or a phrase as terms, and climbs from a term to what it is or lies in.

The terms come from `facts/term.csv`, `term_synonym.csv` and `term_parent.csv` (or the catalog's tables of the same names). Nothing here
imports SQLAlchemy or DuckDB, so a search can load it in milliseconds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from isocenter.core.errors import NotFound
from isocenter.core.near_names import advice
from isocenter.registry.vocabulary_text import FACTS, words

FACETS = ("modality", "anatomy", "finding", "task", "annotation", "dimension", "population")
EVERYWHERE, TOPIC, CELL = "", "topic", "cell"     # scopes of a synonym that `normalise` believes; "label" means a dataset's own label list
IN_TEXT = (EVERYWHERE, TOPIC)                     # what a text is about; a label called "cavity" is not what a text about cavities is about
NOTHING = frozenset({"", "na", "n a", "none", "nan", "null", "not specified", "not mention", "not mentioned", "unknown", "no", "yes", "multi", "multi modal"})
_LIST = re.compile(r"[,;|·](?![^()]*\))")               # "COVID-19, Pneumonia" are two even where their words together name one
_SEPARATORS = re.compile(r"[,/;|+&·]|\s-\s|\band\b|\bor\b")
_BRACKETS = re.compile(r"^(?P<outside>[^()]*)\((?P<inside>[^()]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Term:
    """A node of the vocabulary. `name` is what people are shown; `code` is a DICOM modality or SNOMED CT code, or None."""

    term_id: str
    facet: str
    name: str
    code_system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a raw cell says: terms of the facet asked for, and what could not be read as such."""

    terms: tuple[str, ...] = ()
    ambiguous: tuple[tuple[str, tuple[str, ...]], ...] = ()   # ("Reg", ("registration", "regression")): the caller decides by evidence
    elsewhere: tuple[str, ...] = ()                           # terms of other facets ("Polyp" in a cell for anatomy)
    unknown: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return iter(self.terms)


@dataclass(slots=True)
class Vocabulary:
    """Terms, their names and their parents. Make one with `load` or `from_rows`."""

    terms: dict[str, Term]
    parents: dict[str, tuple[tuple[str, str], ...]]                        # term → (parent, relation)
    phrases: dict[tuple[str, ...], tuple[tuple[str, str], ...]]            # words → (term, scope)
    children: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    longest: int = 1
    _closures: dict[tuple[str, tuple[str, ...], bool], frozenset[str]] = field(default_factory=dict)

    def term(self, term_id: str) -> Term:
        """The term of that id. Raises NotFound."""
        if term_id not in self.terms:
            raise NotFound(f"the vocabulary has no term {term_id!r}", hint=advice(term_id, self.terms, "isocenter sql \"select term_id, facet from term\""))
        return self.terms[term_id]

    def find(self, phrase: str, facet: str | None = None, scopes: tuple[str, ...] = (EVERYWHERE,)) -> tuple[str, ...]:
        """Terms that are called exactly this (any spelling, number, case): as a name by itself, or with `IN_TEXT` as a text's subject; an empty tuple when none is."""
        return self._find(words(phrase), facet, scopes)

    def normalise(self, facet: str, cell: str | None) -> Reading:
        """Read one raw cell as terms of a facet: "CT/ PET" is CT and PET, "HistoPathology?" is histopathology, "2D/ 3D" is 2D and 3D.

        A cell is split at commas; a piece is tried whole, then split at slashes and the like, then searched for phrases it contains. An abbreviation that stands
        for several terms is returned as ambiguous, never guessed.
        """
        terms: list[str] = []
        ambiguous: list[tuple[str, tuple[str, ...]]] = []
        elsewhere: list[str] = []
        unknown: list[str] = []
        for atom in self._atoms(facet, cell or ""):
            found = self._find(words(atom), facet, (*IN_TEXT, CELL))
            if len(found) > 1:
                ambiguous.append((atom, found))
            elif found:
                terms.extend(found)
            elif whole := self._find(words(atom), None, (*IN_TEXT, CELL)):
                elsewhere.extend(whole)
            elif inside := [term for _, terms_ in self.scan(words(atom), facet) for term in terms_]:
                terms.extend(inside)
            elif other := [term for _, terms_ in self.scan(words(atom)) for term in terms_]:
                elsewhere.extend(other)
            else:
                unknown.append(atom)
        return Reading(_once(terms), tuple(ambiguous), _once(elsewhere), tuple(unknown))

    def scan(self, text: Sequence[str], facet: str | None = None) -> list[tuple[tuple[int, int], tuple[str, ...]]]:
        """Phrases found in comparable words, the longest first at every place: ((start, stop), terms) without overlaps."""
        found = []
        start = 0
        while start < len(text):
            for stop in range(min(len(text), start + self.longest), start, -1):
                if hits := self._find(tuple(text[start:stop]), facet, IN_TEXT):
                    found.append(((start, stop), hits))
                    start = stop - 1
                    break
            start += 1
        return found

    def ancestors(self, term_id: str, relations: tuple[str, ...] = ("is-a",)) -> frozenset[str]:
        """Every term above this one along the relations, without the term itself."""
        return self._closure(term_id, relations, True)

    def descendants(self, term_id: str, relations: tuple[str, ...] = ("is-a",)) -> frozenset[str]:
        """Every term below this one along the relations, without the term itself."""
        return self._closure(term_id, relations, False)

    def sites(self, term_id: str) -> frozenset[str]:
        """The anatomy that a finding sits in or a modality looks at, its own or inherited along is-a."""
        kinds = {term_id, *self.ancestors(term_id)}
        return frozenset(parent for kind in kinds for parent, relation in self.parents.get(kind, ()) if relation == "site")

    def of_facet(self, facet: str) -> list[Term]:
        """All terms of a facet, by id."""
        return [term for _, term in sorted(self.terms.items()) if term.facet == facet]

    def _find(self, phrase: tuple[str, ...], facet: str | None, scopes: tuple[str, ...]) -> tuple[str, ...]:
        hits = self.phrases.get(phrase, ())
        return _once(term for term, scope in hits if scope in scopes and (facet is None or self.terms[term].facet == facet))

    def _atoms(self, facet: str, cell: str) -> Iterator[str]:
        """The cell itself if it is a name, else its pieces; a bracket is a piece of its own."""
        cell = cell.strip().strip("\\").strip()
        if " ".join(words(cell)) in NOTHING:
            return
        if len(pieces := _LIST.split(cell)) > 1:
            for piece in pieces:
                yield from self._atoms(facet, piece)
        elif self._find(words(cell), facet, (*IN_TEXT, CELL)) or self._find(words(cell), None, IN_TEXT):
            yield cell
        elif match := _BRACKETS.match(cell):
            yield from self._atoms(facet, match["outside"])
            yield from self._atoms(facet, match["inside"])
        elif len(pieces := _SEPARATORS.split(cell)) > 1:
            for piece in pieces:
                yield from self._atoms(facet, piece)
        else:
            yield cell

    def _closure(self, term_id: str, relations: tuple[str, ...], up: bool) -> frozenset[str]:
        key = (term_id, relations, up)
        if key not in self._closures:
            graph = self.parents if up else self.children
            reached: set[str] = set()
            todo = [term_id]
            while todo:
                for other, relation in graph.get(todo.pop(), ()):
                    if relation in relations and other not in reached:
                        reached.add(other)
                        todo.append(other)
            self._closures[key] = frozenset(reached)
        return self._closures[key]


def from_rows(terms: Iterable[Mapping[str, str | None]], synonyms: Iterable[Mapping[str, str | None]],
              parents: Iterable[Mapping[str, str | None]]) -> Vocabulary:
    """A vocabulary from rows of the tables term, term_synonym and term_parent."""
    known = {str(row["term_id"]): Term(str(row["term_id"]), str(row["facet"]), str(row["name"]), row.get("code_system") or None, row.get("code") or None)
             for row in terms}
    phrases: dict[tuple[str, ...], dict[str, str]] = {}
    for term_id, term in known.items():
        for name in (term_id, term.name):
            phrases.setdefault(words(name), {})[term_id] = EVERYWHERE
    for row in synonyms:
        entry = phrases.setdefault(words(str(row["synonym"])), {})
        if entry.get(str(row["term_id"])) != EVERYWHERE:
            entry[str(row["term_id"])] = str(row.get("scope") or EVERYWHERE)
    phrases.pop((), None)
    up: dict[str, list[tuple[str, str]]] = {}
    down: dict[str, list[tuple[str, str]]] = {}
    for row in parents:
        child, parent, relation = str(row["term_id"]), str(row["parent_id"]), str(row["relation"])
        up.setdefault(child, []).append((parent, relation))
        down.setdefault(parent, []).append((child, relation))
    return Vocabulary(known, {k: tuple(v) for k, v in up.items()}, {k: tuple(sorted(v.items())) for k, v in phrases.items()},
                      {k: tuple(v) for k, v in down.items()}, max(map(len, phrases), default=1))


@cache
def load(folder: Path = FACTS) -> Vocabulary:
    """The vocabulary of a facts folder; without one, the shipped vocabulary."""
    return from_rows(*(_read(folder / f"{table}.csv") for table in ("term", "term_synonym", "term_parent")))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
