"""What belongs together: a cohort and the pairs found on its way go in; the component of every sample that it came from comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import PAIRS, components
from isocenter.curate.knowledge import shared_patients
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.sample import PATIENT_SEPARATOR

COLUMNS = ["patient_id", "study_id", "published_split"]


@dataclass(frozen=True, slots=True)
class Kin:
    """Everyone that a cohort came from, and who is kin of whom.

    table: sample_id, dataset, patient_id, study_id, published_split of everyone, and `component`, numbered from 0 without gaps over the
    components that hold a sample of the cohort; null for the others. owner: (n,) component of every sample of the cohort.
    """

    table: pl.DataFrame
    owner: NDArray[np.int64]

    @property
    def number(self) -> int:
        return int(self.owner.max()) + 1 if len(self.owner) else 0


def kin_of(workspace: Workspace, cohort: Cohort, extra: NDArray[np.object_] | None = None) -> Kin:
    """Components over patient, study, copies and unsettled pairs, also by way of samples that were dropped since the first cohort.

    Ids of patients and studies count within their dataset; those of patients also in another that shows the same people by a certain
    relation of the catalog. extra: one value per row of the cohort; equal values are kin too.
    """
    names = [*cohort.header.get("lineage", []), cohort.name]
    table = _everyone(workspace, names[0], cohort).samples(workspace, COLUMNS).select("sample_id", "dataset", *COLUMNS)
    edges = [_shared(table, column) for column in ("patient_id", "study_id")]
    edges += [_shared(table.with_columns(pl.col("dataset").replace(dict.fromkeys(datasets, min(datasets)))), "patient_id")
              for datasets, relation in shared_patients(workspace, table["dataset"].unique()).items() if relation.certain]
    at = table.select("sample_id").with_row_index("at")
    edges += [_paired(at, read_table(workspace.pairs(name), PAIRS)) for name in names if workspace.pairs(name).exists()]
    own = cohort.table.select("sample_id").join(at, on="sample_id", how="left", maintain_order="left")["at"].to_numpy().astype(np.int64)
    if extra is not None:
        edges.append(_equal(pl.DataFrame({"at": own, "value": pl.Series(extra.tolist(), dtype=pl.String, strict=False)})))
    found = components(table.height, np.vstack(edges))
    used, owner = np.unique(found[own], return_inverse=True)
    number = np.full(int(found.max()) + 1 if len(found) else 0, -1)
    number[used] = np.arange(len(used))
    component = pl.Series("component", number[found], dtype=pl.Int64)
    return Kin(table.with_columns(component).with_columns(pl.when(pl.col("component") >= 0).then("component")), owner.astype(np.int64))


def _everyone(workspace: Workspace, eldest: str, cohort: Cohort) -> Cohort:
    """The samples of the eldest cohort, and those of this one should that have been made anew since."""
    first = Cohort.open(workspace, eldest).table if eldest != cohort.name and workspace.cohort(eldest).exists() else cohort.table
    both = pl.concat([part.select("sample_id", "dataset") for part in (first, cohort.table)])
    return Cohort(eldest, both.unique("sample_id", keep="first", maintain_order=True))


def _shared(table: pl.DataFrame, column: str) -> NDArray[np.int64]:
    """Edges between samples of one dataset that share a value; several values of one cell all count."""
    rows = table.select("dataset", pl.col(column).str.split(PATIENT_SEPARATOR)).with_row_index("at").explode(column, empty_as_null=True)
    return _equal(rows.select("at", pl.when(pl.col(column).is_not_null()).then(pl.concat_str("dataset", pl.lit("\0"), column)).alias("value")))


def _equal(rows: pl.DataFrame) -> NDArray[np.int64]:
    """Edges that chain the rows of every value; columns at, value; null equals nothing."""
    chained = rows.drop_nulls("value").with_columns(pl.col("at").shift(1).over("value").alias("before")).drop_nulls("before")
    return chained.select("before", "at").to_numpy().astype(np.int64).reshape(-1, 2)


def _paired(at: pl.DataFrame, pairs: pl.DataFrame) -> NDArray[np.int64]:
    """Edges between copies and between pictures that may be copies."""
    bound = pairs.filter(pl.col("verdict").is_in(["same", "unsettled"])).select("a", "b")
    ends = bound.join(at, left_on="a", right_on="sample_id").join(at, left_on="b", right_on="sample_id", suffix="_b")
    return ends.select("at", "at_b").to_numpy().astype(np.int64).reshape(-1, 2)
