"""Exact nearest neighbours of unit rows by cosine: blocks of products, best k kept; FAISS on a CPU, torch on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.devices import pick

BLOCK = 65536                   # rows of the base in one product
QUERIES = 4096

Found = tuple[NDArray[np.float32], NDArray[np.int64]]


def top_k(base: NDArray[np.float32], queries: NDArray[np.float32], k: int, *, device: str = "auto") -> Found:
    """(cosine (q, k) float32, row (q, k) int64), best first; k is cut to the size of the base. Rows of unit length, exact."""
    k = min(k, len(base))
    if k == 0 or len(queries) == 0:
        return np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    chosen = pick(device)
    if chosen == "cpu":
        import faiss

        cosine, row = faiss.knn(np.ascontiguousarray(queries), np.ascontiguousarray(base), k, metric=faiss.METRIC_INNER_PRODUCT)
        return cosine, row
    return _on_torch(base, queries, k, chosen)


def neighbour_graph(rows: NDArray[np.float32], k: int, *, device: str = "auto") -> Found:
    """The k nearest other rows of every row: (cosine (n, k), row (n, k)), best first."""
    k = min(k, len(rows) - 1)
    cosine, row = top_k(rows, rows, k + 1, device=device)
    return without_self(cosine, row)


def without_self(cosine: NDArray[np.float32], row: NDArray[np.int64]) -> Found:
    """Drop each row from its own list of k + 1; where equal rows crowded it out, drop the last of the list."""
    own = row == np.arange(len(row))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(row), row.shape[1] - 1)
    return cosine[~own].reshape(shape), row[~own].reshape(shape)


def _on_torch(base: NDArray[np.float32], queries: NDArray[np.float32], k: int, device: str) -> Found:
    import torch

    cosines, rows = [], []
    with torch.inference_mode():
        held: Any = [torch.from_numpy(base[i : i + BLOCK]).to(device) for i in range(0, len(base), BLOCK)]
        for start in range(0, len(queries), QUERIES):
            query = torch.from_numpy(queries[start : start + QUERIES]).to(device)
            best: Any = None
            for number, part in enumerate(held):
                cosine, row = (query @ part.T).topk(min(k, len(part)), dim=1)
                found = (cosine, row + number * BLOCK)
                if best is not None:
                    both = [torch.cat(pair, 1) for pair in zip(best, found)]
                    cosine, place = both[0].topk(min(k, both[0].shape[1]), dim=1)
                    found = (cosine, both[1].gather(1, place))
                best = found
            cosines.append(best[0].cpu().numpy())
            rows.append(best[1].cpu().numpy())
    return np.concatenate(cosines), np.concatenate(rows)
