"""Planted embeddings for the selection benchmarks: long-tailed clusters on the sphere with near-duplicates."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds of one call, and how much the peak memory of the process grew, in MB."""

    wall: float
    cpu: float
    grown_mb: float

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s wall  {self.cpu:7.2f} s cpu  +{self.grown_mb:6.0f} MB"


def clusters(count: int, dimension: int = 512, *, seed: int = 7) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit rows and their cluster: √count clusters with sizes as 1/rank^0.8, 5 % of the rows copies of others at cosine 0.995."""
    rng = np.random.default_rng(seed)
    k = max(50, round(count**0.5))
    weight = 1 / np.arange(1, k + 1) ** 0.8
    label = rng.choice(k, count, p=weight / weight.sum())
    centre = rng.standard_normal((k, dimension), np.float32)
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    rows = np.empty((count, dimension), np.float32)
    for start in range(0, count, 50_000):
        part = slice(start, start + 50_000)
        noise = rng.standard_normal((len(label[part]), dimension), np.float32)
        rows[part] = centre[label[part]] + noise * np.float32(0.75 / dimension**0.5)
    copies = rng.permutation(count)[:count // 10]
    source, copy = copies[: len(copies) // 2], copies[len(copies) // 2:][: len(copies) // 2]
    rows[copy] = rows[source] + rng.standard_normal((len(source), dimension), np.float32) * np.float32(0.12 / dimension**0.5)
    label[copy] = label[source]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, label


def timed(call: Callable[[], Any]) -> tuple[Any, Cost]:
    """The result of a call and what it cost."""
    before, wall, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
    result = call()
    cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    return result, cost
