"""Measure an encoder: pictures go in; per change and severity come out how near a changed copy stays, and how often it finds its original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.probe.changes import change
from isocenter.curate.probe.recall import Cell, Image, cells
from isocenter.embeddings.api import Encoder, unit, vectors


@dataclass(frozen=True, slots=True)
class Robustness:
    """cosine: median between copy and original, vectors centred on the originals. found: share of copies whose nearest original is theirs."""

    name: str
    severity: int
    cosine: float
    found: float


def robustness(encoder: Encoder, pictures: Sequence[Image], *, only: Sequence[Cell] | None = None, seed: int = 0) -> list[Robustness]:
    """One row per change and severity (`only`: those; by default all of `cells`).

    pictures: (h, w) uint8, at least two. Named quantities (an encoder whose rows are no directions) are scaled by their deviation over
    the originals first. Source of the corruptions: Di Salvo et al. 2024 (MedMNIST-C).
    """
    rows = vectors(encoder, pictures)
    mean, scale = rows.mean(axis=0), np.ones(rows.shape[1], np.float32) if encoder.card.unit else np.maximum(rows.std(axis=0), 1e-9)
    originals = unit((rows - mean) / scale)
    found = []
    for name, severity in only if only is not None else cells():
        copies = vectors(encoder, [change(picture, name, severity, seed=seed + place) for place, picture in enumerate(pictures)])
        cosines: NDArray[np.float32] = unit((copies - mean) / scale) @ originals.T
        own = np.diagonal(cosines)
        found.append(Robustness(name, severity, float(np.median(own)), float(np.mean(own >= cosines.max(axis=1)))))
    return found
