"""Select a budget of samples by a strategy: a ranked cohort with gains, and the same budget spent at random printed beside it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.plugins import PluginTable
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.api import Picks, Pool
from isocenter.curate.features import features_of
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.sample import SAMPLES

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick", "needs"))
BASELINES = ("random", "stratified")


def select(workspace: Workspace, cohort: Cohort, *, name: str, by: str = "random", budget: int, seed: int = 0, encoder: str = "thumbnail",
           on: str = "label", dry_run: bool = False) -> Cohort:
    """The `budget` samples that a strategy puts first; what random and stratified random give is in the header under `beside`.

    encoder: whose features the strategy looks at. on: what strata are, `label` (the set of present terms) or a column.
    Raises NotFound for an unknown strategy, BadInput for a budget that is none or a column that does not exist.
    """
    strategy = STRATEGIES.get(by, workspace.plugins)
    if budget < 1:
        raise BadInput(f"budget {budget} selects nothing", hint="a number of samples, 1 or more")
    with ledger(workspace, "select", dry_run=dry_run, cohort=cohort.name, by=by, budget=budget, seed=seed, encoder=encoder, on=on, name=name) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        pool, positions = pool_of(workspace, cohort, strategy, encoder, on)
        picks: Picks = strategy.pick(pool, min(budget, len(pool)), seed=seed)
        beside = {by: _measure(cohort, positions, pool, picks)}
        for baseline in BASELINES:
            if baseline != by:
                plain, where = pool_of(workspace, cohort, STRATEGIES.get(baseline), encoder, on)
                where = positions if len(positions) < len(where) else where
                chosen = STRATEGIES.get(baseline).pick(_part(plain, where), min(budget, len(where)), seed=seed)
                beside[baseline] = _measure(cohort, where, pool, chosen)
        made = cohort.next(name, _ranked(cohort, positions, picks, by), "select", by=by, budget=budget, seed=seed, encoder=encoder, on=on)
        result = Cohort(name, made.table, {**made.header, "beside": beside}).save(workspace, dry_run=dry_run)
        run.counts |= {"pool": len(pool), "selected": len(result)}
        run.outputs |= {name: result.fingerprint or ""}
    return result


def pool_of(workspace: Workspace, cohort: Cohort, strategy: ModuleType, encoder: str, on: str) -> tuple[Pool, NDArray[np.int64]]:
    """What the strategy may see, and the positions of the pool's members in the cohort (samples that cannot be encoded stay out)."""
    ids = cohort.table["sample_id"].to_list()
    features, positions = np.empty((0, 0), np.float32), np.arange(len(cohort))
    if getattr(strategy, "uses_features", True):
        found = features_of(workspace, cohort, encoder)
        features, positions = found.rows, found.positions
    columns = {column: _column(workspace, cohort, column, on)[positions] for column in strategy.needs}
    return Pool(tuple(ids[at] for at in positions), features, columns), positions


def _column(workspace: Workspace, cohort: Cohort, column: str, on: str) -> NDArray[Any]:
    if column == "stratum" and on == "label":
        return np.array(["+".join(sorted(term for term, state in (labels or {}).items() if state == "present")) for labels in cohort.table["labels"].to_list()], object)
    name = on if column == "stratum" else column
    known = [*COHORT.schema.names, *SAMPLES.schema.names]
    if name not in known:
        raise BadInput(f"no column {name!r} to select by", hint=f"label, or one of {', '.join(dict.fromkeys(known))}")
    return np.array([str(value) for value in cohort.samples(workspace, [name])[name].to_list()], object)


def _part(pool: Pool, where: NDArray[np.int64]) -> Pool:
    return Pool(tuple(pool.ids[at] for at in where), columns={name: values[where] for name, values in pool.columns.items()})


def _measure(cohort: Cohort, positions: NDArray[np.int64], pool: Pool, picks: Picks) -> dict[str, float]:
    """What a choice holds: samples, datasets, present terms, the rarest term's share, and how far the pool is from it."""
    chosen = cohort.table[positions[picks.indices].tolist()]
    present = [term for labels in chosen["labels"].to_list() for term, state in (labels or {}).items() if state == "present"]
    measured = {"samples": float(chosen.height), "datasets": float(chosen["dataset"].n_unique()), "terms": float(len(set(present)))}
    if len(pool.features) and len(picks.indices):
        nearest = np.max(pool.features @ pool.features[picks.indices].T, axis=1)
        measured |= {"mean distance": float(np.mean(1 - nearest)), "farthest": float(np.max(1 - nearest))}
    return measured


def _ranked(cohort: Cohort, positions: NDArray[np.int64], picks: Picks, by: str) -> pl.DataFrame:
    """The picked rows in the order of the picks."""
    number = len(picks.indices)
    reasons = picks.reasons or tuple(f"{by}: rank {rank} of {number}" for rank in range(1, number + 1))
    return cohort.table[positions[picks.indices].tolist()].with_columns(
        pl.Series("rank", range(1, number + 1), dtype=pl.Int64), pl.Series("gain", picks.gains, dtype=pl.Float64), pl.Series("reason", reasons, dtype=pl.String))
