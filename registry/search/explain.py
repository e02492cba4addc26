"""Say in words why a dataset fits a wish, what it misses, and how a query was understood."""

from __future__ import annotations

from collections.abc import Mapping

from isocenter.registry.amounts import amount
from isocenter.registry.licenses import DISAGREE, in_words, title
from isocenter.registry.search.entries import Entry
from isocenter.registry.search.evidence import CERTAIN, MATCHES, Evidence
from isocenter.registry.search.wishes import ChoiceWish, NameWish, NumberWish, TermWish, Wish
from isocenter.registry.vocabulary import Vocabulary

FACETS_SHOWN = 4


def shown(wish: Wish, vocabulary: Vocabulary) -> dict[str, str]:
    """A wish as it is shown back: facet, value and the words it was read from."""
    match wish:
        case TermWish(facet, terms, phrase):
            return {"facet": facet, "value": " or ".join(vocabulary.terms[term].name for term in terms), "phrase": phrase}
        case NumberWish(facet, operator, value, phrase):
            return {"facet": facet, "value": f"{operator} {value}" if operator != "==" else str(value), "phrase": phrase}
        case ChoiceWish(facet, value, phrase) | NameWish(facet=facet, name=value, phrase=phrase):
            return {"facet": facet, "value": value, "phrase": phrase}


def left_out(wish: Wish, vocabulary: Vocabulary) -> dict[str, str | bool]:
    """What must not be there, as it is shown back; `with_last`: only together with what was left out before it."""
    return {**shown(wish, vocabulary), "with_last": isinstance(wish, TermWish) and wish.both}


def why(dataset: int, entry: Entry, wish: Wish, weight: float, evidence: Evidence) -> str:
    """How a dataset fulfils a wish."""
    match wish:
        case TermWish(facet, terms, _):
            return f"{facet}: {_why_term(dataset, terms, evidence)}"
        case NumberWish("samples", _, _, _):
            return f"samples: {_count(entry.n_samples, entry.sample_unit)}"
        case NumberWish("subjects", _, _, _):
            return f"subjects: {entry.n_subjects}" if entry.n_subjects else f"samples: {_count(entry.n_samples, entry.sample_unit)} (subjects not stated)"
        case NumberWish("year", _, _, _):
            return f"year: {entry.year}"
        case ChoiceWish("access", value, _):
            return f"access: {value}"
        case ChoiceWish("labelled", value, _):
            return "labelled" if value == "yes" else "not labelled"
        case ChoiceWish("allows", value, _):
            return f"allows {value}: licence {title(entry.license)}"
        case ChoiceWish("license", _, _):
            return f"license: {title(entry.license)}{'' if weight >= CERTAIN else f' ({DISAGREE})'}"
        case NameWish(name=name):
            return f"name: {name}" if weight >= 1 else f"name: like {name}"
    raise AssertionError(wish)


def miss(entry: Entry, wish: Wish, vocabulary: Vocabulary) -> str:
    """What a dataset lacks for a wish, and what it has instead."""
    wanted = shown(wish, vocabulary)
    text = f"{wanted['facet']}: {wanted['value']}"
    match wish:
        case TermWish(facet, _, _):
            has = sorted(vocabulary.terms[term].name for term in entry.terms if term in vocabulary.terms and vocabulary.terms[term].facet == facet)
            instead = ", ".join(has[:FACETS_SHOWN]) + (" …" if len(has) > FACETS_SHOWN else "")
        case NumberWish(facet, _, _, _):
            value = {"samples": entry.n_samples, "subjects": entry.n_subjects, "year": entry.year}[facet]
            instead = str(value) if value else ""
        case ChoiceWish("access", _, _):
            instead = entry.access if entry.access and entry.access != "unknown" else ""
        case ChoiceWish("allows", value, _):
            return f"{text} ({in_words(entry.license, value)}, licence {title(entry.license)})"
        case ChoiceWish("license", _, _):
            instead = title(entry.license)
        case ChoiceWish("labelled", _, _):
            instead = {True: "yes", False: "no", None: ""}[entry.labelled]
        case _:
            instead = entry.name
    return f"{text} ({'has ' + instead if instead else 'not stated'})"


def _why_term(dataset: int, terms: tuple[str, ...], evidence: Evidence) -> str:
    reasons = [(reason, term) for term in terms if (reason := evidence.reason(dataset, term)) and reason.weight >= MATCHES]
    if not reasons:
        return f"{evidence.vocabulary.terms[terms[0]].name} (may be, not stated)"
    reason, term = max(reasons, key=lambda pair: pair[0].weight)
    wanted, has = evidence.vocabulary.terms[term].name, evidence.vocabulary.terms[reason.term].name
    if reason.term == term:
        return f"{wanted} ({reason.how})" if reason.how else wanted
    if reason.how in ("is a kind of", "is part of"):
        return f"{wanted} ({has} {reason.how} it)"
    if reason.how == "labels give":
        return f"{wanted} (from {has} labels)"
    if reason.how == "goes with":
        return f"{wanted} ({has} goes with it)"
    if reason.how == "covers":
        return f"{wanted} ({has} may cover it)"
    return f"{wanted} (only says {has})" if reason.weight >= MATCHES else f"{wanted} ({has})"


def _count(number: int | None, unit: str | None) -> str:
    return amount(number, unit or "sample") if number else "not stated"


def summary(understood: tuple[Mapping[str, str], ...]) -> str:
    """One line: "modality: MR, anatomy: Brain"."""
    return ", ".join(f"{wish['facet']}: {wish['value']}" for wish in understood)
