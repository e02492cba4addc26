"""What is in two cohorts: labels, demographics, scanners and licences go in, counts and shares side by side come out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort

TABLES = ("dataset", "modality", "sex", "site", "manufacturer", "license")
NOT_STATED = "not stated"
SCHEMA = {"column": pl.String, "value": pl.String, "first": pl.Int64, "second": pl.Int64, "first share": pl.Float64, "second share": pl.Float64}


def tables_of(workspace: Workspace, first: Cohort, second: Cohort) -> pl.DataFrame:
    """One row per column and value: samples of each cohort, and their share of all its samples; ages by decade.

    A label counts the samples where it is present. Where no sample of a cohort is annotated for it, its count and share are null, not 0.
    """
    sides = [one.samples(workspace, [*TABLES, "age"]) for one in (first, second)]
    annotated = [{term for labels in side["labels"] for term, state in (labels or {}).items() if state is not None} for side in sides]
    rows = []
    for column in (*TABLES, "age", "label"):
        counts = [Counter(value for row in side.iter_rows(named=True) for value in _values(row, column)) for side in sides]
        for value in sorted(counts[0].keys() | counts[1].keys()):
            found = [None if column == "label" and value not in known else count[value] for count, known in zip(counts, annotated)]
            shares = [None if number is None else number / max(1, side.height) for number, side in zip(found, sides)]
            rows.append(dict(zip(SCHEMA, (column, value, *found, *shares))))
    return pl.DataFrame(rows, schema=SCHEMA)


def _values(row: dict[str, Any], column: str) -> list[str]:
    if column == "label":
        return [term for term, state in (row["labels"] or {}).items() if state == "present"]
    if column == "age":
        return [f"{int(row['age'] // 10) * 10:02d}-{int(row['age'] // 10) * 10 + 9:02d}" if row["age"] is not None else NOT_STATED]
    return [str(row[column]) if row[column] is not None else NOT_STATED]
