"""Facility location against apricot's lazy greedy, on one input; without apricot-select only ours runs.

python benchmarks/facility.py [ROWS] [BUDGET]. Each side runs in a process of its own, so that peak memory is its own. To compare from a
throw-away environment that has apricot-select: python benchmarks/facility.py 20000 1000 --peer-python /path/to/python
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PEER = """
import re, sys, time, numpy as np
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
from apricot import FacilityLocationSelection
rows = np.load(sys.argv[1]); before = peak(); wall, cpu = time.perf_counter(), time.process_time()
picks = FacilityLocationSelection(int(sys.argv[2]), metric="cosine", optimizer="lazy", verbose=False).fit(rows).ranking
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
np.save(sys.argv[3], np.asarray(picks)); print(wall, cpu, (peak() - before) / 1024)
"""
OURS = PEER.replace("from apricot import FacilityLocationSelection", "from isocenter.embeddings.kernels.facility import facility_location").replace(
    'FacilityLocationSelection(int(sys.argv[2]), metric="cosine", optimizer="lazy", verbose=False).fit(rows).ranking', "facility_location(rows, int(sys.argv[2]))[0]")


def objective(rows: np.ndarray, picks: np.ndarray) -> float:
    return float(sum(np.maximum(rows[start:start + 4096] @ rows[picks].T, 0).max(1).sum() for start in range(0, len(rows), 4096)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=20_000)
    parser.add_argument("budget", nargs="?", type=int, default=1_000)
    parser.add_argument("--peer-python")
    options = parser.parse_args()
    from selection_pools import clusters

    rows, _ = clusters(options.rows)
    with tempfile.TemporaryDirectory() as folder:
        pool, found = Path(folder) / "pool.npy", Path(folder) / "picks.npy"
        np.save(pool, rows)
        for name, python, code in (("isocenter", sys.executable, OURS), ("apricot lazy", options.peer_python, PEER)):
            if python:
                output = subprocess.run([python, "-c", code, str(pool), str(options.budget), str(found)], check=True, capture_output=True, text=True).stdout
                wall, cpu, grown = map(float, output.split())
                print(f"{name:<14} {wall:7.2f} s wall  {cpu:7.2f} s cpu  +{grown:6.0f} MB  objective {objective(rows, np.load(found)):.1f}")


if __name__ == "__main__":
    main()
