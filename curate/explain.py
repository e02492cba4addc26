"""Explain a sample: why it is in a cohort or out of it, stage by stage, with its nearest kept neighbour; and a cohort: who left at which stage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import NotFound, UsageError
from isocenter.core.near_names import advice
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate import explain_stages as stages
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.cohort_line import outdated
from isocenter.harmonize.sample import SAMPLES
from isocenter.registry.amounts import amount

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sample's story. steps: sentences per stage. nearest: the most similar kept sample and the cosine, None without vectors."""

    sample_id: str
    kept: bool
    steps: list[str]
    row: dict[str, Any]
    nearest: tuple[str, float] | None = None
    encoder: str | None = None


def explain(workspace: Workspace, cohort: Cohort, sample: str, encoder: str | None = None) -> Explanation:
    """The story of a sample, named by its id, the end of it, or its dataset's name here and that end (`north/f001.png`).

    encoder: whose vectors find the nearest kept neighbour; None takes the one that the selection looked at, if its vectors are there.
    Raises NotFound when no sample of the cohort's datasets has that id, UsageError when several end so.
    """
    cohorts = _line(workspace, cohort)
    identity, row = _find(workspace, cohorts[0], sample)
    parent = cohorts[0].header.get("parent")
    steps = [f"{parent}: made anew or gone since {cohorts[0].name} came from it; what it held then is not known"] if parent else []
    before: dict[str, Any] | None = None
    for stage in cohorts:
        found = stage.table.filter((pl.col("sample_id") == identity) | pl.col("sample_id").str.starts_with(f"{identity}#")).to_dicts()
        whole = bool(found) and found[0]["sample_id"] == identity
        said = stages.kept(stage, found[0], before) if whole else f"in, as {amount(len(found), 'patch')}" if found else stages.left_out(workspace, stage, identity, row)
        steps.append(f"{stage.name} ({stage.header['verb']}): {said}")
        steps += stages.pairs(workspace, stage, identity) + (stages.kin(workspace, stage, identity) if whole else [])
        before = found[0] if found else None
        if not found:
            break
    chosen = encoder or encoder_at_hand(workspace, cohort)
    return Explanation(identity, before is not None, steps, row, _nearest(workspace, cohort, identity, chosen) if chosen else None, chosen)


def departures(workspace: Workspace, cohort: Cohort) -> list[dict[str, Any]]:
    """One row per stage: how many came in and went out (None when what it was made from is gone), and what the stage asked; of volumes that were cut, patches are kept."""
    line = _line(workspace, cohort)
    rows = []
    for number, stage in enumerate(line):
        came = len(line[number - 1]) if number else None if stage.header.get("parent") else sum(read_table(workspace.samples(name), SAMPLES, ["error"]).height for name in _datasets(stage))
        asked = {key: value for key, value in stage.header["parameters"].items() if key in ("where", "space", "near", "by", "budget", "wishes", "keep", "ratio") and value}
        kept = stage.table["sample_id"].str.split("#").list.first().n_unique() if stage.header["verb"] == "patches" else len(stage)
        rows.append({"cohort": stage.name, "verb": stage.header["verb"], "in": came, "kept": len(stage), "out": None if came is None else came - kept, "asked": asked})
    return rows


def encoder_at_hand(workspace: Workspace, cohort: Cohort) -> str | None:
    """The encoder that the last selection of the cohort's line looked at, if the pool has its vectors."""
    from isocenter.embeddings.samples import embed_cohort

    for stage in reversed(_line(workspace, cohort)):
        if stage.header["verb"] == "select":
            name = str(stage.header["parameters"]["encoder"])
            there = embed_cohort(workspace, Cohort.open(workspace, stage.header["parent"]), name, dry_run=True)
            return name if there.reused else None
    return None


def pool_of(workspace: Workspace, cohort: Cohort) -> Cohort:
    """What the cohort was chosen from: the parent of the last stage of its line that left samples out, else itself."""
    line = _line(workspace, cohort)
    for parent, stage in reversed(list(pairwise(line))):
        if len(stage) < len(parent):
            return parent
    return cohort


def _line(workspace: Workspace, cohort: Cohort) -> list[Cohort]:
    """The cohorts that this one came from, eldest first, and itself; from where the line is whole: a cohort that is gone or was made anew ends it."""
    whole = [cohort]
    for name in reversed(cohort.header.get("lineage", [])):
        parent = Cohort.open(workspace, name) if workspace.cohort(name).exists() else None
        if parent is None or outdated([parent, whole[0]]):
            break
        whole.insert(0, parent)
    return whole


def _datasets(first: Cohort) -> list[str]:
    return sorted(first.header["parameters"].get("datasets") or first.table["dataset"].unique())


def _find(workspace: Workspace, first: Cohort, sample: str) -> tuple[str, dict[str, Any]]:
    rows = pl.concat([read_table(workspace.samples(name), SAMPLES) for name in _datasets(first)])
    found = rows.filter(pl.col("sample_id") == sample)
    if found.is_empty():
        dataset, _, end = sample.partition("/")
        found = rows.filter(pl.col("sample_id").str.ends_with(sample) | ((pl.col("dataset") == dataset) & pl.col("sample_id").str.ends_with(end or sample)))
    if found.height > 1:
        shown = ", ".join(found["sample_id"].head(SHOWN)) + (f" and {found.height - SHOWN} more" if found.height > SHOWN else "")
        raise UsageError(f"{found.height} samples end in {sample!r}: {shown}", where=first.name, hint=f"one of these ids, or with the dataset before it: {found['dataset'][0]}/{sample}")
    if found.is_empty():
        raise NotFound(f"no sample ends in {sample!r}", where=first.name, hint=advice(sample, rows["sample_id"].str.split("/").list.last().unique().to_list(), "isocenter sql \"select sample_id from samples\""))
    return found["sample_id"][0], found.to_dicts()[0]


def _nearest(workspace: Workspace, cohort: Cohort, identity: str, encoder: str) -> tuple[str, float] | None:
    from isocenter.curate.features import features_of

    line = _line(workspace, cohort)
    pool = next((stage for stage in reversed(line) if identity in set(stage.table["sample_id"])), line[0])
    features = features_of(workspace, pool, encoder)
    ids = np.array(pool.table["sample_id"].to_list(), object)[features.positions]
    mine = np.flatnonzero(ids == identity)
    kept = np.flatnonzero(np.isin(ids, [one for one in cohort.table["sample_id"] if one != identity]))
    if not len(mine) or not len(kept):
        return None
    scores = features.rows[kept] @ features.rows[mine[0]]
    best = int(np.argmax(scores))
    return str(ids[kept[best]]), float(scores[best])
