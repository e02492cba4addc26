"""Merge datasets by metadata: samples that a condition chooses, their labels carried into one space, as the first cohort."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.runs import ledger
from isocenter.core.tables import read_table, table_fingerprint
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort, check_name
from isocenter.harmonize.sample import LABELS_DTYPE, SAMPLES
from isocenter.harmonize.space import LabelSpace, space_of


def merge(workspace: Workspace, datasets: list[str], *, name: str, where: str | None = None, space: str = "union", dry_run: bool = False) -> Cohort:
    """Put the readable samples of several scanned datasets into one cohort.

    where: an SQL condition over the sample table's columns, e.g. `modality = 'CT' and labels['liver'] = 'present'`;
    it sees labels already in the target space. Samples in error never enter and stay in the sample table.
    Raises NotFound when a dataset was not scanned, BadInput when the condition is not valid SQL or nothing is left.
    """
    check_name(name)
    paths = {dataset: workspace.samples(dataset) for dataset in datasets}
    for dataset, path in paths.items():
        if not path.exists():
            raise NotFound(f"dataset {dataset!r} is not scanned", where=str(path), hint=f"isocenter scan {dataset}")
    with ledger(workspace, "merge", dry_run=dry_run, datasets=datasets, where=where, space=space, name=name) as run:
        run.inputs |= {dataset: table_fingerprint(path) for dataset, path in paths.items()}
        samples = {dataset: read_table(path, SAMPLES) for dataset, path in paths.items()}
        target = space_of({dataset: _annotated(table) for dataset, table in samples.items()}, space)
        rows = _into(pl.concat([table.filter(pl.col("error").is_null()) for table in samples.values()]), target)
        chosen = _where(rows, where) if where else rows
        if chosen.height == 0:
            raise BadInput("no sample fits" if rows.height else "no sample can be read", hint=f"the condition was {where!r}" if where else None)
        header: dict[str, Any] = {"verb": "merge", "parameters": {"datasets": datasets, "where": where, "space": space}, "parent": None, "inputs": dict(run.inputs),
                  "space": {"name": target.name, "terms": list(target.terms), "unions": {k: list(v) for k, v in target.unions.items()}}, "lineage": []}
        cohort = Cohort(name, chosen.select("sample_id", "dataset", "uri", "labels").with_columns(pl.lit(None, pl.String).alias("split")), header).save(workspace, dry_run=dry_run)
        run.counts |= {"samples": len(cohort), "readable": rows.height}
        run.outputs |= {name: cohort.fingerprint or ""}
    return cohort


def _annotated(table: pl.DataFrame) -> set[str]:
    """Terms on which at least one sample of a dataset says something."""
    return {term for labels in table.get_column("labels").to_list() for term in labels or ()}


def _into(rows: pl.DataFrame, target: LabelSpace) -> pl.DataFrame:
    """Carry labels into the space, once for every distinct label map."""
    carried: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    column: list[dict[str, str] | None] = []
    for labels in rows.get_column("labels").to_list():
        key = None if labels is None else tuple(sorted(labels.items()))
        if key is not None and key not in carried:
            found = target.carry(dict(key))
            carried[key] = {term: found[term] for term in sorted(found)}
        column.append(None if key is None else carried[key])
    return rows.with_columns(pl.Series("labels", column, dtype=LABELS_DTYPE))


def _where(rows: pl.DataFrame, condition: str) -> pl.DataFrame:
    """Rows for which the SQL condition holds, in their order; the query sees nothing but the rows."""
    table = rows.with_row_index("row_number").to_arrow()
    connection = duckdb.connect(config={"python_enable_replacements": False})
    connection.register("samples", table)
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    try:
        kept = connection.execute(f"select row_number from samples where ({condition}) order by row_number").fetchall()  # a query over one table in memory
    except duckdb.Error as error:
        raise BadInput(f"--where is not valid: {str(error).splitlines()[0]}", hint=f"columns: {', '.join(rows.columns)}") from error
    return rows[[row for (row,) in kept]]
