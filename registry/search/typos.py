"""Put typing errors right: an unknown word becomes the nearest word of the vocabulary or of a dataset's name."""

from __future__ import annotations

from dataclasses import dataclass, field

from isocenter.registry.search.names import Names, squeeze
from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import common_words

SHORTEST = 4                           # shorter words are abbreviations more often than errors
CUTOFF, SHORT_CUTOFF, SHORT = 0.76, 0.79, 7
SHORTEST_HALF = 2
REACH = 2                              # letters that a misspelt word may be shorter or longer


@dataclass(frozen=True, slots=True)
class Speller:
    """Knows every comparable word of the vocabulary, of names and of other text of the catalog."""

    vocabulary_words: frozenset[str]
    text_words: frozenset[str]
    names: Names
    _alike: dict[int, tuple[list[str], list[str]]] = field(default_factory=dict)

    def known(self, word: str) -> bool:
        return word in self.vocabulary_words or word in self.text_words or word in self.names.words

    def correct(self, raw: str, word: str) -> str | None:
        """What an unknown word probably means, or None where it is known or nothing is near.

        Damerau-Levenshtein similarity (Damerau 1964), so that two letters swapped count as one error.
        """
        if self.known(word) or word in common_words() or len(word) < SHORTEST or raw.isdigit() or self.names.proper(raw) or squeeze(raw) in self.names.prefixes:
            return None
        if halves := self._halves(word):
            return halves
        return self.names.nearly(raw) if raw[-1].isdigit() else self._nearest(word)

    def _nearest(self, word: str) -> str | None:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        cutoff = SHORT_CUTOFF if len(word) < SHORT else CUTOFF
        best: tuple[float, str] | None = None
        for bonus, choices in zip((0.02, 0.0), self._of_length(len(word))):
            found = process.extractOne(word, choices, scorer=OSA.normalized_similarity, score_cutoff=cutoff)
            if found and (len(word) > SHORTEST or (bonus and len(found[0]) > SHORTEST)) and (best is None or found[1] + bonus > best[0]):
                best = (found[1] + bonus, str(found[0]))
        return best[1] if best else None

    def _of_length(self, length: int) -> tuple[list[str], list[str]]:
        """Words of the vocabulary, and of names, of about that length."""
        if length not in self._alike:
            vocabulary, names = ([word for word in sorted(words) if abs(len(word) - length) <= REACH]
                                 for words in (self.vocabulary_words, self.names.words.keys() | self.names.prefixes.keys()))
            self._alike[length] = (vocabulary, names)
        return self._alike[length]

    def _halves(self, word: str) -> str | None:
        """Two known words written as one: "brainmri"."""
        for at in range(len(word) - SHORTEST_HALF, SHORTEST_HALF - 1, -1):
            if word[:at] in self.vocabulary_words and word[at:] in self.vocabulary_words and max(at, len(word) - at) > SHORTEST_HALF + 1:
                return f"{word[:at]} {word[at:]}"
        return None


def speller(vocabulary: Vocabulary, names: Names, text_words: frozenset[str]) -> Speller:
    """A speller for one catalog."""
    return Speller(frozenset(word for phrase in vocabulary.phrases for word in phrase), text_words, names)
