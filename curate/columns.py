"""Columns of a cohort's samples, from its own table, the sample tables, or a table that the user supplies: one value per row of the cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.files import require_file
from isocenter.core.near_names import advice
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.sample import SAMPLES


def column_values(workspace: Workspace, cohort: Cohort, column: str, supplied: Mapping[str, Path]) -> NDArray[Any]:
    """A column's own values, one per row of the cohort; `label` gives the tuple of present terms. Raises BadInput for a column that is none.

    supplied: column name -> table (Parquet or CSV) with `sample_id` and that column, which counts before the cohort's own.
    """
    if column in supplied:
        return supplied_column(cohort, column, supplied[column])
    result = np.empty(len(cohort), object)
    if column == "label":
        result[:] = [tuple(sorted(term for term, state in (labels or {}).items() if state == "present")) for labels in cohort.table["labels"].to_list()]
        return result
    require_column(column)
    result[:] = cohort.samples(workspace, [column])[column].to_list()
    return result


def supplied_column(cohort: Cohort, column: str, path: Path) -> NDArray[Any]:
    """The cohort's values of one column of a table with `sample_id`; None where the table has no row. Raises NotFound, or BadInput for another table."""
    table = supplied_table(path, ("sample_id", column))
    value = dict(zip(table["sample_id"].to_list(), table[column].to_list()))
    result = np.empty(len(cohort), object)
    result[:] = [value.get(sample) for sample in cohort.table["sample_id"].to_list()]
    return result


def supplied_table(path: Path, columns: Iterable[str]) -> pl.DataFrame:
    """A table of the user's own, which has at least these columns. Raises NotFound, or BadInput for another table."""
    require_file(path)
    try:
        table = pl.read_csv(path) if path.suffix.lower() in (".csv", ".txt") else pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"not a table: {error}", where=str(path), hint="Parquet, or CSV with a header") from error
    if missing := [column for column in columns if column not in table.columns]:
        raise BadInput(f"the table has no column {', '.join(missing)}", where=str(path), hint=f"it has {', '.join(table.columns)}")
    return table


def require_column(column: str) -> None:
    """Raises BadInput for a column that neither cohorts nor sample tables have, with the one that was meant."""
    known = ["label", *COHORT.schema.names, *SAMPLES.schema.names]
    if column not in known:
        raise BadInput(f"samples have no column {column!r}", hint=f"{advice(column, dict.fromkeys(known))} Or --column {column}=TABLE")
