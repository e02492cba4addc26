"""Find datasets by name: exact in any spelling ("BraTS2021"), by family ("BraTS"), by part ("Kvasir"), or nearly ("TotalSegmentater")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from isocenter.registry.search.entries import Entry
from isocenter.registry.search.evidence import _CAMEL, name_words
from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import plain, words

EXACT, FAMILY, PART, SIBLING = 1.0, 0.8, 0.7, 0.55
SHORTEST_FUZZY, FUZZY_CUTOFF, FUZZY_REACH = 5, 84.0, 3
SHORTEST_PART = 3
_ACRONYM = re.compile(r"[^\s\-_\d(:]*[A-Z][^\s\-_\d(:]*[A-Z]")     # "BraTS", "LIDC", "fastMRI"; not "Multi" or "Kaggle"


@dataclass(frozen=True, slots=True)
class Names:
    """Where each name leads: whole names, families and single words of names, to dataset numbers."""

    whole: dict[str, tuple[int, ...]]
    words: dict[str, tuple[int, ...]]
    prefixes: dict[str, tuple[int, ...]]
    generic: frozenset[str] = frozenset()          # whole names made of vocabulary alone ("Brain-MRI")

    def exact(self, text: str) -> tuple[int, ...]:
        """Datasets one of whose names is this, whatever spaces, case, hyphens and the form of the year."""
        return self.whole.get(squeeze(text), ())

    def proper(self, text: str) -> tuple[int, ...]:
        """As `exact`, but nothing for a name that is made of vocabulary alone."""
        return () if squeeze(text) in self.generic else self.exact(text)

    def named(self, text: str) -> dict[int, float]:
        """Datasets that a phrase names: exactly, by family, by a word of the name, or as siblings of the one named."""
        exact = self.exact(text)
        siblings = self.prefixes.get(first_word(text), ()) if exact else ()
        found = dict.fromkeys(siblings, SIBLING) | dict.fromkeys(self.words.get(squeeze(text), ()), PART)
        found |= dict.fromkeys(self.prefixes.get(squeeze(text), ()), FAMILY)
        return found | dict.fromkeys(exact, EXACT)

    def nearly(self, text: str) -> str | None:
        """The name (squeezed) that a misspelt one most likely means."""
        from rapidfuzz import fuzz, process

        wanted = squeeze(text)
        if len(wanted) < SHORTEST_FUZZY:
            return None
        alike = [name for name in (*self.whole, *self.prefixes) if name[0] == wanted[0] and abs(len(name) - len(wanted)) <= FUZZY_REACH]
        best = process.extractOne(wanted, alike, scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF)
        return None if best is None else str(best[0])


def index_names(entries: Sequence[Entry], vocabulary: Vocabulary) -> Names:
    """Index the names, aliases and families of all datasets."""
    known = {word for phrase in vocabulary.phrases for word in phrase}
    generic: set[str] = set()
    whole: dict[str, set[int]] = defaultdict(set)
    parts: dict[str, set[int]] = defaultdict(set)
    prefixes: dict[str, set[int]] = defaultdict(set)
    for number, entry in enumerate(entries):
        for name in (entry.slug, entry.name, *entry.aliases):
            whole[squeeze(name)].add(number)
            if known.issuperset(words(name)) or known.issuperset(words(_CAMEL.sub(" ", name))):
                generic.add(squeeze(name))
            for word in {*name_words(name), *words(_CAMEL.sub(" ", name))}:
                parts[word].add(number)
            if _ACRONYM.match(name.strip()) and len(first := first_word(name)) >= SHORTEST_PART and not first.isdigit():
                prefixes[first].add(number)
        if entry.family:
            prefixes[squeeze(entry.family)].add(number)
    return Names(_frozen(whole), _frozen(parts), _frozen(prefixes), frozenset(generic))


@lru_cache(maxsize=8192)
def squeeze(name: str) -> str:
    """A name without what varies: letters and digits only, years in two digits ("BraTS 2021" and "brats21" are one)."""
    return re.sub(r"(?<!\d)(?:19|20)(\d\d)(?!\d)", r"\1", re.sub(r"[^a-z0-9]+", "", plain(name)))


def first_word(name: str) -> str:
    """What the names of a family begin with: "brats" for "BraTS 2021"."""
    return squeeze(re.split(r"[\s\-_\d(:]", name.strip(), maxsplit=1)[0])


def _frozen(groups: dict[str, set[int]]) -> dict[str, tuple[int, ...]]:
    groups.pop("", None)
    return {key: tuple(sorted(numbers)) for key, numbers in groups.items()}


def spans(length: int, longest: int = 6) -> Iterable[tuple[int, int]]:
    """All (start, stop) inside a sequence, the longest first."""
    for size in range(min(length, longest), 0, -1):
        for start in range(length - size + 1):
            yield start, start + size
