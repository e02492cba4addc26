"""Threshold join against exact FAISS range search and against SemDeDup's algorithm, on one input, each in a process of its own.

    python benchmarks/join.py [--n 100000] [--dim 512] [--tau 0.98] [--rows FILE.npy] [--only ours semdedup] [--repeats 2]

Rows are a long-tailed Gaussian mixture with 5 % planted near-duplicates (cosine about 0.995), or those of FILE. Prints one JSON line
per implementation, then ratios. `brute` (all products in float64 blocks) is run up to 20,000 rows and its pairs are compared with
ours. FAISS is timed on the first `--faiss-queries` rows as queries and scaled, because its time is proportional to them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _peers import in_own_process, measure
from numpy.typing import NDArray

IMPLEMENTATIONS = ("ours", "faiss", "semdedup", "brute")
BRUTE_UP_TO = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--tau", type=float, default=0.98)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--only", nargs="+", choices=IMPLEMENTATIONS, default=list(IMPLEMENTATIONS))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--faiss-queries", type=int, default=4096)
    parser.add_argument("--run", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run(arguments)
    else:
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        rows = arguments.rows or Path(name) / "rows.npy"
        if arguments.rows is None:
            np.save(rows, mixture(arguments.n, arguments.dim))
        count = len(np.load(rows, mmap_mode="r"))
        done: dict[str, dict[str, Any]] = {}
        for which in arguments.only:
            if which == "brute" and count > BRUTE_UP_TO:
                continue
            done[which] = in_own_process(__file__, "--rows", str(rows), "--tau", str(arguments.tau), "--run", which, "--out", f"{name}/{which}.npy",
                                         "--repeats", str(arguments.repeats), "--device", arguments.device, "--faiss-queries", str(arguments.faiss_queries))
            print(json.dumps({"bench": "join", "n": count, "tau": arguments.tau, "impl": which, **done[which], "load1": round(os.getloadavg()[0], 1)}), flush=True)
        ours = pairs_of(Path(name) / "ours.npy")
        for which in ("semdedup", "brute"):
            if (Path(name) / f"{which}.npy").exists() and ours is not None:
                theirs = pairs_of(Path(name) / f"{which}.npy") or set()
                print(json.dumps({"against": which, "ours": len(ours), "theirs": len(theirs), "they_miss": len(ours - theirs), "we_miss": len(theirs - ours)}))
        for which in done:
            if which != "ours" and "wall_s" in done[which] and "wall_s" in done.get("ours", {}):
                print(json.dumps({"ratio": f"{which} / ours", "wall": round(done[which]["wall_s"] / done["ours"]["wall_s"], 2),
                                  "cpu": round(done[which]["cpu_s"] / done["ours"]["cpu_s"], 2)}))


def run(arguments: argparse.Namespace) -> None:
    """One implementation, in this process; pairs go to --out."""
    from isocenter.core import progress

    progress.silence()
    rows = np.load(arguments.rows)
    found: list[Any] = []
    share = 1.0

    def job() -> None:
        found[:] = [globals()[arguments.run](rows, arguments)]

    if arguments.run == "faiss":
        share = min(1.0, arguments.faiss_queries / len(rows))
        arguments.index = faiss_index(rows)
    taken = measure(job, 1 if arguments.run in ("faiss", "brute") else arguments.repeats)
    taken |= {"wall_s": taken["wall_s"] / share, "cpu_s": taken["cpu_s"] / share}
    if share == 1.0:
        np.save(arguments.out, found[0])
    rounded = {name: round(value, 3) for name, value in taken.items()}
    sys.stdout.write(json.dumps({**rounded, "pairs": len(found[0]), "share_timed": share}) + "\n")


def ours(rows: NDArray[np.float32], arguments: argparse.Namespace) -> NDArray[np.int64]:
    from isocenter.embeddings.kernels.join import join

    pairs = join(rows, arguments.tau, device=arguments.device)
    return np.stack([pairs.left, pairs.right], 1)


def faiss_index(rows: NDArray[np.float32]) -> Any:
    """Filled before the clock starts, because it is not proportional to the queries."""
    import faiss as library

    index = library.IndexFlatIP(rows.shape[1])
    index.add(rows)
    index.range_search(rows[:64], 0.999)
    return index


def faiss(rows: NDArray[np.float32], arguments: argparse.Namespace) -> NDArray[np.int64]:
    out, wanted = [], min(len(rows), arguments.faiss_queries)
    for start in range(0, wanted, 4096):
        limits, _, found = arguments.index.range_search(rows[start : min(wanted, start + 4096)], arguments.tau)
        query = np.repeat(np.arange(start, start + len(limits) - 1), np.diff(limits.astype(np.int64)))
        out.append(np.stack([query, found], 1)[query < found])
    return np.concatenate(out)


def semdedup(rows: NDArray[np.float32], arguments: argparse.Namespace) -> NDArray[np.int64]:
    """Abbas et al. 2023: spherical k-means (20 rounds), then all pairs inside each cluster; pairs across clusters are lost."""
    import faiss as library
    import torch

    cells = max(50, len(rows) // 1000)
    means = library.Kmeans(rows.shape[1], cells, niter=20, spherical=True, seed=1, max_points_per_centroid=10**9)
    means.train(rows)
    home = means.index.search(rows, 1)[1][:, 0]
    out = []
    for cell in range(cells):
        members = np.flatnonzero(home == cell)
        part = torch.from_numpy(rows[members])
        i, j = (torch.triu(part @ part.T, 1) >= arguments.tau).nonzero(as_tuple=True)
        out.append(np.stack([members[i.numpy()], members[j.numpy()]], 1))
    return np.sort(np.concatenate(out), axis=1)


def brute(rows: NDArray[np.float32], arguments: argparse.Namespace) -> NDArray[np.int64]:
    wide = rows.astype(np.float64)
    out = []
    for start in range(0, len(rows), 2048):
        i, j = np.nonzero(wide[start : start + 2048] @ wide.T >= arguments.tau)
        out.append(np.stack([i + start, j], 1)[i + start < j])
    return np.concatenate(out)


def pairs_of(path: Path) -> set[tuple[int, int]] | None:
    return {(int(i), int(j)) for i, j in np.load(path)} if path.exists() else None


def mixture(count: int, width: int, seed: int = 7, twins: float = 0.05) -> NDArray[np.float32]:
    """(count, width) unit rows: √count clusters of falling size, each around a plane of 24 directions, and planted near-duplicates."""
    rng = np.random.default_rng(seed)
    clusters, planted = max(50, round(count**0.5)), int(count * twins)
    weight = 1 / np.arange(1, clusters + 1) ** 0.8
    centres = unit(rng.standard_normal((clusters, width), dtype=np.float32))
    planes = rng.standard_normal((16, 24, width), dtype=np.float32) / np.float32(width**0.5)
    home = rng.choice(clusters, count - planted, p=weight / weight.sum())
    rows = np.empty((count, width), np.float32)
    for start in range(0, count - planted, 50_000):
        part = home[start : start + 50_000]
        block = centres[part] + rng.standard_normal((len(part), width), dtype=np.float32) * np.float32(0.25 / width**0.5)
        along = rng.standard_normal((len(part), 24), dtype=np.float32) * np.float32(0.75 / 24**0.5)
        for plane in range(16):
            block[part % 16 == plane] += along[part % 16 == plane] @ planes[plane]
        rows[start : start + len(part)] = unit(block)
    source = rng.choice(count - planted, planted, replace=False)
    rows[count - planted :] = unit(rows[source] + rng.standard_normal((planted, width), dtype=np.float32) * np.float32(0.1 / width**0.5))
    return rows[rng.permutation(count)]


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
