"""Choose one value per dataset and single-valued field among the claims: by confidence, then source, then a fixed tie-break."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

CONFIDENCE = {"reviewed": 0, "read": 1, "second-hand": 2, "inferred": 3}
CHOSEN_FIELDS = ("release", "year", "homepage", "doi", "organisation", "country", "access", "how_to_get", "n_samples", "sample_unit", "n_subjects", "bytes",
                 "labelled", "note")
Row = dict[str, Any]


def choose(tables: dict[str, list[Row]]) -> None:
    """Mark the chosen assertions and fill the columns of `dataset` from them, in place."""
    rank = {row["source_id"]: row["rank"] for row in tables["source"]}
    claims: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in tables["assertion"]:
        row["chosen"] = False
        if row["doubt"] is None:
            claims[row["slug"], row["field"]].append(row)
    for dataset in tables["dataset"]:
        for field in CHOSEN_FIELDS:
            if candidates := claims.get((dataset["slug"], field)):
                best = min(candidates, key=lambda row: preference(row, rank))
                best["chosen"] = True
                dataset[field] = _typed(field, best["value"])


def preference(row: Row, rank: dict[str, int]) -> tuple[int, int, int, str]:
    """Sort key of a claim: better confidence, then better source, then the one that says something, then the text itself."""
    return (CONFIDENCE.get(row["confidence"] or "inferred", 9), rank.get(row["source"], 999), int(row["value"] in ("unknown", "0")), row["value"])


def _typed(field: str, value: str) -> Any:
    if field in ("year", "n_samples", "n_subjects", "bytes"):
        return int(value)
    return value == "true" if field == "labelled" else value
