"""Judge an encoder by retrieval on a cohort: its samples, labels and patients go in, figures by group beside baselines come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.files import draft
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.columns import column_values
from isocenter.curate.features import features_of
from isocenter.curate.retrieval import Gallery, patient_disjoint, with_baselines
from isocenter.curate.split_components import kin_of
from isocenter.curate.traits import trait
from isocenter.harmonize.cohort import Cohort

PIXELS = "thumbnail"                    # its vectors are the picture's own pixels, made small
GROUPS = ("modality", "dataset", "sex", "age")
MAIN = "P@10"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """table: features, group, figure, queries, mean, low, high. left_out: samples without labels or vectors."""

    table: pl.DataFrame
    queries: int
    gallery: int
    left_out: int
    verdict: str


def retrieve(workspace: Workspace, cohort: Cohort, encoder: str, *, share: float = 0.2, side: str | None = None, groups: tuple[str, ...] = GROUPS,
             seed: int = 0, out: Path | None = None) -> Retrieval:
    """How often the nearest samples of other patients share a label with the query, for the encoder, raw pixels and random vectors.

    share: of the labelled samples that ask, whole components (patients, studies, copies). side: the samples of this side of the cohort's split
    ask instead, the other sides are the gallery. groups: columns whose values are judged on their own queries. Raises BadInput when nothing
    is labelled or nothing is left on one side.
    """
    with ledger(workspace, "retrieve", alone=False, cohort=cohort.name, encoder=encoder, share=share, side=side, seed=seed) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        found, pixels = features_of(workspace, cohort, encoder), features_of(workspace, cohort, PIXELS)
        labels = _labels(cohort)
        both, at_found, at_pixels = np.intersect1d(found.positions, pixels.positions, return_indices=True)
        keep = labels[both].any(1)
        rows = both[keep]
        if not len(rows):
            raise BadInput(f"no sample of {cohort.name} has a present term and pixels", hint="retrieval is judged by labels")
        sides = _by_side(cohort, rows, side) if side else patient_disjoint([str(one) for one in kin_of(workspace, cohort).owner[rows]], share=share, seed=seed)
        table = with_baselines(found.rows[at_found[keep]], pixels.rows[at_pixels[keep]], labels[rows], sides, groups=_groups(workspace, cohort, groups, rows), seed=seed)
        table = table.with_columns(pl.col("features").replace("encoder", encoder))
        if out:
            with draft(out) as path:
                table.write_csv(path)
        run.counts |= {"queries": len(sides.queries), "gallery": len(sides.gallery)}
    return Retrieval(table, len(sides.queries), len(sides.gallery), len(cohort) - len(rows), verdict(table, encoder))


def verdict(table: pl.DataFrame, encoder: str) -> str:
    """Whether the encoder's precision lies above raw pixels beyond both intervals, in words."""
    means = {row["features"]: row for row in table.filter(group="all", figure=MAIN).to_dicts()}
    if not means:
        return f"the gallery is too small for {MAIN}"
    own, raw, chance = means[encoder], means["raw pixels"], means["random"]
    if own["low"] > raw["high"]:
        words = "better than raw pixels beyond both intervals"
    elif own["high"] < raw["low"]:
        words = "worse than raw pixels"
    else:
        words = "not told apart from raw pixels by these queries"
    return f"{encoder}: {MAIN} {own['mean']:.3f} is {words} ({raw['mean']:.3f}; random vectors {chance['mean']:.3f})"


def _labels(cohort: Cohort) -> NDArray[np.bool_]:
    """(n, terms): which terms are present."""
    states = [{term for term, state in (labels or {}).items() if state == "present"} for labels in cohort.table["labels"].to_list()]
    terms = sorted({term for found in states for term in found})
    return np.array([[term in found for term in terms] for found in states], bool).reshape(len(states), len(terms))


def _by_side(cohort: Cohort, rows: NDArray[np.int64], side: str) -> Gallery:
    sides = cohort.table["split"].to_list()
    asks = np.array([sides[at] == side for at in rows])
    other = np.array([sides[at] is not None and sides[at] != side for at in rows])
    if not asks.any() or not other.any():
        raise BadInput(f"{cohort.name} has no labelled samples both on side {side!r} and on others", hint=f"isocenter split {cohort.name} --as NAME")
    return Gallery(np.flatnonzero(other), np.flatnonzero(asks))


def _groups(workspace: Workspace, cohort: Cohort, names: tuple[str, ...], rows: NDArray[np.int64]) -> list[tuple[str, ...]]:
    values = {name: column_values(workspace, cohort, name, {}) for name in names}
    return [tuple(f"{name}={one}" for name, column in values.items() for one in trait(name, column[at])) for at in rows]
