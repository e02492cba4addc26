"""Prototype curation on a long-tailed pool with junk: kept fraction, tail share and junk share beside random and flat k-means.

48,000 unit vectors in 64 dimensions, 60 classes with sizes as 1/rank^1.2, 1 % uniform junk; target 22.4 %. Run: python benchmarks/prototype.py
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Pool
from isocenter.curate.strategies import hierarchical_kmeans, k_center, prototype, prototype_global, random

ROWS, DIMENSION, CLASSES, JUNK, TARGET, NOISE = 48_000, 64, 60, 0.01, 0.224, 0.6


def zipf_pool(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows and their class; junk has class -1."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, CLASSES + 1) ** 1.2
    label = rng.choice(CLASSES, ROWS, p=weight / weight.sum())
    centre = rng.standard_normal((CLASSES, DIMENSION))
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    rows = centre[label] + NOISE * rng.standard_normal((ROWS, DIMENSION)) / np.sqrt(DIMENSION)
    junk = rng.permutation(ROWS)[:int(JUNK * ROWS)]
    rows[junk], label[junk] = rng.standard_normal((len(junk), DIMENSION)), -1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), label


def main() -> None:
    print("seed  strategy             kept    tail share  junk share  seconds")
    for seed in (0, 1):
        rows, label = zipf_pool(seed)
        rarest = np.argsort(np.bincount(label[label >= 0], minlength=CLASSES))[:CLASSES // 2]
        for strategy in (random, prototype, prototype_global, hierarchical_kmeans, k_center):
            began = time.perf_counter()
            picks = strategy.pick(Pool(("",) * ROWS, rows), round(TARGET * ROWS), seed=seed).indices
            seconds = time.perf_counter() - began
            name = strategy.__name__.rsplit(".", 1)[-1]
            print(f"{seed:<4}  {name:<19}  {len(picks) / ROWS:.4f}  {np.isin(label[picks], rarest).mean():<10.3f}  {(label[picks] < 0).mean():<10.4f}  {seconds:.1f}")


if __name__ == "__main__":
    main()
