"""Catalog entries as text for people: a dataset with its claims, licences, artifacts and relations; a corpus with its members."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from isocenter.cli.options import columns
from isocenter.registry.amounts import amount

Entry = dict[str, Any]
WIDTH = 110
FACETS = ("modality", "anatomy", "finding", "task", "annotation", "dimension", "population")
ABSENT = "not stated"


def dataset(entry: Entry, *, claims: bool = False) -> str:
    """The entry of one dataset, section by section; empty sections are left out."""
    parts = [_head(entry), _facts(entry), _access(entry), _licence(entry["licence"]), _artifacts(entry), _relations(entry), _uses(entry), _conflicts(entry)]
    if claims:
        rows = [("*" if one["chosen"] else "!" if one["doubt"] else " ", one["field"], _short(one["value"], 60), one["source"], one["confidence"] or "",
                 _short(one["doubt"] or one["evidence"] or "", 90)) for one in entry["claims"]]
        parts.append("claims (* chosen, ! not believed)\n" + columns(rows, ("", "field", "value", "source", "confidence", "evidence or doubt")))
    parts.append(_wrap("sources", ", ".join(f"{one['name']} [{one['source_id']}]" for one in entry["sources"])))
    return "\n\n".join(part for part in parts if part)


def corpus(entry: Entry) -> str:
    """A corpus: every member it names, whose dataset that is, and how many were not published."""
    rows = [(one["role"], " ".join(filter(None, (one["member"], one["subset"] and f"({one['subset']})"))), one["slug"] or "(unknown or ambiguous)",
             one["modality"] or "", amount(one["n_samples"], one["sample_unit"]), one["access"] or "") for one in entry["members"]]
    stated = f", of {entry['n_stated']} stated" if entry["n_stated"] else ""
    head = f"{entry['name']}: corpus; {entry['named']} members named{stated}, {entry['unidentified']} of them not identified"
    lines = [head, *([_wrap("note", entry["note"])] if entry["note"] else []), "", columns(rows, ("role", "as the corpus calls it", "dataset", "modality", "size", "access"))]
    if entry["missing"]:
        lines.append(f"missing: {entry['missing']} members were not published; nobody can name them")
    return "\n".join(lines)


def _head(entry: Entry) -> str:
    lines = [f"{entry['name']}  [{entry['slug']}]"]
    if entry["aliases"]:
        lines.append(_wrap("also called", ", ".join(entry["aliases"])))
    if entry["also_called_so"]:
        lines.append(f"careful: some sources use this name for {', '.join(entry['also_called_so'])}")
    if entry.get("corpus"):
        lines.append(f"also a corpus of other datasets: isocenter plan {entry['corpus']}")
    return "\n".join(lines)


def _facts(entry: Entry) -> str:
    lines = [_wrap(facet, ", ".join(one["name"] or one["term"] for one in entry["terms"][facet])) for facet in FACETS if entry["terms"].get(facet)]
    labelled = {True: "yes", False: "no", None: ABSENT}[entry["labelled"]]
    lines += [f"samples: {amount(entry['n_samples'], entry['sample_unit']) or ABSENT}; subjects: {amount(entry['n_subjects'], None) or ABSENT}; "
              f"size: {_bytes(entry['bytes'])}; labelled: {labelled}"]
    lines += [f"{label}: {entry[field]}" for label, field in (("year", "year"), ("release", "release"), ("family", "family"), ("by", "organisation"),
                                                               ("homepage", "homepage"), ("doi", "doi")) if entry[field]]
    return "\n".join([*lines, *([_wrap("note", entry["note"])] if entry["note"] else [])])


def _access(entry: Entry) -> str:
    return f"access: {ABSENT if entry['access'] == 'unknown' else entry['access']}" + (f"\n{_wrap('how', entry['how_to_get'])}" if entry["how_to_get"] else "")


def _licence(licence: Entry) -> str:
    flags = "; ".join(f"{flag.replace('_', '-')}: {answer}" for flag, answer in licence["in_words"].items())
    lines = [f"licence: {licence['title']}", f"  {flags}"]
    if licence["conflict"]:
        lines.append(f"  sources disagree: {licence['conflict']}; the strictest counts")
    stated = [f"  {_short(one['statement'], 60)} → {one['license_id']}{' for ' + one['release'] if one['release'] else ''}  [{_short(one['source'], 60)}, {one['confidence']}]"
              for one in licence["statements"]]
    return "\n".join([*lines, *dict.fromkeys(stated)])


def _artifacts(entry: Entry) -> str:
    lines = []
    for one in entry["artifacts"]:
        applies = "; ".join(filter(None, (f"applies to {one['release']}" if one["release"] else "", f"fixed in {one['fixed_in']}" if one["fixed_in"] else "")))
        lines.append(_wrap(one["type"], f"{one['finding']} ({one['title']}, {one['year'] or 'no year'}; {one['url'] or one['evidence']}; {one['confidence']})"
                           + (f" [{applies}]" if applies else "")))
    lines += [_wrap(f"{one['samples']} samples with {one['code']}", _short(one["names"], 200)) for one in entry["sample_issues"]]
    return "found or published later\n" + "\n".join(lines) if lines else ""


def _relations(entry: Entry) -> str:
    details: dict[tuple[str, str, str], list[str]] = {}
    for one in entry["relations"]:
        ends = (entry["slug"], one["slug"]) if one["direction"] == "to" else (one["slug"], entry["slug"])
        details.setdefault((ends[0], one["predicate"], ends[1]), []).append(one["detail"] or "")
    rows = [(*ends, _short("; ".join(filter(None, said)), 80)) for ends, said in details.items()]
    return "relations\n" + _indented(columns(rows, ("", "", "", "")).splitlines()[1:]) if rows else ""


def _uses(entry: Entry) -> str:
    lines = [f"  {one['venue']} {one['period']}: {_papers(one)} ({one['method']})" for one in entry["citations"]]
    used = "use in papers (counting methods differ; do not add up)\n" + "\n".join(lines) if lines else ""
    corpora = _wrap("in corpora", ", ".join(entry["corpora"])) if entry["corpora"] else ""
    return "\n".join(filter(None, (used, corpora)))


def _papers(one: Entry) -> str:
    """Papers that cite or mention a dataset, by what its source counts."""
    found = [f"{verb} {amount(one[count], 'paper')}" for verb, count in (("cited by", "cited"), ("mentioned by", "mentioned"), ("cited or mentioned by", "either")) if one[count] is not None]
    return ", ".join(found)


def _conflicts(entry: Entry) -> str:
    return "sources disagree\n" + _indented(f"{one['field']}: {one['claims']}" for one in entry["conflicts"]) if entry["conflicts"] else ""


def _wrap(label: str, text: str) -> str:
    return textwrap.fill(f"{label}: {text}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _bytes(number: int | None) -> str:
    return ABSENT if not number else f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"
