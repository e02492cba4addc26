"""Features of a cohort by an encoder: vectors that exist are read, missing ones are made first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.core.workspace import Workspace
from isocenter.embeddings.api import key, open_encoder
from isocenter.embeddings.decode import Item
from isocenter.embeddings.pipeline import Embedded, embed
from isocenter.embeddings.shards import EmbeddingSet
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder


@dataclass(frozen=True, slots=True)
class Features:
    """rows: (n, d) float32 unit rows of the samples at `positions` of the cohort; errors: sample id -> why it has none."""

    rows: NDArray[np.float32]
    positions: NDArray[np.int64]
    errors: dict[str, str]
    key: str


def embed_cohort(workspace: Workspace, cohort: Cohort, encoder: str, *, device: str = "auto", workers: int | None = None) -> tuple[str, dict[str, Embedded]]:
    """Make the vectors that the cohort still lacks; returns the key of the vectors and the counts per dataset."""
    opened = open_encoder(encoder, device, workspace.plugins)
    done: dict[str, Embedded] = {}
    for dataset, part in sorted(cohort.samples(workspace, ["file_hash"]).partition_by("dataset", as_dict=True).items()):
        name = str(dataset[0])
        decoder = Decoder(workspace, name)
        items = (Item(sample, file_hash or sample, decoder.loader(sample)) for sample, file_hash in part.select("sample_id", "file_hash").iter_rows())
        done[name] = embed(items, opened, workspace.embeddings(key(opened), name), total=part.height, workers=workers)
    return key(opened), done


def features_of(workspace: Workspace, cohort: Cohort, encoder: str, *, device: str = "auto") -> Features:
    """Features of every sample of the cohort that can be encoded."""
    name, _ = embed_cohort(workspace, cohort, encoder, device=device)
    found = EmbeddingSet.open(workspace.embeddings(name, "").parent / name, cohort.table["dataset"].unique().to_list())
    ids, rows = found.read(cohort.table["sample_id"].to_list())
    position = {sample: at for at, sample in enumerate(cohort.table["sample_id"].to_list())}
    missing = {sample: cause for sample, cause in found.errors().items() if sample in position}
    return Features(rows, np.array([position[sample] for sample in ids], np.int64), missing, name)
