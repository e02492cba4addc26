"""Choose one value per dataset and single-valued field among the claims: by confidence, then source, then a fixed tie-break.

The rule and what it gives up: `docs/decisions/100-which-claim-counts.md`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

CONFIDENCE = {"reviewed": 0, "read": 1, "second-hand": 2, "inferred": 3}
NUMBERS = ("year", "n_samples", "n_subjects", "bytes")
CHOSEN_FIELDS = ("release", "homepage", "doi", "organisation", "country", "access", "how_to_get", *NUMBERS, "labelled", "note")
Row = dict[str, Any]


def choose(tables: dict[str, list[Row]]) -> None:
    """Mark the chosen assertions and fill the columns of `dataset` from them, in place.

    A unit comes from the source that the number came from, if that names one; access and steps that nobody states come from the rule
    of the homepage's host.
    """
    rank = {row["source_id"]: row["rank"] for row in tables["source"]}
    claims: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in tables["assertion"]:
        row["chosen"] = False
        if row["doubt"] is None:
            claims[row["slug"], row["field"]].append(row)
    hosts = sorted(tables.get("access_rule", []), key=lambda rule: (-len(rule["pattern"]), rule["pattern"]))
    for dataset in tables["dataset"]:
        for field in CHOSEN_FIELDS:
            if best := _best(claims[dataset["slug"], field], rank):
                best["chosen"] = True
                dataset[field] = _typed(field, best["value"])
        _unit(dataset, claims, rank)
        _host(dataset, hosts)


def preference(row: Row, rank: dict[str, int]) -> tuple[int, int, int, str]:
    """Sort key of a claim: better confidence, then better source, then the one that says something, then the text itself."""
    return (CONFIDENCE.get(row["confidence"] or "inferred", 9), rank.get(row["source"], 999), int(row["value"] in ("unknown", "0")), row["value"])


def _best(claims: list[Row], rank: dict[str, int]) -> Row | None:
    return min(claims, key=lambda row: preference(row, rank), default=None)


def _unit(dataset: Row, claims: dict[tuple[str, str], list[Row]], rank: dict[str, int]) -> None:
    counted = next((row["source"] for row in claims[dataset["slug"], "n_samples"] if row["chosen"]), None)
    units = claims[dataset["slug"], "sample_unit"]
    same = [row for row in units if row["source"] == counted]
    if best := _best(same or [row for row in units if row["value"] != "series"], rank):
        best["chosen"] = True
        dataset["sample_unit"] = best["value"]


def _host(dataset: Row, hosts: list[Row]) -> None:
    places = " ".join(str(dataset[field]).lower() for field in ("homepage", "doi") if dataset[field])
    rule = next((rule for rule in hosts if rule["pattern"] in places), None)
    if dataset["access"] in (None, "unknown"):
        dataset["access"] = rule["access"] if rule else "unknown"
    if dataset["how_to_get"] is None and rule and rule["access"] == dataset["access"]:
        dataset["how_to_get"] = rule["steps"]


def _typed(field: str, value: str) -> Any:
    if field in NUMBERS:
        return int(value)
    return value == "true" if field == "labelled" else value
