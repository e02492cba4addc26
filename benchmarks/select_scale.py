"""How much memory a strategy takes as pools grow: peak resident memory and seconds, one process per run.

python benchmarks/select_scale.py [--rows N]… [--dimension D] [--budget B] [--by S]…

Features are float16, in clusters, written once to a memory map that the strategy reads. A run that takes longer than --limit seconds is ended
and named; two sizes show the slope, from which the memory at a million rows is told.
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

STRATEGIES = ("k-center", "spread", "hierarchical-kmeans", "prototype", "prototype-global", "semdedup", "d4", "density", "facility-location", "maxherding", "probcover")
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


def one(path: Path, by: str, budget: int) -> None:
    """Run one strategy and print its seconds and the peak memory of this process in MB."""
    progress.silence()
    rows = np.load(path)
    strategy = PluginTable("strategies", "isocenter.curate.strategies", ("pick",)).get(by)
    pool = Pool(tuple(map(str, range(len(rows)))), rows)
    wall, cpu = time.perf_counter(), time.process_time()
    picks = strategy.pick(pool, budget, seed=0)
    assert len(set(picks.indices.tolist())) == budget
    print(f"{time.perf_counter() - wall:.0f} {time.process_time() - cpu:.0f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--budget", type=int, default=1000)
    parser.add_argument("--by", action="append")
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(Path(options.one[0]), options.one[1], int(options.one[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows or [100_000, 200_000]:
            path = Path(folder) / f"{rows}.npy"
            features(path, rows, options.dimension)
            for by in options.by or STRATEGIES:
                try:
                    done = subprocess.run([sys.executable, __file__, "--one", str(path), by, str(options.budget)], capture_output=True, text=True, timeout=options.limit)
                    wall, cpu, peak = done.stdout.split() if done.returncode == 0 else ("-", "-", (done.stderr.strip().splitlines() or ["ended"])[-1])
                except subprocess.TimeoutExpired:
                    wall, cpu, peak = f">{options.limit}", "-", "-"
                print(f"{rows:>9} × {options.dimension}  {by:<22} {wall:>6} s wall {cpu:>6} s cpu   peak {peak} MB", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
