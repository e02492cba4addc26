"""Nearest neighbours: our exact search and each kind of index against FAISS flat and scikit-learn, on one input.

    python benchmarks/knn.py [--n 100000] [--dim 512] [--queries 2000] [--k 10] [--rows FILE.npy] [--kinds flat ivf ivfpq hnsw]

Prints one JSON line per implementation: seconds to build and to answer, microseconds a query, and recall@k against exact search.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from join import mixture
from numpy.typing import NDArray

from isocenter.embeddings.index import KINDS, Index, recall
from isocenter.embeddings.kernels.topk import top_k


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["flat", "ivf", "ivfpq"])
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    rows = np.load(arguments.rows) if arguments.rows else mixture(arguments.n, arguments.dim)
    queries = rows[: arguments.queries]
    truth, seconds = timed(lambda: top_k(rows, queries, arguments.k, device=arguments.device)[1])
    tell("ours: exact", rows, queries, 0.0, seconds, 1.0)
    for kind in arguments.kinds:
        index, build = timed(lambda kind=kind: Index.build([str(i) for i in range(len(rows))], rows, encoder="bench", kind=kind, device=arguments.device))
        found, seconds = timed(lambda index=index: index.search(queries, arguments.k)[1])
        tell(f"ours: {kind}", rows, queries, build, seconds, recall(found, truth), probes=index.facts.probes, stated=index.facts.recall_at_10)
    for name, peer in (("faiss flat", faiss_flat), ("scikit-learn brute", sklearn_brute)):
        found, seconds = timed(lambda peer=peer: peer(rows, queries, arguments.k))
        tell(name, rows, queries, 0.0, seconds, recall(found, truth))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    made = work()
    return made, time.perf_counter() - started


def tell(name: str, rows: NDArray[Any], queries: NDArray[Any], build: float, seconds: float, share: float, **more: Any) -> None:
    print(json.dumps({"bench": "knn", "impl": name, "n": len(rows), "queries": len(queries), "build_s": round(build, 2), "search_s": round(seconds, 3),
                      "us_per_query": round(seconds / len(queries) * 1e6, 1), "recall": round(share, 4), **more, "load1": round(os.getloadavg()[0], 1)}), flush=True)


def faiss_flat(rows: NDArray[np.float32], queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    found: NDArray[np.int64] = index.search(queries, k)[1]
    return found


def sklearn_brute(rows: NDArray[np.float32], queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    from sklearn.neighbors import NearestNeighbors

    found: NDArray[np.int64] = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=2).fit(rows).kneighbors(queries, return_distance=False)
    return found


if __name__ == "__main__":
    main()
