"""What `isocenter search` prints: one JSON object, or a page for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size
from typing import Any

import click

from isocenter.cli.options import visible
from isocenter.registry.amounts import amount
from isocenter.registry.licenses import allows, in_words, title
from isocenter.registry.search.engine import Hit, Result
from isocenter.registry.search.explain import left_out, summary
from isocenter.registry.vocabulary import Vocabulary

NEAR_SHOWN = 5
TERMS_SHOWN = 4
COUNTS_SHOWN = 6
INDENT = "    "
ACCESS_COLOURS = {"open": "green", "registration": "yellow", "application": "red"}
SAID = {"unknown": "not stated", "contested": "sources disagree"}


def body(result: Result, vocabulary: Vocabulary) -> dict[str, Any]:
    """The result as one JSON object."""
    return {
        "hits": [_hit(hit, vocabulary) for hit in result.hits],
        "near": [{**_hit(hit, vocabulary), "misses": list(hit.misses)} for hit in result.near],
        "facets": result.facets,
        "total": result.total,
        "may": result.may,
        "understood": [dict(wish) for wish in result.understood],
        "excluded": [left_out(wish, vocabulary) for wish in result.query.excluded],
        "words": [*result.query.text, *result.query.literal],
        "ignored": list(result.query.ignored),
        "did_you_mean": result.query.corrected,
    }


def _hit(hit: Hit, vocabulary: Vocabulary) -> dict[str, Any]:
    entry = hit.entry
    return {
        "slug": entry.slug, "name": entry.name, "aliases": list(entry.aliases), "score": hit.score, "certain": hit.certain, "why": list(hit.why), "year": entry.year,
        "n_samples": entry.n_samples, "sample_unit": entry.sample_unit, "n_subjects": entry.n_subjects, "access": entry.access or "unknown",
        "license": list(entry.license.ids), "commercial": allows(entry.license, "commercial"), "second_hand": entry.license.second_hand, "homepage": entry.homepage,
        **{facet: _terms(hit, facet, vocabulary) for facet in ("modality", "anatomy", "finding", "task", "dimension")},
    }


def as_text(result: Result, vocabulary: Vocabulary) -> str:
    """The page for people: what was understood, the hits, near misses, and what the hits have."""
    width = max(60, min(get_terminal_size().columns, 120))
    shared = _shared(result.hits)
    lines = [*_head(result, vocabulary), *_why(shared, width, "why, each of them"), ""]
    for number, hit in enumerate(result.hits, 1):
        if not hit.certain and number > 1 and result.hits[number - 2].certain:
            lines += [click.style("may fit", bold=True), ""]
        lines += [*_dataset(number, hit, vocabulary, width), *_why([reason for reason in hit.why if reason not in shared], width), ""]
    if result.near:
        lines += [click.style("near misses", bold=True), *(line for hit in result.near[:NEAR_SHOWN] for line in _near(hit, width)), ""]
    return "\n".join([*lines, *_counts(result, width)]).rstrip()


def _head(result: Result, vocabulary: Vocabulary) -> list[str]:
    lines = []
    if result.query.corrected:
        lines.append(f"did you mean: {_styled(result.query.corrected, bold=True)}  (shown below)")
    if result.understood:
        refused = [left_out(wish, vocabulary) for wish in result.query.excluded]
        without = "".join(f"{' with' if wish['with_last'] else ', not'} {wish['value']}" for wish in refused)
        lines.append(f"understood as {_styled(summary(result.understood) + without, fg='cyan')}")
    if result.query.text or result.query.literal:
        lines.append(visible(f"words: {', '.join((*result.query.text, *result.query.literal))}"))
    if result.query.ignored:
        lines.append(visible(f"nothing in the catalog has: {', '.join(result.query.ignored)}"))
    return [*lines, _found(result)]


def _found(result: Result) -> str:
    """How many fit, how many more may where those follow, and how many of all are shown."""
    certain = sum(hit.certain for hit in result.hits)
    fitting = f"{amount(result.total, 'dataset')} {'fits' if result.total == 1 else 'fit'}" if result.total else f"no dataset {'surely ' * bool(result.may)}fits all of this"
    if certain < result.total:
        return f"{fitting}, the best {certain}:"
    if certain == len(result.hits):
        return fitting
    shown = len(result.hits) - certain
    return f"{fitting}, {result.may:,}{' more' * bool(result.total)} may" + (f"; the likeliest {shown} of those are listed, too" if shown < result.may else "")


def _shared(hits: Sequence[Hit]) -> list[str]:
    """Reasons that all hits have in common, said once."""
    return [reason for reason in hits[0].why if all(reason in hit.why for hit in hits)] if len(hits) > 1 else []


def _dataset(number: int, hit: Hit, vocabulary: Vocabulary, width: int) -> list[str]:
    entry = hit.entry
    head = f"{number:>3} {_styled(entry.name, bold=True)}" + (f"  {entry.year}" if entry.year else "")
    facts = [amount(entry.n_samples, entry.sample_unit or "sample") if entry.n_samples else "size not stated", *(", ".join(_shorten(_terms(hit, facet, vocabulary))) for facet in ("modality", "anatomy", "finding", "task"))]
    access = entry.access or "unknown"
    said = f"access {SAID.get(access, access)}"
    terms = _wrapped(f"{said} · licence {title(entry.license)} · commercial use: {in_words(entry.license, 'commercial')}", width)
    return [head, *_wrapped(" · ".join(fact for fact in facts if fact), width), terms[0].replace(said, click.style(said, fg=ACCESS_COLOURS.get(access)), 1), *terms[1:]]


def _why(reasons: Sequence[str], width: int, label: str = "why") -> list[str]:
    return [click.style(line, dim=True) for line in _wrapped(f"{label}: {'; '.join(reasons)}", width)] if reasons else []


def _near(hit: Hit, width: int) -> list[str]:
    year = f" ({hit.entry.year})" if hit.entry.year else ""
    return textwrap.wrap(visible(f"{hit.entry.name}{year} misses {'; '.join(hit.misses)}"), width, initial_indent=INDENT, subsequent_indent=INDENT * 2)


def _counts(result: Result, width: int) -> list[str]:
    if result.total < 2:
        return []
    lines = []
    for facet, counts in result.facets.items():
        shown = ", ".join(f"{SAID.get(value, value)} {count}" for value, count in list(counts.items())[:COUNTS_SHOWN])
        lines.append(textwrap.shorten(visible(f"{facet:<14} {shown}"), width, placeholder=" …"))
    return lines


def _terms(hit: Hit, facet: str, vocabulary: Vocabulary) -> list[str]:
    return sorted(vocabulary.terms[term].name for term in hit.entry.terms if term in vocabulary.terms and vocabulary.terms[term].facet == facet)


def _styled(text: str, **style: Any) -> str:
    """Text from outside in a style of ours: what it brings along itself is shown, not obeyed."""
    return click.style(visible(text), **style)


def _shorten(names: Iterable[str]) -> list[str]:
    names = list(names)
    return names if len(names) <= TERMS_SHOWN else [*names[:TERMS_SHOWN], f"{len(names) - TERMS_SHOWN} more"]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(visible(text), width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
