"""Near-duplicate candidates by perceptual hash and thumbnail: shown with their score, left unsettled, never dropped."""

from __future__ import annotations

import numpy as np
import polars as pl

from isocenter.core.workspace import Workspace
from isocenter.curate.features import features_of
from isocenter.curate.groups import Pair
from isocenter.embeddings.kernels.join import join
from isocenter.harmonize.cohort import Cohort

PHASH_BITS = 4
THUMBNAIL_COSINE = 0.97


def near_pairs(workspace: Workspace, table: pl.DataFrame, known: list[Pair]) -> list[Pair]:
    """Pairs within 4 bits of pHash, or with thumbnails that correlate by 0.97; pairs of one series are neighbours, not candidates."""
    copies = {pair.b for pair in known}
    rest = table.filter(~pl.col("sample_id").is_in(list(copies)))
    cohort = Cohort("near", rest)
    series = rest["series_id"].to_list()
    ids = rest["sample_id"].to_list()
    found: dict[tuple[str, str], Pair] = {}
    for net, tau in (("phash", 1 - 2 * PHASH_BITS / 64), ("thumbnail", THUMBNAIL_COSINE)):
        features = features_of(workspace, cohort, net)
        pairs = join(np.ascontiguousarray(features.rows), tau - 1e-6)
        for left, right, cosine in zip(features.positions[pairs.left].tolist(), features.positions[pairs.right].tolist(), pairs.cosine.tolist()):
            a, b = min(left, right), max(left, right)
            if series[a] is None or series[a] != series[b]:
                found.setdefault((ids[a], ids[b]), Pair(ids[a], ids[b], net, round(float(cosine), 4), "unsettled", '{"kind": "unknown"}'))
    return list(found.values())
