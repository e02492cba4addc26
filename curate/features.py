"""Features of a cohort by an encoder: vectors that exist are read, missing ones are made first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.core.workspace import Workspace
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.samples import cohort_vectors, update_vectors
from isocenter.harmonize.cohort import Cohort


@dataclass(frozen=True, slots=True)
class Features:
    """rows: (n, d) float32 unit rows of the samples at `positions` of the cohort; errors: sample id -> why it has none.

    sides: as in the encoder's card."""

    rows: NDArray[np.float32]
    positions: NDArray[np.int64]
    errors: dict[str, str]
    key: str
    sides: tuple[int, ...] = ()


def features_of(workspace: Workspace, cohort: Cohort, encoder: str, *, device: str = "auto", raw: bool = False) -> Features:
    """Features of every sample of the cohort that can be encoded. raw: in the encoder's own scales, so that those of two cohorts can be compared."""
    done = update_vectors(workspace, cohort, open_encoder(encoder, device, workspace.plugins))
    stored = cohort_vectors(workspace, cohort, done.key)
    ids, rows = stored.read(cohort.table["sample_id"].to_list(), raw=raw)
    position = {sample: at for at, sample in enumerate(cohort.table["sample_id"].to_list())}
    return Features(rows, np.array([position[sample] for sample in ids], np.int64), done.errors, done.key, tuple(stored.card["sides"]))
