"""Evaluate what was measured elsewhere: a table of trainings of one's own goes in, the same evidence as of `evaluate` comes out."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.columns import supplied_table
from isocenter.curate.evaluate import Evidence
from isocenter.curate.evaluate_report import save
from isocenter.curate.evaluate_summary import BASELINES, KEYS


def evaluate_measured(workspace: Workspace, path: Path, figure: str, *, full: float | None = None, holm: bool = False, out: Path | None = None) -> Evidence:
    """Evidence about one figure, a share such as Dice, of a Parquet or CSV table with `strategy`, `budget`, `seed` and the figure, one row a training.

    A column `foreground` (the share of all foreground voxels that was annotated) and `full` (the figure with everything annotated) give the
    foreground efficiency. holm: correct the pairwise penalties for the number of comparisons. out: see `save`. Raises BadInput for a table
    that lacks `random`, a second seed or one training, or whose figure is no share.
    """
    with ledger(workspace, "evaluate", alone=False, measured=str(path), figure=figure, full=full, holm=holm) as run:
        table = supplied_table(path, (*KEYS, figure))
        try:
            runs = table.select(pl.col("strategy").cast(pl.String), pl.col("budget").cast(pl.Float64), pl.col("seed").cast(pl.Int64),
                                *(pl.col(name).cast(pl.Float64) for name in (figure, "foreground") if name in table.columns))
        except pl.exceptions.PolarsError as error:
            raise BadInput(f"a column does not hold numbers: {error}", where=str(path)) from error
        if wrong := runs.filter(~pl.col(figure).is_between(0, 1) | pl.col(figure).is_null()).height:
            raise BadInput(f"{figure} is no share between 0 and 1 in {wrong} of {runs.height} rows", where=str(path), hint="divide per cent by 100")
        if (runs["budget"] % 1 == 0).all():
            runs = runs.with_columns(pl.col("budget").cast(pl.Int64))
        order = {name: at for at, name in enumerate(dict.fromkeys([*BASELINES, *runs["strategy"].to_list()]))}
        evidence = Evidence.of(runs.sort(pl.col("budget"), pl.col("strategy").replace_strict(order), pl.col("seed")), figure, full, holm=holm)
        run.counts |= {"runs": runs.height}
        if out is not None:
            save(evidence, out)
            run.outputs |= {"evidence": str(out)}
    return evidence
