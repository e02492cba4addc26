"""Turn the options of a search (`--modality mri --min-samples 100`) into wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from isocenter.core.errors import NotFound
from isocenter.registry.search.wishes import ChoiceWish, NumberWish, TermWish, Wish
from isocenter.registry.vocabulary import CELL, IN_TEXT, Vocabulary
from isocenter.registry.vocabulary_text import words

SUGGESTIONS = 3


def wishes(vocabulary: Vocabulary, facets: Mapping[str, Sequence[str]], *, access: str | None = None, allows: Iterable[str] = (),
           min_samples: int | None = None) -> list[Wish]:
    """Wishes for facet values by any of their names. Raises NotFound with close names for a value that no term is called."""
    asked: list[Wish] = [_term_wish(vocabulary, facet, value, number > 0) for facet, values in facets.items() for number, value in enumerate(values)]
    if access:
        asked.append(ChoiceWish("access", access, f"--access {access}"))
    asked += [ChoiceWish("allows", what, f"--allows {what}") for what in allows]
    if min_samples is not None:
        asked.append(NumberWish("samples", ">=", min_samples, f"--min-samples {min_samples}"))
    return asked


def _term_wish(vocabulary: Vocabulary, facet: str, value: str, further: bool) -> TermWish:
    """The wish of one option; a value may be an abbreviation of catalog cells ("MG", "Loc")."""
    phrase = words(value)
    terms = tuple(term for term, scope in vocabulary.phrases.get(phrase, ()) if scope in (*IN_TEXT, CELL) and vocabulary.terms[term].facet == facet)
    if not terms:
        raise NotFound(f"no {facet} is called {value!r}", hint=_hint(vocabulary, facet, value))
    return TermWish(facet, terms, f"--{facet} {value}", both=further)


def _hint(vocabulary: Vocabulary, facet: str, value: str) -> str:
    from rapidfuzz import process

    known = {" ".join(phrase): vocabulary.terms[term].name for phrase, terms in vocabulary.phrases.items() for term, scope in terms
             if scope in (*IN_TEXT, CELL) and vocabulary.terms[term].facet == facet}
    close = dict.fromkeys(known[name] for name, _, _ in process.extract(" ".join(words(value)), list(known), limit=2 * SUGGESTIONS, score_cutoff=60))
    return f"did you mean {', '.join(list(close)[:SUGGESTIONS])}?" if close else f"isocenter sql \"select name from term where facet = '{facet}'\""
