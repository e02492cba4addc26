"""Greedy covers: unit rows in, the order of picks that cover most out, by balls or by a Gaussian kernel."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from isocenter.embeddings.kernels.blocks import cosine_blocks


def ball_cover(features: NDArray[np.float32], budget: int, *, cosine: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows in the order in which each has most uncovered rows at this cosine or above (itself among them), and that number.

    When everything is covered the rest follows in random order with gain 0. O(n²·d) time, O(edges) memory.
    """
    graph = _balls(features, cosine)
    covered = np.zeros(len(features), bool)

    def gain(row: int) -> float:
        return float(np.count_nonzero(~covered[graph.indices[graph.indptr[row]:graph.indptr[row + 1]]]))

    def take(row: int) -> None:
        covered[graph.indices[graph.indptr[row]:graph.indptr[row + 1]]] = True

    first = np.diff(graph.indptr).astype(float)
    picks, gains = lazy_greedy(first, gain, take, budget)
    useful = int(np.count_nonzero(gains > 0))
    rest = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(features)), picks[:useful]))
    return np.concatenate([picks[:useful], rest])[:budget], gains


def kernel_cover(features: NDArray[np.float32], budget: int, *, variance: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows in the order of their gain in mean_i max_j exp(-‖i - j‖² / (2·variance)), and that gain. No n² matrix is kept."""
    features = np.asarray(features, np.float32)
    covered = np.zeros(len(features), np.float32)

    def kernel(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        cosines -= 1
        cosines /= np.float32(variance)
        return np.exp(cosines, out=cosines)

    def gain(row: int) -> float:
        return float(np.maximum(kernel(features @ features[row]) - covered, 0).mean())

    def take(row: int) -> None:
        np.maximum(covered, kernel(features @ features[row]), out=covered)

    first = np.concatenate([kernel(block).mean(1) for _, block in cosine_blocks(features, features)])
    return lazy_greedy(first.astype(float), gain, take, budget)


def lazy_greedy(first: NDArray[np.float64], gain: Callable[[int], float], take: Callable[[int], None],
                budget: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Greedy order for gains that only fall: a candidate is asked for its gain again only when its last one leads (Minoux 1978)."""
    queue = [(-value, row) for row, value in enumerate(first.tolist())]
    heapq.heapify(queue)
    picks, gains = np.empty(budget, np.int64), np.empty(budget)
    done = 0
    while done < budget:
        _, row = heapq.heappop(queue)
        value = gain(row)
        if not queue or -value <= queue[0][0]:
            take(row)
            picks[done], gains[done] = row, value
            done += 1
        else:
            heapq.heappush(queue, (-value, row))
    return picks, gains


def _balls(features: NDArray[np.float32], cosine: float) -> csr_matrix:
    starts, columns = [0], []
    for start, cosines in cosine_blocks(features, features):
        block = cosines >= cosine
        block[np.arange(len(block)), np.arange(start, start + len(block))] = True
        rows, found = np.nonzero(block)
        columns.append(found.astype(np.int32))
        starts.extend((starts[-1] + np.cumsum(np.bincount(rows, minlength=len(block)))).tolist())
    found = np.concatenate(columns)
    return csr_matrix((np.ones(len(found), bool), found, np.array(starts)), shape=(len(features), len(features)))
