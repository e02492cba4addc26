"""Figures over all budgets: runs go in; the area under each strategy's curve, its last value, what foreground earned, and who beats whom come out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.evaluate_summary import MAIN, against, baselines_in, half_width
from isocenter.curate.metrics_active import aubc, foreground_efficiency, penalty_matrix

FOREGROUND = "foreground"
AREA = "AUBC"


def curves(runs: pl.DataFrame, figure: str = MAIN, full: float | None = None) -> pl.DataFrame:
    """One row a strategy: `AUBC` (± 95 %, paired tests against the baselines), `final` at the largest budget, and `foreground γ`.

    γ needs a column `foreground` in the runs (the share of all foreground voxels that was annotated) and `full`, the figure with everything
    annotated. Its curve begins at the mean of the seeds at the smallest budget; it is not a number where the figure begins above `full`, or
    where a larger budget shows less. Empty with fewer than two budgets. Formulas: `metrics_active`.
    Raises BadInput when a strategy lacks a budget or a seed of another.
    """
    table, budgets, seeds = _grid(runs, figure)
    if len(budgets) < 2:
        return pl.DataFrame()
    x = np.array(budgets, float)
    area = pl.DataFrame([{"strategy": name, "seed": seed, AREA: aubc(x, values[:, at])} for name, values in table.items() for at, seed in enumerate(seeds)])
    rows = []
    for name, values in table.items():
        own = area.filter(pl.col("strategy") == name)
        row: dict[str, object] = {"strategy": name, AREA: own[AREA].mean(), f"± {AREA}": half_width(own[AREA].to_numpy()), "final": float(values[-1].mean()), "± final": half_width(values[-1])}
        for baseline in baselines_in(runs):
            row |= against(own, area.filter(pl.col("strategy") == baseline), AREA, baseline)
        rows.append(row | {"foreground γ": _gamma(runs.filter(pl.col("strategy") == name), figure, full)})
    return pl.DataFrame(rows, infer_schema_length=None)


def penalties(runs: pl.DataFrame, figure: str = MAIN, *, holm: bool = False) -> pl.DataFrame:
    """The pairwise penalty matrix: the share of budgets at which the strategy of a row is significantly better than that of a column."""
    table, budgets, _ = _grid(runs, figure)
    if len(budgets) < 2:
        return pl.DataFrame()
    won = penalty_matrix(np.stack(list(table.values())), holm=holm)
    return pl.DataFrame({"strategy": list(table), **dict(zip(table, won.T))})


def _grid(runs: pl.DataFrame, figure: str) -> tuple[Mapping[str, NDArray[np.float64]], list[int], list[int]]:
    """(budgets, seeds) values of every strategy, budgets and seeds rising."""
    budgets, seeds = (runs[column].unique().sort().to_list() for column in ("budget", "seed"))
    table: dict[str, NDArray[np.float64]] = {}
    for (name,), own in runs.group_by("strategy", maintain_order=True):
        values = {(budget, seed): value for budget, seed, value in own.select("budget", "seed", figure).iter_rows()}
        missing = [(budget, seed) for budget in budgets for seed in seeds if values.get((budget, seed)) is None]
        if missing:
            raise BadInput(f"{name} has no {figure} at budget {missing[0][0]} and seed {missing[0][1]}, which others have", hint="one row for every strategy, budget and seed")
        table[str(name)] = np.array([[values[budget, seed] for seed in seeds] for budget in budgets], float)
    return table, budgets, seeds


def _gamma(own: pl.DataFrame, figure: str, full: float | None) -> float:
    if full is None or FOREGROUND not in own.columns or own[FOREGROUND].null_count():
        return float("nan")
    first = own["budget"] == own["budget"].min()
    start, later = own.filter(first), own.filter(~first)
    share, values = (np.concatenate([[float(start[name].to_numpy().mean())], later[name].to_numpy()]) for name in (FOREGROUND, figure))
    return foreground_efficiency(share, values, full) if values[0] < full and share[0] < share[1:].min() else float("nan")
