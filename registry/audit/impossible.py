"""Cells that contradict the rest of their row: a finding or structure that lies elsewhere than what the row's other cells show.

A rule over the vocabulary alone, no list of datasets: every term has a place (the site of a finding, what a modality looks at, an anatomy
itself), and two places agree if one lies in the other or both lie in one organ. How well it does on a table whose wrong cells are
known: `docs/decisions/101-impossible-pairs.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import words

UP = ("is-a", "part-of", "union-of")
REGIONS = frozenset({"body", "trunk", "head", "neck", "head and neck", "thorax", "abdomen", "pelvis", "full body", "upper limb", "lower limb", "limb"})
EVERYWHERE = frozenset({"full body", "body", "multi-organ", "phantom"})          # a row that shows these shows any place
TISSUES = frozenset({                                                            # found in any place: they say nothing for or against one
    "cell", "nucleus", "cell nucleus", "tissue", "soft tissue", "vessel", "blood vessel", "blood", "blood cell", "artery", "vein", "nerve", "bone", "lymph node",
    "lymphatic system", "gland", "muscle", "surface", "lymphocyte", "instrument", "bone marrow", "sperm", "mitochondrion", "placenta", "amniotic fluid",
})
MICROSCOPIC = frozenset({"cell", "nucleus", "cell nucleus", "blood cell", "mitochondrion"})
MICROSCOPES = frozenset({"histopathology", "microscopy", "cytology", "optical imaging"})
UNSEEN = {                                                                       # what a modality, or any kind of it, cannot show
    "ct": frozenset({"skin", "retina"}), "mr": frozenset({"skin", "retina"}), "pet": frozenset({"skin", "retina"}), "endoscopy": frozenset({"skin", "retina"}),
    "computed radiography": frozenset({"skin", "retina", "brain"}), "digital radiography": frozenset({"skin", "retina", "brain"}), "x-ray": frozenset({"skin", "retina", "brain"}),
    "microscopy": frozenset({"skin"}),
}
ANGIOGRAPHY = "angiography"
TRAVELS = ("metasta", "lymphoma", "myeloma")               # diseases found far from where they start
STAGED = ("melanoma",)                                     # looked for by modalities that cannot show where it starts
FLUID = frozenset({"blood", "blood cell", "bone marrow"})  # diseases of these are seen in them
CHECKED = ("finding", "anatomy")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A term of one field that cannot go with the places that another field shows."""

    field: str                            # finding or anatomy: the cell in doubt
    term: str
    place: tuple[str, ...]
    against: str                          # the field that speaks against it: name, modality, anatomy
    shows: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.field} {self.term!r} (in the {', '.join(self.place)}) cannot go with {self.against} ({', '.join(self.shows)})"


def contradictions(cells: Mapping[str, Sequence[str]], name: str, vocabulary: Vocabulary, known: Sequence[str] = ()) -> list[Contradiction]:
    """Contradictions of a row. `cells`: field ("modality", "anatomy", "finding") → term ids read from that cell, of whatever facet.

    `known`: what the catalog believes about a dataset of that name, as terms; the row is held against it last.
    """
    modalities = [term for term in cells.get("modality", ()) if vocabulary.terms[term].facet == "modality"]
    shown = {
        "name": _places(_named(name, vocabulary), vocabulary),
        "modality": _shown_by(modalities, vocabulary),
        "anatomy": _places(cells.get("anatomy", ()), vocabulary),
        "the catalog": _places([term for term in known if not any(part in term for part in TRAVELS)], vocabulary),
    }
    found = []
    for field in CHECKED:
        placed = [term for term in cells.get(field, ()) if _places([term], vocabulary)]
        doubts = [doubt for term in placed if (doubt := _check(field, term, shown, modalities, vocabulary))]
        if len(doubts) == len(placed):                     # a cell that also names a place which agrees is a longer list, not a wrong cell
            found += doubts
    staged = {one for term in cells.get("finding", ()) if term in STAGED for one in _places([term], vocabulary)}
    return [one for one in found if not (one.field == "anatomy" and one.against == "modality" and staged & set(one.place))]


def lies_elsewhere(term: str, shown: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Whether the place of a term agrees with none of the places that these terms have; False where either may lie anywhere."""
    place, places = _places([term], vocabulary), _places(shown, vocabulary)
    kinds, telling = frozenset(kind for one in place for kind in _kinds(one, vocabulary)), places - TISSUES
    return bool(place and telling) and not (kinds & MICROSCOPIC or place & TISSUES or (place | places) & EVERYWHERE) and not _agree(place, telling, vocabulary)


def _check(field: str, term: str, shown: Mapping[str, frozenset[str]], modalities: Sequence[str], vocabulary: Vocabulary) -> Contradiction | None:
    place = _places([term], vocabulary)
    if not place or place & EVERYWHERE or any(part in term for part in TRAVELS):
        return None
    too_small = place <= MICROSCOPIC and not any(_kinds(one, vocabulary) & MICROSCOPES for one in modalities)
    unseen = term not in STAGED and all(_unseen(place, one, vocabulary) for one in modalities)
    if modalities and (too_small or unseen):
        return Contradiction(field, term, tuple(sorted(place)), "modality", tuple(modalities))
    elsewhere = field == "finding" and place <= FLUID and shown["anatomy"] and not shown["anatomy"] & (TISSUES | EVERYWHERE)
    if elsewhere and vocabulary.terms[term].facet == "finding":
        return Contradiction(field, term, tuple(sorted(place)), "anatomy", tuple(sorted(shown["anatomy"])))
    if place & TISSUES:
        return None
    for against, places in shown.items():
        telling = places - TISSUES
        if against != field and telling and not places & EVERYWHERE and not _agree(place, telling, vocabulary):
            return Contradiction(field, term, tuple(sorted(place)), against, tuple(sorted(telling)))
    return None


def _kinds(term: str, vocabulary: Vocabulary) -> set[str]:
    return {term, *vocabulary.ancestors(term)}


def _unseen(place: frozenset[str], modality: str, vocabulary: Vocabulary) -> bool:
    """Whether a modality cannot show any of these places. Tomography of the eye or angiography of the brain has a site of its own."""
    kinds = _kinds(modality, vocabulary)
    return ANGIOGRAPHY not in kinds and not vocabulary.sites(modality) and any(place <= UNSEEN.get(kind, frozenset()) for kind in kinds)


def _shown_by(modalities: Sequence[str], vocabulary: Vocabulary) -> frozenset[str]:
    """The places that the row's modalities look at; none if one of them may look anywhere."""
    sites = [vocabulary.sites(one) for one in modalities]
    return frozenset().union(*sites) if sites and all(sites) else frozenset()


def _places(terms: Sequence[str], vocabulary: Vocabulary) -> frozenset[str]:
    places: set[str] = set()
    for term in terms:
        places |= {term} if vocabulary.terms[term].facet == "anatomy" else vocabulary.sites(term)
    return frozenset(places)


def _named(name: str, vocabulary: Vocabulary) -> list[str]:
    """Terms that the name spells out ("Digital Mammography", "ALZHEIMER'S"), single short words aside."""
    text = words(name)
    return [term for (start, stop), terms in vocabulary.scan(text) if len(terms) == 1 and sum(map(len, text[start:stop])) > 3 for term in terms
            if vocabulary.terms[term].facet in ("modality", "anatomy", "finding")]


def _agree(some: frozenset[str], others: frozenset[str], vocabulary: Vocabulary) -> bool:
    return any(_same(one, other, vocabulary) for one in some for other in others)


def _same(one: str, other: str, vocabulary: Vocabulary) -> bool:
    """One lies in the other, or both lie in one thing smaller than a region of the body."""
    over, above = {one, *vocabulary.ancestors(one, UP)}, {other, *vocabulary.ancestors(other, UP)}
    return one in above or other in over or bool((over & above) - REGIONS - TISSUES)
