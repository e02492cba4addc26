"""Test pictures made worse: a cohort and an encoder go in, its features under every corruption of the probe come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isocenter.core.progress import track
from isocenter.core.workspace import Workspace
from isocenter.curate.probe.corruptions import CORRUPTIONS, corrupt
from isocenter.embeddings.api import Vectors, finish, open_encoder
from isocenter.embeddings.samples import cohort_views
from isocenter.harmonize.cohort import Cohort

BATCH = 32


def changed_features(workspace: Workspace, cohort: Cohort, encoder: str, positions: NDArray[np.int64], severities: Sequence[int], *,
                     device: str = "auto", seed: int = 0) -> dict[str, Vectors]:
    """`corruption/severity` -> (len(positions), d) features of those rows of the cohort after it; nothing is kept on disk.

    A corruption is done to the 8-bit views that the encoder is given, so that it weighs the same in a large picture as in a small one.
    """
    opened = open_encoder(encoder, device, workspace.plugins)
    ids = cohort.table["sample_id"].to_list()
    place = {ids[position]: at for at, position in enumerate(positions.tolist())}
    names = [(name, severity) for name in CORRUPTIONS for severity in severities]
    made = {f"{name}/{severity}": np.zeros((len(positions), opened.card.dimension), np.float32) for name, severity in names}
    wanted = [decoded for decoded in cohort_views(workspace, cohort, opened) if decoded.item.sample_id in place and decoded.error is None]
    rows = np.array([place[decoded.item.sample_id] for decoded in wanted], np.int64)
    for name, severity in track(names, "corruptions"):
        for start in range(0, len(wanted), BATCH):
            part = [[corrupt(view, name, severity, seed=seed + int(row)) for view in decoded.views] for decoded, row in zip(wanted[start:start + BATCH], rows[start:start + BATCH])]
            encoded = opened.encode([view for views in part for view in views])
            made[f"{name}/{severity}"][rows[start:start + BATCH]] = finish(opened, encoded, [len(views) for views in part])
    return made
