"""Online curation around prototypes: unit rows and a target in, the rows kept and their distance to the nearest prototype out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.kernels.farthest import farthest_first
from isocenter.embeddings.kernels.kmeans import kmeans, nearest_centre, water_fill

SINKHORN_EPSILON, SINKHORN_ROUNDS = 0.5, 3


@dataclass(frozen=True, slots=True)
class Curator:
    """The curator's numbers, with the quantiles of its source; how many central rows a cluster keeps is solved from the target.

    outlier_q, support_q: quantiles of the distance to the prototype inside a batch and cluster; above the first rows are dropped, between the
    two all are kept, below the second they are thinned. momentum: of the prototypes; the source has 0.9 because its encoder learns meanwhile,
    cached vectors stand still. warmup: batches that the first prototypes are found on.
    """

    prototypes: int = 6
    batch: int = 480
    outlier_q: float = 0.95
    support_q: float = 0.85
    momentum: float = 1.0
    warmup: int = 10


def curate_stream(features: NDArray[np.floating], target: int, *, seed: int, curator: Curator | None = None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """One pass over the rows in seeded order, batch by batch: exactly `target` positions and their distances, in the order they were kept.

    features: (n, d) unit rows. Each batch is owed its share of the target; the support band takes from it first, and farthest-point
    sampling over the central rows of each cluster spends the rest, the clusters sharing equally. Kept rows then move the prototypes.
    Source: CheXficient's data curator, from its description. O(n·d·(prototypes + kept per batch)) time, O(n) memory beside the features.
    """
    made = curator or Curator()
    count, target = len(features), min(target, len(features))
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    warm = np.sort(order[:made.warmup * made.batch])
    prototypes = _unit(kmeans(np.asarray(features[warm], np.float32), made.prototypes, seed=seed, rounds=20)[0])
    kept, distances, spent = [], [], 0
    for start in range(0, count, made.batch):
        at = order[start:start + made.batch]
        owed = round(target * min(start + made.batch, count) / count) - spent
        rows = np.asarray(features[at], np.float32)
        chosen, distance = _choose(rows, prototypes, owed, made, rng)
        kept.append(at[chosen])
        distances.append(distance[chosen])
        spent += len(chosen)
        prototypes = _moved(prototypes, rows[chosen], made.momentum)
    return np.concatenate(kept).astype(np.int64), np.concatenate(distances).astype(np.float64)


def curate_whole(features: NDArray[np.floating], target: int, *, seed: int, curator: Curator | None = None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The same bands over the whole pool at once, around prototypes found on all rows: no dependence on the order of a stream."""
    made = curator or Curator()
    rng = np.random.default_rng(seed)
    prototypes = _unit(kmeans(features, made.prototypes, seed=seed, rounds=20)[0])
    chosen, distance = _choose(np.asarray(features, np.float32), prototypes, min(target, len(features)), made, rng)
    return chosen.astype(np.int64), distance[chosen].astype(np.float64)


def balanced_assignment(similarity: NDArray[np.floating]) -> NDArray[np.int64]:
    """(n,) prototype of every row after Sinkhorn balancing over the prototypes (ε = 0.5, three rounds), made hard."""
    plan = np.exp((similarity - similarity.max()) / SINKHORN_EPSILON).astype(np.float64)
    for _ in range(SINKHORN_ROUNDS):
        plan /= plan.sum(0, keepdims=True) * plan.shape[1]
        plan /= plan.sum(1, keepdims=True) * plan.shape[0]
    best: NDArray[np.int64] = plan.argmax(1)
    return best


def _choose(rows: NDArray[np.float32], prototypes: NDArray[np.float32], owed: int, made: Curator,
            rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions kept of this batch, exactly `owed`, and every row's distance."""
    cluster, squared = nearest_centre(rows, prototypes)
    distance = np.sqrt(squared)
    band = np.full(len(rows), "central", "U7")
    width = min(made.outlier_q - made.support_q, 0.45 * owed / max(len(rows), 1))
    for one in range(len(prototypes)):
        inside = np.flatnonzero(cluster == one)
        if len(inside):
            outer, inner = np.quantile(distance[inside], [made.outlier_q, made.outlier_q - width])
            band[inside[distance[inside] > inner]] = "support"
            band[inside[distance[inside] > outer]] = "outlier"
    support = np.flatnonzero(band == "support")
    support = rng.permutation(support)[:owed]
    central = [np.flatnonzero((cluster == one) & (band == "central")) for one in range(len(prototypes))]
    quota = water_fill(np.array([len(part) for part in central]), owed - len(support))
    thinned = [part[farthest_first(rows[part], int(many), first=int(distance[part].argmax()))[0]] for part, many in zip(central, quota) if many]
    chosen = np.concatenate([support, *thinned])
    missing = owed - len(chosen)
    return np.concatenate([chosen, np.flatnonzero(band == "outlier")[:missing]]) if missing > 0 else chosen, distance


def _moved(prototypes: NDArray[np.float32], rows: NDArray[np.float32], momentum: float) -> NDArray[np.float32]:
    """Prototypes moved towards the mean of their rows; one without rows stays where it is."""
    if not len(rows) or momentum == 1.0:
        return prototypes
    assigned = balanced_assignment(rows @ prototypes.T)
    moved = prototypes.copy()
    for one in np.unique(assigned):
        moved[one] = momentum * prototypes[one] + (1 - momentum) * rows[assigned == one].mean(0)
    return _unit(moved)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit
