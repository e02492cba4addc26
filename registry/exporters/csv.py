"""The catalog as a table: a dataset as one line per claim, a plan as one line per dataset, in or out, with the reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from isocenter.registry.fusion.plan import FusionPlan

SUFFIX = ".csv"
CLAIMS = ("slug", "field", "value", "source", "confidence", "chosen", "doubt", "evidence")
MEMBERS = ("slug", "name", "in", "rule", "why", "modalities", "samples", "sample_unit", "bytes", "labelled", "license", "commercial", "access", "how_to_get", "homepage")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def dataset(entry: dict[str, Any]) -> str:
    """Every claim about the dataset, its facets and its licence statements."""
    rows = [(entry["slug"], *(claim[name] for name in CLAIMS[1:])) for claim in entry["claims"]]
    rows += [(entry["slug"], facet, term["term"], source, "", "", "", "") for facet, terms in entry["terms"].items() for term in terms for source in term["sources"]]
    rows += [(entry["slug"], "license", one["license_id"], one["source"], one["confidence"], "", "", one["statement"]) for one in entry["licence"]["statements"]]
    return _table(CLAIMS, rows)


def plan(plan: FusionPlan) -> str:
    """Members first, then what was left out and what is missing."""
    rows: list[Sequence[Any]] = [
        (member.slug, member.name, "yes", "", "", "; ".join(member.modalities), member.samples, member.sample_unit, member.bytes, member.labelled,
         member.license, member.commercial, member.access, member.how_to_get, member.homepage) for member in plan.members
    ]
    rows += [(one.slug, one.name, "no", one.rule, one.why) for one in plan.excluded]
    rows += [("", one.named, "missing", "", one.why) for one in plan.missing]
    return _table(MEMBERS, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in (*row, *[""] * (len(header) - len(row)))] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> str:
    """A cell that a spreadsheet shows and does not run."""
    text = "" if value is None else "true" if value is True else "false" if value is False else str(value)
    return f"'{text}" if text.startswith(FORMULA) and not text.lstrip("-").replace(".", "", 1).isdigit() else text
