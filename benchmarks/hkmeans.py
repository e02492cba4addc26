"""Balanced sampling from a cluster tree against the published algorithm, written here from its description: python benchmarks/hkmeans.py [ROWS]

The published form: k-means++ seeding, centre by centre, and Lloyd's rounds in double precision at every level, each level clustering the
centres of the one below; then a top-down water-filling of the budget, at random inside the leaves. Ten rounds on both sides.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from selection_pools import clusters, timed

from isocenter.embeddings.kernels.kmeans import water_fill
from isocenter.embeddings.kernels.kmeans_tree import balanced_order, cluster_tree

ROUNDS = 10


def published_kmeans(rows: NDArray[np.float64], k: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    squared = (rows**2).sum(1)
    centres = [rows[rng.integers(len(rows))]]
    nearest = squared + (centres[0] ** 2).sum() - 2 * rows @ centres[0]
    while len(centres) < k:
        chance = np.maximum(nearest, 0)
        centres.append(rows[rng.choice(len(rows), p=chance / chance.sum())])
        nearest = np.minimum(nearest, squared + (centres[-1] ** 2).sum() - 2 * rows @ centres[-1])
    found = np.array(centres)
    for _ in range(ROUNDS):
        assigned = ((found**2).sum(1)[None] - 2 * rows @ found.T).argmin(1)
        for one in range(k):
            members = rows[assigned == one]
            found[one] = members.mean(0) if len(members) else rows[rng.integers(len(rows))]
    return found, ((found**2).sum(1)[None] - 2 * rows @ found.T).argmin(1)


def published(rows: NDArray[np.float32], levels: list[int], budget: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    points, paths = rows.astype(np.float64), []
    for k in levels:
        points, assigned = published_kmeans(points, k, rng)
        paths.append(assigned if not paths else assigned[paths[-1]])

    def spend(members: NDArray[np.int64], level: int, many: int) -> NDArray[np.int64]:
        if level < 0 or many >= len(members):
            return rng.permutation(members)[:many]
        groups = [members[paths[level][members] == one] for one in np.unique(paths[level][members])]
        return np.concatenate([spend(group, level - 1, int(share)) for group, share in zip(groups, water_fill(np.array([len(g) for g in groups]), many)) if share])

    return spend(np.arange(len(rows)), len(levels) - 1, budget)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rows, label = clusters(count)
    levels, budget = [count // 20, count // 200, count // 2000], count // 10
    sizes = np.bincount(label)
    rarest = np.argsort(sizes)[:len(sizes) // 2]
    print(f"share of the rarest half of the clusters in the pool: {np.isin(label, rarest).mean():.3f}")
    for seed in (0, 1, 2):
        ours, cost = timed(lambda seed=seed: balanced_order(cluster_tree(rows, levels, seed=seed), seed=seed)[:budget])
        print(f"isocenter  {cost}  tail share {np.isin(label[ours], rarest).mean():.3f}")
        if count <= 50_000:
            theirs, peer = timed(lambda seed=seed: published(rows, levels, budget, seed))
            print(f"published  {peer}  tail share {np.isin(label[theirs], rarest).mean():.3f}  cpu ratio {peer.cpu / cost.cpu:.1f}")


if __name__ == "__main__":
    main()
