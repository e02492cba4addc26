"""How results are shown to people: cohorts, label coverage, sizes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from isocenter.cli.options import columns

if TYPE_CHECKING:
    from isocenter.harmonize.cohort import Cohort

STATES = ("present", "absent", "uncertain")


def coverage(cohort: Cohort) -> dict[str, dict[str, int]]:
    """For every term of the cohort's space: how many samples have it present, absent, uncertain or not annotated."""
    terms = list(cohort.header.get("space", {}).get("terms", []))
    counts: dict[str, Counter[str]] = {term: Counter() for term in terms}
    for labels in cohort.table["labels"].to_list():
        for term, state in (labels or {}).items():
            counts.setdefault(term, Counter())[state] += 1
    return {term: {state: found[state] for state in STATES} | {"not_annotated": len(cohort) - sum(found.values())} for term, found in counts.items()}


def coverage_text(cohort: Cohort) -> str:
    """The coverage as a table; a line instead when no label was read."""
    found = coverage(cohort)
    if not found:
        return "no labels (the layouts name no label column)"
    rows = [(term, *counts.values()) for term, counts in sorted(found.items(), key=lambda item: (-item[1]["present"], item[0]))]
    return columns(rows, ("term", *STATES, "not annotated"))


def raw_values(found: list[dict[str, Any]]) -> list[str]:
    """What became of the raw values of every dataset of a merge, after an empty line; nothing when there are none."""
    names = ("dataset", "raw values", "met", "carried", "outside the space", "unmapped", "refused", "voxels")
    rows = [["" if row[name.replace(" ", "_")] is None else row[name.replace(" ", "_")] for name in names] for row in found]
    return ["", columns(rows, names)] if found else []


def members(found: list[dict[str, Any]]) -> str:
    """How many samples of every dataset went into a merge, and why the others did not; a column of noughts is left out."""
    names = ("dataset", "samples", "in_error", "condition_fails", "in")
    shown = [name for name in names if name in ("dataset", "samples", "in") or any(row[name] for row in found)]
    return columns([[row[name] for name in shown] for row in found], [name.replace("_", " ") for name in shown])


def readings(header: dict[str, Any]) -> list[str]:
    """The commonest raw values of a merge and what they became, after an empty line; nothing when no value was met."""
    found, met = header["readings"], sum(row["met"] for row in header["raw_values"])
    if not found:
        return []
    more = [f"… and {met - len(found)} more in the ledger"] if met > len(found) else []
    return ["", columns([(row["dataset"], row["raw_value"], row["samples"], row["becomes"]) for row in found], ("dataset", "raw value", "samples", "becomes")), *more]


def size(number: int | float) -> str:
    """Bytes for people."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counts(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items())
