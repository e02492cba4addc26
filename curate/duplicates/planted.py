"""Plant copies: some of the corpus's own pictures go in, changed by hand; out comes what a copy and what a neighbour look like here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Evidence
from isocenter.curate.duplicates.prepare import Prepared, load_prepared
from isocenter.curate.duplicates.proof import prove
from isocenter.curate.duplicates.workers import Pool
from isocenter.curate.probe.changes import by_hand, change
from isocenter.embeddings.local_features import Variant, describe, grey

SAMPLE = 60                        # pictures that get copies
LIGHT = (("jpeg", 1), ("jpeg", 2), ("resize", 2), ("resize", 1), ("contrast-down", 3), ("gamma-down", 3), ("gaussian-blur", 1))
STRENGTHS = (0.5, 1.1)


@dataclass(frozen=True, slots=True)
class Plant:
    """One picture's copies against itself, and against its neighbours (`others`: their positions, in the order of the evidence)."""

    origin: int
    copies: tuple[Evidence | None, ...]
    others: tuple[tuple[int, Evidence], ...]


def plant(origins: Sequence[int], neighbours: dict[int, list[int]], folder: Path, pool: Pool, *, seed: int) -> list[Plant]:
    """Three copies of every origin (one lightly changed, two by hand), proved against the origin and up to three neighbours each."""
    jobs = [(int(i), neighbours.get(int(i), [])[:3], folder, seed + int(i)) for i in origins]
    return list(pool.map(_plant_one, jobs, "learn from altered copies"))


def _plant_one(job: tuple[int, list[int], Path, int]) -> Plant:
    origin, others, folder, seed = job
    rng = np.random.default_rng(seed)
    source = load_prepared(folder / f"{origin}.npz")
    near = {other: load_prepared(folder / f"{other}.npz") for other in others}
    name, severity = LIGHT[int(rng.integers(len(LIGHT)))]
    light = change(source.image, name, severity, seed=seed)
    copies: list[tuple[NDArray[np.uint8], Variant]] = [(light, "same"), *(by_hand(source.image, rng, strength=s) for s in STRENGTHS)]
    same, different = [], []
    for image, variant in copies:
        shown = grey(image)
        copy = Prepared(shown, describe(shown))
        same.append(prove(source, copy, variant, None))
        different += [(other, found) for other, prepared in near.items() if (found := prove(prepared, copy, variant, None))]
    return Plant(origin, tuple(same), tuple(different))
