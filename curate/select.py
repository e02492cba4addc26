"""Select a budget of samples by a strategy: a ranked cohort with gains, and the same budget spent at random printed beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
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
from isocenter.curate.columns import column_values, supplied_column
from isocenter.curate.constraints import Constraints, parse_limit
from isocenter.curate.constraints_choice import choose, part
from isocenter.curate.features import features_of
from isocenter.curate.parts_table import MEASURED, PART_COLUMNS, part_column, shown
from isocenter.curate.sample_licences import licence_id, sample_licences
from isocenter.embeddings.kernels.blocks import cosine_blocks
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.cohort_line import claim
from isocenter.harmonize.sample import SAMPLES

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick", "needs"))
BASELINES = ("random", "stratified")
MEASURES = ("samples", "volumes", "datasets", "terms", "foreground", "mean distance", "farthest")
DEFAULT_STRATEGY, DEFAULT_ENCODER = "spread", "sketch"      # by the evidence in docs/decisions/400-default-selection.md
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a choice must keep beside its budget; files that name samples hold one sample id a line.

    spend: what the budget counts: `samples`, `bytes`, `volumes` (samples of three dimensions; others stay out), or a supplied column such as `cost`.
    limits: as `sex=F>=100` or `dataset=lits<=500`; columns are those of the cohort and sample tables, and `label` for the present terms.
    supplied: column name -> table (Parquet or CSV) with `sample_id` and that column: scores, predictions, costs.
    """

    spend: str = "samples"
    limits: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    include: Path | None = None
    exclude: Path | None = None
    supplied: Mapping[str, Path] = field(default_factory=dict)


def select(workspace: Workspace, cohort: Cohort, *, name: str, by: str = DEFAULT_STRATEGY, budget: float, seed: int = 0, encoder: str = DEFAULT_ENCODER,
           on: str = "label", wishes: Wishes | None = None, dry_run: bool = False, force: bool = False) -> Cohort:
    """What a strategy puts first within the budget and the wishes; what random and stratified random give is in the header under `beside`.

    encoder: whose features the strategy looks at. on: what strata are, `label` (the set of present terms) or a column.
    Raises NotFound for an unknown strategy, BadInput for a budget that is none, a column that does not exist, or wishes that cannot be kept.
    """
    strategy, wishes = STRATEGIES.get(by, workspace.plugins), wishes or Wishes()
    if budget <= 0 or (wishes.spend == "samples" and budget < 1):
        raise BadInput(f"budget {budget} selects nothing", hint="a number of samples, 1 or more")
    stated = {key: value for key, value in asdict(wishes).items() if value and value != "samples"}
    asked = {"wishes": json.loads(json.dumps(stated, default=str))} if stated else {}
    with ledger(workspace, "select", dry_run=dry_run, cohort=cohort.name, by=by, budget=budget, seed=seed, encoder=encoder, on=on, name=name,
                **asked) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        parameters = {"by": by, "budget": budget, "seed": seed, "encoder": encoder, "on": on, **asked}
        claim(workspace, cohort.next(name, cohort.table, "select", **parameters), force=force)
        pool, positions = pool_of(workspace, cohort, strategy, encoder, on, wishes.supplied)
        picks = _choose(workspace, cohort, pool, positions, strategy, budget, seed, wishes)
        beside = {by: _measure(cohort, positions, pool, picks)}
        for baseline in BASELINES:
            if baseline != by:
                plain, where = pool_of(workspace, cohort, STRATEGIES.get(baseline), encoder, on)
                inside = np.flatnonzero(np.isin(where, positions))
                chosen = _choose(workspace, cohort, part(plain, inside), where[inside], STRATEGIES.get(baseline), budget, seed, wishes)
                beside[baseline] = _measure(cohort, positions, pool, chosen)
        made = cohort.next(name, _ranked(cohort, positions, picks, by), "select", **parameters)
        result = Cohort(name, made.table, {**made.header, "beside": beside}).save(workspace, dry_run=dry_run)
        run.counts |= {"pool": len(pool), "selected": len(result)}
        run.outputs |= {name: result.fingerprint or ""}
    return result


def pool_of(workspace: Workspace, cohort: Cohort, strategy: ModuleType, encoder: str, on: str,
            supplied: Mapping[str, Path] | None = None) -> tuple[Pool, NDArray[np.int64]]:
    """What the strategy may see, and the positions of the pool's members in the cohort (samples that cannot be encoded stay out)."""
    ids = cohort.table["sample_id"].to_list()
    features, positions = np.empty((0, 0), np.float32), np.arange(len(cohort))
    sides: tuple[int, ...] = ()
    if getattr(strategy, "uses_features", True):
        found = features_of(workspace, cohort, encoder)
        features, positions, sides = found.rows, found.positions, found.sides
    columns = columns_of(workspace, cohort, strategy.needs, on, supplied or {})
    return Pool(tuple(ids[at] for at in positions), features, {column: values[positions] for column, values in columns.items()}, sides), positions


def columns_of(workspace: Workspace, cohort: Cohort, needs: Iterable[str], on: str, supplied: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The columns that a strategy reads, and of patches those by which they are kept apart and measured; one value a row of the cohort."""
    found = {column: values for column in MEASURED if (values := part_column(workspace, cohort, column)) is not None}
    return found | {column: supplied_column(cohort, column, supplied[column]) if column in supplied else _column(workspace, cohort, column, on) for column in needs}


def _choose(workspace: Workspace, cohort: Cohort, pool: Pool, positions: NDArray[np.int64], strategy: ModuleType, budget: float, seed: int, wishes: Wishes) -> Picks:
    limits = tuple(parse_limit(text) for text in wishes.limits)
    constraints = Constraints(budget, limits, _ids(wishes.include), _ids(wishes.exclude), frozenset(map(licence_id, wishes.licences)) or None)
    columns = {limit.column: column_values(workspace, cohort, limit.column, wishes.supplied)[positions].tolist() for limit in limits}
    stated = sample_licences(workspace, cohort) if wishes.licences else []
    licences = [stated[at] for at in positions] if wishes.licences else None
    costs = None if wishes.spend == "samples" else _costs(workspace, cohort, wishes)[positions].tolist()
    return choose(pool, strategy, constraints, seed=seed, columns=columns, licences=licences, costs=costs)


def _costs(workspace: Workspace, cohort: Cohort, wishes: Wishes) -> NDArray[np.float64]:
    """What every sample costs; infinite where it is not to be bought at all, not a number where it is not known."""
    if wishes.spend == "volumes":
        shapes = column_values(workspace, cohort, "shape", {})
        return np.array([1.0 if shape is not None and len(shape) > 2 and shape[2] > 1 else LARGEST for shape in shapes])
    values = column_values(workspace, cohort, wishes.spend, wishes.supplied)
    try:
        return np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise BadInput(f"{wishes.spend!r} cannot be spent: {error}", hint="samples, bytes, volumes, or --column cost=TABLE with numbers") from error


def _column(workspace: Workspace, cohort: Cohort, column: str, on: str) -> NDArray[Any]:
    if (of_parts := part_column(workspace, cohort, column)) is not None:
        return of_parts
    if column in PART_COLUMNS:
        raise BadInput(f"this strategy reads {column}, which patches of volumes have", hint="isocenter patches COHORT --size 32 --as PATCHES")
    if column not in ("stratum", *COHORT.schema.names, *SAMPLES.schema.names):
        raise BadInput(f"this strategy reads {column}, which no sample table has", hint=f"--column {column}=TABLE, a Parquet or CSV table with sample_id and {column}")
    values = column_values(workspace, cohort, on if column == "stratum" else column, {})
    return np.array(["+".join(value) if isinstance(value, tuple) else str(value) for value in values], object)


def _ids(path: Path | None) -> frozenset[str]:
    return frozenset(line.strip() for line in path.read_text().splitlines() if line.strip()) if path else frozenset()


def _measure(cohort: Cohort, positions: NDArray[np.int64], pool: Pool, picks: Picks) -> dict[str, float]:
    """What a choice holds, as `MEASURES` names it: samples, datasets, present terms, and how far the pool is from it (1 - cosine, 0 and more)."""
    chosen = cohort.table[positions[picks.indices].tolist()]
    present = [term for labels in chosen["labels"].to_list() for term, state in (labels or {}).items() if state == "present"]
    measured = {"samples": float(chosen.height), "datasets": float(chosen["dataset"].n_unique()), "terms": float(len(set(present)))}
    measured |= shown(pool, picks.indices)
    if len(pool.features) and len(picks.indices):
        away = np.concatenate([np.maximum(0, 1 - block.max(1)) for _, block in cosine_blocks(pool.features, pool.features[picks.indices])])
        measured |= {"mean distance": float(away.mean()), "farthest": float(away.max())}
    return measured


def _ranked(cohort: Cohort, positions: NDArray[np.int64], picks: Picks, by: str) -> pl.DataFrame:
    """The picked rows in the order of the picks."""
    number = len(picks.indices)
    reasons = picks.reasons or tuple(f"{by}: rank {rank} of {number}" for rank in range(1, number + 1))
    return cohort.table[positions[picks.indices].tolist()].with_columns(
        pl.Series("rank", range(1, number + 1), dtype=pl.Int64), pl.Series("gain", picks.gains, dtype=pl.Float64), pl.Series("reason", reasons, dtype=pl.String))
