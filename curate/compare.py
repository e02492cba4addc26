"""Compare two cohorts: how far apart their pictures lie, which samples of the second are unlike the first, and who and what is in each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import UsageError
from isocenter.core.files import draft
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.compare_distances import SHUFFLES, Distance, Radiomic, embedding_distances, radiomic_distances
from isocenter.curate.compare_equity import equity_of
from isocenter.curate.compare_tables import tables_of
from isocenter.curate.features import Features, features_of
from isocenter.curate.metrics_distance import Rule
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.samples import cohort_vectors
from isocenter.harmonize.cohort import Cohort

RADIOMIC = "radiomic"


@dataclass(frozen=True, slots=True)
class Comparison:
    """distances: name -> value beside what shuffles give. leading: radiomic features that differ most, first the most different.

    scores: sample_id, score, out, chance of every sample of the second cohort, farthest first; empty without radiomic features. tables: see
    `tables_of`. equity: see `equity_of`.
    """

    distances: dict[str, Distance]
    leading: tuple[str, ...]
    scores: pl.DataFrame
    tables: pl.DataFrame
    equity: dict[str, dict[str, float]]

    @property
    def outliers(self) -> list[tuple[str, float]]:
        """Samples of the second cohort beyond the threshold, with their scores, farthest first."""
        return list(self.scores.filter("out").select("sample_id", "score").iter_rows())

    def to_json(self) -> dict[str, Any]:
        return {"distances": {name: _plain(one.value) for name, one in self.distances.items()}, "shuffles": SHUFFLES,
                "by_chance": {name: {"least": _plain(one.least), "most": _plain(one.most)} for name, one in self.distances.items()},
                "apart": {name: one.apart for name, one in self.distances.items()}, "leading": list(self.leading), "outliers": self.outliers,
                "tables": self.tables.to_dicts(), "equity": {column: {name: value if math.isfinite(value) else None for name, value in found.items()} for column, found in self.equity.items()}}


def compare(workspace: Workspace, first: Cohort, second: Cohort, *, encoder: str = "thumbnail", radiomic: bool = True, rule: Rule = "gaussian",
            predictions: Path | None = None, groups: tuple[str, ...] = ("sex",), seed: int = 0, scores: Path | None = None) -> Comparison:
    """The first cohort is the reference. encoder: of the embedding distances; radiomic: also the radiomic Fréchet distance, v0 and v1.

    rule: what makes a sample of the second cohort an outlier, see `out_of_distribution`. predictions: see `equity_of`, on the second cohort.
    scores: a CSV file that gets the scores. Raises BadInput when a side has fewer than two samples that can be encoded, UsageError for an encoder
    of named quantities, whose rows have no length in common.
    """
    with ledger(workspace, "compare", alone=False, first=first.name, second=second.name, encoder=encoder, radiomic=radiomic, seed=seed) as run:
        run.inputs |= {one.name: one.fingerprint or "" for one in (first, second)}
        equity = equity_of(workspace, second, predictions, groups) if predictions else {}
        sides = [features_of(workspace, one, encoder) for one in (first, second)]
        if not cohort_vectors(workspace, first, sides[0].key).card["unit"]:
            raise UsageError(f"{encoder} describes by named quantities, which the radiomic distances compare", hint="--with thumbnail, or another encoder of directions")
        distances, leading, table = embedding_distances(sides[0].rows, sides[1].rows, seed=seed), tuple[str, ...](), _scores(second)
        if radiomic:
            measured = [features_of(workspace, one, RADIOMIC, raw=True) for one in (first, second)]
            found = radiomic_distances(measured[0].rows, measured[1].rows, open_encoder(RADIOMIC).card.names, rule=rule, seed=seed)
            distances, leading, table = distances | found.distances, found.leading, _scores(second, measured[1], found)
        if scores:
            with draft(scores) as path:
                table.write_csv(path)
        run.counts |= {first.name: len(first), second.name: len(second), "outliers": table.filter("out").height}
    return Comparison(distances, leading, table, tables_of(workspace, first, second), equity)


def _scores(cohort: Cohort, measured: Features | None = None, found: Radiomic | None = None) -> pl.DataFrame:
    schema = {"sample_id": pl.String, "score": pl.Float64, "out": pl.Boolean, "chance": pl.Float64}
    if measured is None or found is None:
        return pl.DataFrame(schema=schema)
    ids, far = cohort.table["sample_id"].to_numpy(), found.scores
    order = np.argsort(-far.scores, kind="stable")
    return pl.DataFrame({"sample_id": ids[measured.positions[order]], "score": far.scores[order], "out": far.out[order], "chance": far.chance[order]}, schema=schema)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
