"""How far apart two sets of features lie: rows of both go in, every distance comes out beside what shuffles of the same samples give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate import metrics_distance as metrics
from isocenter.curate.metrics_distance import OutOfDistribution, Rule, frd, frechet, mmd, out_of_distribution
from isocenter.embeddings.kernels.principal import joint_principal

DIRECTIONS = 64
SHUFFLES = 19                   # more than all of 19 is what one value in twenty does by chance
MOST_FOR_KERNELS = 2_000        # rows of a side that kernel distances are computed on, drawn by the seed
Rows = NDArray[np.floating]
Places = NDArray[np.int64]
Measure = Callable[[Places, Places], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Distance:
    """One distance, 0 (a logarithm: minus infinity) for equal sets; least and most of the shuffles between the two sets."""

    value: float
    least: float
    most: float

    @property
    def apart(self) -> bool:
        """Whether the sets lie farther apart than in any shuffle."""
        return self.value > self.most


def embedding_distances(first: Rows, second: Rows, *, seed: int = 0) -> dict[str, Distance]:
    """Fréchet distance on the 64 principal directions of both sets together, KID and CMMD on at most 2,000 rows a side.

    Raises BadInput when a side has fewer than two rows.
    """
    if min(len(first), len(second)) < 2:
        raise BadInput(f"{len(first)} and {len(second)} samples cannot be compared", hint="two samples or more that can be encoded on each side")
    reduced = np.vstack(joint_principal(first, second, DIRECTIONS))
    rng = np.random.default_rng(seed)
    few = [rows[np.sort(rng.permutation(len(rows))[:MOST_FOR_KERNELS])] for rows in (first, second)]
    both = np.vstack(few)
    cubic, gaussian = metrics.cubic_kernel(both), metrics.gaussian_kernel(both)

    def kernels(a: Places, b: Places) -> dict[str, float]:
        return {"KID": mmd(cubic, a, b, unbiased=True), "CMMD": metrics.CMMD_SCALE * mmd(gaussian, a, b, unbiased=False)}

    found = _beside_shuffles(lambda a, b: {"embedding Fréchet": frechet(reduced[a], reduced[b])}, len(first), len(second), rng)
    return found | _beside_shuffles(kernels, len(few[0]), len(few[1]), rng)


@dataclass(frozen=True, slots=True)
class Radiomic:
    """distances: FRD in all conventions, nFRD and the share out of distribution. scores: of the rows of the second set.

    leading: names of the features by their share of the difference of means, largest first.
    """

    distances: dict[str, Distance]
    scores: OutOfDistribution
    leading: tuple[str, ...]


def radiomic_distances(first: Rows, second: Rows, names: tuple[str, ...], *, rule: Rule = "gaussian", seed: int = 0) -> Radiomic:
    """The radiomic distances of two sets of features called `names`; rule: see `out_of_distribution`."""
    both = np.vstack([first, second])

    def measure(a: Places, b: Places) -> dict[str, float]:
        new, old, far = frd(both[a], both[b]), frd(both[a], both[b], version="v0"), out_of_distribution(both[a], both[b], rule=rule)
        return {"FRD v1 (log d²)": new.log_squared, "FRD v1 (log d)": new.log_distance, "FRD v0 (d²)": old.squared, "FRD v0 (d)": math.sqrt(old.squared),
                "nFRD": far.nfrd, "share out of distribution": float(far.out.mean())}

    distances = _beside_shuffles(measure, len(first), len(second), np.random.default_rng(seed))
    return Radiomic(distances, out_of_distribution(first, second, rule=rule), tuple(names[at] for at in frd(first, second).leading))


def _beside_shuffles(measure: Measure, first: int, second: int, rng: np.random.Generator) -> dict[str, Distance]:
    """A measure of the two sides of one table, and the range of its values when the same rows are dealt out to sides of the same sizes at random."""
    order = np.arange(first + second)
    value = measure(order[:first], order[first:])
    dealt = [measure(*np.split(rng.permutation(order), [first])) for _ in range(SHUFFLES)]
    return {name: Distance(value[name], min(one[name] for one in dealt), max(one[name] for one in dealt)) for name in value}
