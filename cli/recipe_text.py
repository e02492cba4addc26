"""The plan of a recipe as text: datasets in and out, samples, label coverage, conflicts, licence verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isocenter.cli.options import columns
from isocenter.cli.render import STATES, raw_values, size
from isocenter.registry.amounts import amount

if TYPE_CHECKING:
    from isocenter.curate.plan import RecipePlan


def show(plan: RecipePlan, limit: int) -> str:
    """The plan, section by section; long lists are cut after `limit` lines and counted."""
    members = [(row["dataset"], "in" if row["in"] else "out", row["samples"], size(row["bytes"]), row["license"] or "not stated", _layout(row["layout"]), row["reason"]) for row in plan.members]
    coverage = [(term, *(states[state] for state in (*STATES, "not_annotated"))) for term, states in sorted(plan.coverage.items(), key=lambda item: (-item[1]["present"], item[0]))]
    header = ("term", *STATES, "not annotated")
    missing = [str(row["dataset"]) for row in plan.members if not row["in"]]
    verdicts = [line for use, verdict in plan.verdicts.items() for line in (f"{use}: {verdict['answer']}", *(f"  {reason}" for reason in cut(verdict["reasons"], limit)))]
    return "\n".join([
        f"{plan.recipe}: {amount(plan.samples, 'sample')}, {size(plan.bytes)}", columns(members, ("dataset", "", "samples", "bytes", "licence", "layout", "")),
        *([_geometry(plan.geometry)] if plan.geometry else []),
        *([columns(coverage[:limit], header)] if coverage else []), *([f"… and {len(coverage) - limit} more"] if len(coverage) > limit else []), *raw_values(plan.raw_values), *verdicts,
        *([f"a build needs {', '.join(missing)}"] if missing else []),
        *cut([f"conflict: {text}" for text in plan.conflicts], limit), *cut([f"warning: {text}" for text in plan.warnings], limit),
    ])


def _layout(stated: str | None) -> str:
    return "" if stated is None else Path(stated).name


def _geometry(told: dict[str, Any]) -> str:
    """The geometry that a build brings volumes into, and how many of each dataset."""
    spacing = told.get("spacing_mm", "as it is")
    how = f"axes {told.get('orientation', 'as they are')}, spacing {spacing if isinstance(spacing, str) else ' x '.join(f'{value:g}' for value in spacing) + ' mm'}"
    return f"geometry {told['name']} ({how}): " + ", ".join(f"{amount(number, 'volume')} of {name}" for name, number in told["volumes"].items())


def cut(lines: list[str], limit: int) -> list[str]:
    """At most `limit` lines; the rest is counted."""
    return lines if len(lines) <= limit else [*lines[:limit], f"… and {len(lines) - limit} more"]
