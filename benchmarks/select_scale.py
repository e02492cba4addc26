"""How much memory a strategy takes as pools grow: peak resident memory and seconds, one process per run.

python benchmarks/select_scale.py [--rows N]… [--dimension D] [--budget B] [--by S]…

Features are float16, in clusters. A run that takes more than --limit seconds of processor time is ended and named; two sizes show the slope,
from which the memory at a million rows is told. Predictions, for badge, are of three classes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from isocenter.core import progress
from isocenter.core.plugins import PluginTable
from isocenter.curate.api import Pool

STRATEGIES = ("k-center", "spread", "hierarchical-kmeans", "prototype", "prototype-global", "semdedup", "d4", "density", "typiclust", "badge", "facility-location", "maxherding", "probcover", "activeft")
BLOCK = 50_000


def features(path: Path, rows: int, dimension: int) -> None:
    """Unit rows in 1,000 clusters, float16, written block by block."""
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((1000, dimension), np.float32)
    weight = 1 / np.arange(1, 1001) ** 0.8
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(rows, dimension))
    for start in range(0, rows, BLOCK):
        stop = min(rows, start + BLOCK)
        block = centres[rng.choice(1000, stop - start, p=weight / weight.sum())] + rng.standard_normal((stop - start, dimension), np.float32) * np.float32(0.75)
        table[start:stop] = block / np.linalg.norm(block, axis=1, keepdims=True)
    table.flush()


def one(path: Path, by: str, budget: int, limit: int) -> None:
    """Run one strategy and print its seconds, the memory of this process with the pool in it, and its peak, in MB."""
    progress.silence()
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    rows = np.load(path)
    strategy = PluginTable("strategies", "isocenter.curate.strategies", ("pick",)).get(by)
    predictions = np.random.default_rng(8).dirichlet(np.ones(3), len(rows)).astype(np.float32)
    pool = Pool(tuple(map(str, range(len(rows)))), rows, {"predictions": predictions})
    Path("/proc/self/clear_refs").write_text("5")          # the peak counts from here
    before = memory("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    picks = strategy.pick(pool, budget, seed=0)
    assert len(set(picks.indices.tolist())) == budget
    print(f"{time.perf_counter() - wall:.0f} {time.process_time() - cpu:.0f} {before:.0f} {memory('VmHWM'):.0f}")


def memory(what: str) -> float:
    """MB of this process that Linux counts under this name."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--budget", type=int, default=1000)
    parser.add_argument("--by", action="append")
    parser.add_argument("--limit", type=int, default=240)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(Path(options.one[0]), options.one[1], int(options.one[2]), int(options.one[3]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows or [100_000, 200_000]:
            path = Path(folder) / f"{rows}.npy"
            features(path, rows, options.dimension)
            for by in options.by or STRATEGIES:
                done = subprocess.run([sys.executable, __file__, "--one", str(path), by, str(options.budget), str(options.limit)], capture_output=True, text=True)
                if done.returncode:
                    reason = f"more than {options.limit} s" if done.returncode < 0 else (done.stderr.strip().splitlines() or ["ended"])[-1]
                    print(f"{rows:>9} × {options.dimension}  {by:<22} {reason}", flush=True)
                    continue
                wall, cpu, before, peak = done.stdout.split()
                print(f"{rows:>9} × {options.dimension}  {by:<22} {wall:>6} s wall {cpu:>6} s cpu   pool {before} MB   peak {peak} MB", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
