"""Explain a sample: why it is in a cohort or out of it, stage by stage, with its nearest kept neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from isocenter.core.errors import NotFound
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import GROUPS, PAIRS
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.sample import SAMPLES


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sample's story. steps: one sentence per stage. nearest: the most similar sample of the cohort, None without vectors."""

    sample_id: str
    kept: bool
    steps: list[str]
    row: dict[str, Any]
    nearest: tuple[str, float] | None = None


def explain(workspace: Workspace, cohort: Cohort, sample: str, encoder: str | None = None) -> Explanation:
    """The story of a sample, named by its id or the end of it. encoder: whose vectors find the nearest kept neighbour.

    Raises NotFound when no sample of the cohort's datasets has that id, or several end so.
    """
    names = [*cohort.header.get("lineage", []), cohort.name]
    cohorts = [Cohort.open(workspace, name) for name in names]
    identity, row = _find(workspace, cohorts[0], sample)
    steps, kept = [], False
    for stage in cohorts:
        found = stage.table.filter(pl.col("sample_id") == identity).to_dicts()
        kept = bool(found)
        steps.append(f"{stage.name} ({stage.header['verb']}): " + (_in(found[0]) if found else _out(workspace, stage, identity, row)))
        steps += _pairs(workspace, stage, identity)
        if not found:
            break
    nearest = _nearest(workspace, cohort, identity, encoder) if encoder else None
    return Explanation(identity, kept, steps, row, nearest)


def _find(workspace: Workspace, first: Cohort, sample: str) -> tuple[str, dict[str, Any]]:
    datasets = first.header["parameters"].get("datasets") or first.table["dataset"].unique().to_list()
    rows = pl.concat([read_table(workspace.samples(name), SAMPLES) for name in datasets])
    found = rows.filter(pl.col("sample_id") == sample)
    found = found if found.height else rows.filter(pl.col("sample_id").str.ends_with(sample))
    if found.height != 1:
        several = f"; {found.height} end so: {', '.join(found['sample_id'].head(3))}" if found.height else ""
        raise NotFound(f"no sample {sample!r}{several}", where=first.name, hint="give the whole sample_id")
    return found["sample_id"][0], found.to_dicts()[0]


def _in(row: dict[str, Any]) -> str:
    words = ["in"]
    if row["split"]:
        words.append(f"on side {row['split']}")
    if row["rank"] is not None:
        words.append(f"rank {row['rank']}, gain {row['gain']:.4g}")
    if row["reason"]:
        words.append(row["reason"])
    return ", ".join(words)


def _out(workspace: Workspace, stage: Cohort, identity: str, row: dict[str, Any]) -> str:
    if row["error"]:
        return f"out: {row['error']}"
    if workspace.groups(stage.name).exists():
        groups = read_table(workspace.groups(stage.name), GROUPS)
        mine = groups.filter(pl.col("sample_id") == identity)
        if mine.height:
            keeper = groups.filter((pl.col("group") == mine["group"][0]) & pl.col("keeper"))["sample_id"][0]
            return f"out: a copy of {keeper} ({mine['evidence'][0]})"
    parameters = stage.header["parameters"]
    if stage.header["verb"] == "select":
        return f"out: {parameters['by']} spent its budget of {parameters['budget']} on others"
    if stage.header["verb"] == "merge" and parameters.get("where"):
        return f"out: the condition does not hold: {parameters['where']}"
    return "out"


def _pairs(workspace: Workspace, stage: Cohort, identity: str) -> list[str]:
    if not workspace.pairs(stage.name).exists():
        return []
    pairs = read_table(workspace.pairs(stage.name), PAIRS).filter((pl.col("a") == identity) | (pl.col("b") == identity))
    return [f"  {row['verdict']}: {row['b'] if row['a'] == identity else row['a']} by {row['net']}, score {row['score']:.4g}" for row in pairs.iter_rows(named=True)]


def _nearest(workspace: Workspace, cohort: Cohort, identity: str, encoder: str) -> tuple[str, float] | None:
    from isocenter.curate.features import features_of

    origin = Cohort.open(workspace, cohort.header["lineage"][0]) if cohort.header.get("lineage") else cohort
    features = features_of(workspace, origin, encoder)
    ids = [origin.table["sample_id"][int(at)] for at in features.positions]
    if identity not in ids:
        return None
    kept = set(cohort.table["sample_id"].to_list()) - {identity}
    scores = features.rows @ features.rows[ids.index(identity)]
    best = max(((float(score), name) for score, name in zip(scores, ids) if name in kept), default=None)
    return (best[1], best[0]) if best else None
