"""Measure an encoder: pictures go in; per change and severity come out how near a changed copy stays, and how often it finds its original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.probe.copies import Cell, Copy, cells, rounds
from isocenter.curate.probe.pictures import Image
from isocenter.embeddings.api import Encoder, unit, vectors


@dataclass(frozen=True, slots=True)
class Robustness:
    """cosine: median between copy and original, vectors centred on the originals. found: share of copies whose nearest original is theirs."""

    name: str
    severity: int
    cosine: float
    found: float


def robustness(encoder: Encoder, pictures: Mapping[str, Image], copies: int, *, only: Sequence[Cell] | None = None, seed: int = 0) -> list[Robustness]:
    """One row per change and severity (`only`: those; by default all of `cells`).

    pictures: name → (h, w) uint8, all different, at least two. copies: per cell, of pictures in turn. Named quantities (an encoder whose
    rows are no directions) are scaled by their deviation over the originals first. Source of the corruptions: Di Salvo et al. 2024 (MedMNIST-C).
    """
    names = sorted(pictures)
    place = {name: at for at, name in enumerate(names)}
    rows = vectors(encoder, [pictures[name] for name in names])
    mean, scale = rows.mean(axis=0), np.ones(rows.shape[1], np.float32) if encoder.card.unit else np.maximum(rows.std(axis=0), 1e-9)
    originals = unit((rows - mean) / scale)
    planned: dict[Cell, list[Copy]] = {cell: [] for cell in (only if only is not None else cells())}
    for some in rounds(names, list(planned), copies, seed):
        for one in some:
            planned[one.change, one.severity].append(one)
    found = []
    for cell, made in planned.items():
        changed = vectors(encoder, [one.of(pictures[one.original]) for one in made])
        cosines: NDArray[np.float32] = unit((changed - mean) / scale) @ originals.T
        own = cosines[np.arange(len(made)), [place[one.original] for one in made]]
        found.append(Robustness(*cell, float(np.median(own)), float(np.mean(own >= cosines.max(axis=1)))))
    return found
