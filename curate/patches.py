"""Uncertainty of patches: class probabilities of an ensemble in, maps, scores of boxes and orders without overlap out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.api import Picks, Pool
from isocenter.harmonize.part import Part

MISSING = ("isocenter patches COHORT --size 32 --predictions FOLDER --as PATCHES", "isocenter patches COHORT --size 32 --predictions MEMBER-1 --predictions MEMBER-2 --as PATCHES")
Maps = NDArray[np.floating]


def predictive_entropy(members: Maps) -> Maps:
    """(x, y, z) entropy of the mean prediction, in nats; members: (members, classes, x, y, z) probabilities."""
    return _entropy(members.mean(0), axis=0)


def mutual_information(members: Maps) -> Maps:
    """(x, y, z) BALD: predictive entropy minus the members' mean entropy; rounding never makes it negative."""
    return np.maximum(predictive_entropy(members) - _entropy(members, axis=1).mean(0), 0)


def class_entropies(members: Maps) -> Maps:
    """(classes, x, y, z): predictive entropy weighted by each class's mean probability, as ClaSP PE uses it."""
    weighted: Maps = members.mean(0) * predictive_entropy(members)[None]
    return weighted


def means(values: Maps, parts: Iterable[Part]) -> NDArray[np.float64]:
    """(parts,) mean of a map (x, y, z) over every part."""
    return np.array([values[part.slices].mean(dtype=np.float64) for part in parts])


def power_noise(score: NDArray[np.floating], beta: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """log score + Gumbel(0, 1/β): sampling without repeats in proportion to score^β instead of taking the largest."""
    return np.log(np.maximum(score, 1e-12)) + rng.gumbel(0.0, 1.0 / beta, len(score))


def drawn(pool: Pool, column: str, budget: int, *, beta: float, seed: int) -> Picks:
    """A draw without repeats in proportion to a score to the power β, patches that overlap none drawn before first; a gain is the score."""
    score = numbers(pool, column)
    kept, later = apart(falling(power_noise(score, beta, np.random.default_rng(seed))), pool)
    picks = np.array([*kept, *later][:budget], np.int64)
    return Picks(picks, score[picks])


def numbers(pool: Pool, column: str) -> NDArray[np.float64]:
    """A column of the pool as numbers. Raises BadInput where one is missing."""
    try:
        values = np.array(pool.columns[column].tolist(), np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the column {column} does not hold numbers of one shape: {error}") from error
    if np.isnan(values).any():
        raise BadInput(f"{int(np.isnan(values).reshape(len(values), -1).any(1).sum())} of {len(values)} patches have no {column}", hint=MISSING[column == "bald"])
    return values


def falling(score: NDArray[np.floating]) -> list[int]:
    """Positions from the largest score to the smallest; equal ones stay in order."""
    order: list[int] = np.argsort(-score, kind="stable").tolist()
    return order


def apart(order: Sequence[int], pool: Pool) -> tuple[list[int], list[int]]:
    """The order without those whose box overlaps an earlier one of the same image, and those left out. Reads `image`, and `box`: start and stop of each axis."""
    images, boxes = pool.columns["image"].tolist(), np.array(pool.columns["box"].tolist(), np.int64).reshape(len(pool), -1)
    half = boxes.shape[1] // 2
    kept: list[int] = []
    later: list[int] = []
    by_image: dict[object, list[int]] = {}
    for at in order:
        others = by_image.setdefault(images[at], [])
        clear = not others or bool(((boxes[at, :half] >= boxes[others, half:]) | (boxes[others, :half] >= boxes[at, half:])).any(1).all())
        (kept if clear else later).append(at)
        if clear:
            others.append(at)
    return kept, later


def _entropy(probabilities: Maps, axis: int) -> Maps:
    entropy: Maps = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(axis)
    return entropy
