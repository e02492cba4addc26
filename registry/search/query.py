"""Understand a query: names, phrases of the vocabulary, numbers and other words, with typing errors put right and shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from isocenter.registry.search import conditions, sizes
from isocenter.registry.search.joining import NOT, REFUSING, Phrase, join
from isocenter.registry.search.names import Names, spans, squeeze
from isocenter.registry.search.typos import Speller
from isocenter.registry.search.wishes import NameWish, Query, TermWish, Wish
from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import comparable, plain, stopwords
from isocenter.registry.vocabulary_text import words as comparables

GENERIC = frozenset({"lesion", "tumor", "cancer"})     # beside a finding by name they say nothing more
SIZE_DIGITS = 3                        # so many digits behind terms are rather a size than the rest of a name
SHORT_NUMBER = 3                       # up to so many digits a number says something only beside a name
FIRST_READ = ("modality", "finding", "anatomy", "task")
Scanned = tuple[tuple[int, int], tuple[str, ...]]      # (start, stop) of words, and the terms they are called by
_QUOTED = re.compile(r'"([^"]+)"')
_TOKEN = re.compile(r"[a-z0-9µ]+")


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    stop: int
    word: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads queries against one catalog's vocabulary and names."""

    vocabulary: Vocabulary
    names: Names
    speller: Speller
    latest_year: int

    def read(self, text: str, *, plain_words: bool = False, without: Collection[str] = ()) -> Query:
        """Understand a query. `plain_words`: take every word as it stands; `without`: facets that are not to be read from words."""
        literal = tuple(match.strip() for match in _QUOTED.findall(text))
        rest = plain(_QUOTED.sub(" , ", text))
        if plain_words:
            return Query(text=tuple(comparable(word) for word in _TOKEN.findall(rest)), literal=literal)
        amounts = sizes.read(rest, self.latest_year, self._held(rest))
        conditioned = conditions.read(amounts.text)
        corrected, repairs = self._correct(conditioned.text)
        wishes, excluded, left = self._phrases(corrected, without)
        words = [word for word in left if word not in stopwords() and not (excluded and word in REFUSING)]
        alone = not any(isinstance(wish, NameWish) for wish in wishes) and bool(wishes or not all(_says_little(word) for word in words))
        ignored = tuple(word for word in words if not self.speller.known(word) or (alone and _says_little(word)))
        further: list[Wish] = [*amounts.wishes, *conditioned.wishes]
        kept = [wish for wish in further if wish.facet not in without]
        spoken = tuple(word for wish in wishes if isinstance(wish, TermWish) for word in comparables(wish.phrase) if word not in stopwords())
        return Query((*wishes, *kept), (*excluded, *conditioned.excluded), tuple(word for word in words if word not in ignored), spoken, literal, self.names.exact(text),
                     _repaired(text, repairs) if repairs else None, (*amounts.quantities, *ignored))

    def _held(self, text: str) -> list[sizes.Span]:
        """Where a number belongs to a term or a name of several words ("COVID 19", "BraTS 2021"), so that it is no size and no year by itself.

        A name made of terms and a large number does not hold it: "COVID-19 CT 1000 scans" asks for a thousand scans.
        """
        tokens = _tokens(text)
        terms = [span for span, _ in self.vocabulary.scan([token.word for token in tokens])]
        known = {at for span in terms for at in range(*span)}
        numbers = {at for at, token in enumerate(tokens) if token.word[0].isdigit()}
        sizes_ = {at for at in numbers if len(tokens[at].word) >= SIZE_DIGITS}
        named = [span for span in spans(len(tokens)) if (inside := set(range(*span))) & numbers and (inside - numbers - known or not inside & sizes_)
                 and self.names.proper(_said(text, tokens, span))]
        return [(tokens[start].start, tokens[stop - 1].stop) for start, stop in (*terms, *named) if stop - start > 1]

    def _correct(self, text: str) -> tuple[str, dict[str, str]]:
        """The text with unknown words replaced by what was probably meant, and the replacements; names in any spelling are known."""
        tokens = _tokens(text)
        named = {at for start, stop in spans(len(tokens)) if self.names.proper(_said(text, tokens, (start, stop))) for at in range(start, stop)}
        repairs: dict[str, str] = {}
        for at, token in enumerate(tokens):
            raw = text[token.start:token.stop]
            if at not in named and token.word not in stopwords() and (better := self.speller.correct(raw, token.word)):
                repairs[raw] = better
        return _repaired(text, repairs), repairs

    def _phrases(self, text: str, without: Collection[str]) -> tuple[list[Wish], list[Wish], list[str]]:
        tokens = _tokens(text)
        words = [token.word for token in tokens]
        scanned = self.vocabulary.scan(words)
        found = [(span, self._wish(text, tokens, span, terms, without)) for span, terms in sorted([*scanned, *self._weighted(words, scanned)])]
        taken = {at for (start, stop), wish in found if wish for at in range(start, stop)}
        wishes: list[Wish] = []
        others: list[Wish] = []
        if "name" not in without:
            for name, span in self._names(text, tokens, taken):
                (others if NOT.search(text[:tokens[span[0]].start]) else wishes).append(name)
                inside = set(range(*span))
                found = [(other, wish) for other, wish in found if not inside & set(range(*other))]
                taken |= inside
        phrases = [Phrase(tokens[start].start, tokens[stop - 1].stop, wish) for (start, stop), wish in found if wish]
        joined = join(text, phrases, wishes, others)
        return self._without_repeats(joined.wishes), joined.excluded, [word for at, word in enumerate(words) if at not in taken]

    def _weighted(self, words: list[str], scanned: Sequence[Scanned]) -> list[Scanned]:
        """Words that name a kind of a modality in the query once "weighted" is added: "T2" beside "MRI"."""
        kinds = {kind for _, terms in scanned for term in terms if self.vocabulary.terms[term].facet == "modality" for kind in self.vocabulary.descendants(term)}
        taken = {at for span, _ in scanned for at in range(*span)}
        meant = {at: kinds.intersection(self.vocabulary.find(f"{word} weighted")) for at, word in enumerate(words) if at not in taken} if kinds else {}
        return [((at, at + 1), tuple(sorted(terms))) for at, terms in meant.items() if terms]

    def _wish(self, text: str, tokens: list[_Token], span: tuple[int, int], terms: tuple[str, ...], without: Collection[str]) -> TermWish | None:
        """The wish of one phrase; a phrase of several facets ("instrument") is read as the first of `FIRST_READ`."""
        by_facet: dict[str, list[str]] = {}
        for term in dict.fromkeys(self._unsided(term) for term in terms):
            by_facet.setdefault(self.vocabulary.terms[term].facet, []).append(term)
        for facet, ids in sorted(by_facet.items(), key=lambda found: FIRST_READ.index(found[0]) if found[0] in FIRST_READ else len(FIRST_READ)):
            if facet not in without:
                return TermWish(facet, tuple(ids), _said(text, tokens, span))
        return None

    def _unsided(self, term: str) -> str:
        """The term without its side: catalogs say atrium where labels say left atrium."""
        if not term.startswith(("left ", "right ")):
            return term
        return next((parent for parent, relation in self.vocabulary.parents.get(term, ()) if relation == "is-a"), term)

    def _names(self, text: str, tokens: list[_Token], taken: set[int]) -> Iterable[tuple[NameWish, tuple[int, int]]]:
        """Names in the query: whole names of any length that are more than vocabulary, and the first word of a family's names."""
        used: set[int] = set()
        for start, stop in spans(len(tokens)):
            inside = set(range(start, stop))
            phrase = _said(text, tokens, (start, stop))
            if inside & used or inside <= taken or all(tokens[at].word in stopwords() or tokens[at].word.isdigit() for at in inside):
                continue
            exact = self.names.proper(phrase)
            if not exact and (len(inside) > 1 or inside & taken or squeeze(phrase) not in self.names.prefixes):
                continue
            used |= inside
            yield NameWish(tuple(sorted(self.names.named(phrase).items())), phrase, phrase), (start, stop)

    def _without_repeats(self, wishes: list[Wish]) -> list[Wish]:
        """Drop a wish that a more special one of the same facet contains ("melanoma skin cancer", "brain hippocampus")."""
        special = {term for wish in wishes if isinstance(wish, TermWish) for term in wish.terms}
        above = {other for term in special for other in self.vocabulary.ancestors(term, ("is-a", "part-of"))}
        findings = {term for term in special if self.vocabulary.terms[term].facet == "finding"}
        if not findings <= GENERIC:
            above |= GENERIC
        return [wish for wish in wishes if not (isinstance(wish, TermWish) and set(wish.terms) <= above)]


def _tokens(text: str) -> list[_Token]:
    return [_Token(match.start(), match.end(), comparable(match.group())) for match in _TOKEN.finditer(text)]


def _says_little(word: str) -> bool:
    """Whether a word is a letter or a small number, which hundreds of texts have by chance."""
    return len(word) == 1 or (word.isdigit() and len(word) <= SHORT_NUMBER)


def _said(text: str, tokens: list[_Token], span: tuple[int, int]) -> str:
    return text[tokens[span[0]].start:tokens[span[1] - 1].stop]


def _repaired(text: str, repairs: dict[str, str]) -> str:
    """The text with whole words replaced."""
    for old, new in repairs.items():
        text = re.sub(rf"(?<![a-z0-9µ]){re.escape(old)}(?![a-z0-9µ])", new, text, flags=re.IGNORECASE)
    return text
