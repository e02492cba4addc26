"""Scan many small files: memory, time, and a scan that is killed half way and goes on.

Usage: python benchmarks/scan.py [FILES, default 100000] [png|dicom]. Files of a few hundred bytes are made in a temporary folder and removed
again. Three lines of JSON: a scan killed after a while, the same command again, a third time with nothing to do. `looked`: files that were opened in
this run; the first two together open each file once, apart from the shard that was open when the scan was killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from isocenter.core.workspace import Workspace
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.file_facts import facts_folder
from isocenter.harmonize.source import adopt

PER_FOLDER = 1000
KILLED_AT = 0.4


def make_pngs(folder: Path, count: int) -> None:
    """Pictures of 8 × 8 pixels, all different."""
    for number in range(count):
        place = folder / f"{number // PER_FOLDER:04d}"
        place.mkdir(exist_ok=True)
        Image.fromarray(np.frombuffer(number.to_bytes(8, "little") * 8, np.uint8).reshape(8, 8)).save(place / f"{number:07d}.png", compress_level=1)


def make_dicoms(folder: Path, count: int) -> None:
    """Series of 100 slices of 8 × 8 pixels."""
    slices = np.arange(8 * 8 * 100, dtype=np.int16).reshape(8, 8, 100)
    for number in range(count // 100):
        write_series(folder / f"{number:05d}", slices, np.eye(4), name=f"s{number}")


MAKERS: dict[str, Callable[[Path, int], None]] = {"png": make_pngs, "dicom": make_dicoms}


def scan(workspace: Workspace, kill_after: int | None, known: int) -> dict[str, object]:
    """Run the command in a process of its own, kill it once so many files were looked at, and say what it took."""
    started = time.perf_counter()
    child = subprocess.Popen([str(Path(sys.executable).with_name("isocenter")), "scan", "many", "--workspace", str(workspace.root)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        if kill_after is not None and looked(workspace) >= kill_after:
            child.send_signal(signal.SIGKILL)
            child.wait()
        time.sleep(0.2)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"killed": child.returncode == -signal.SIGKILL, "seconds": round(time.perf_counter() - started, 1), "looked": looked(workspace) - known, "peak_mb_so_far": round(peak)}


def looked(workspace: Workspace) -> int:
    """Files in the shards that are finished."""
    return sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in sorted(facts_folder(workspace, "many").glob("*.parquet")))


def main(count: int, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        MAKERS[kind](data, count)
        workspace = Workspace.create(Path(folder, "work"))
        adopt(workspace, "many", data, layout="folder" if kind == "png" else "dicom")
        known = 0
        for kill_after in (int(count * KILLED_AT), None, None):
            print(json.dumps({"benchmark": "scan", "kind": kind, "files": count, "cores": os.cpu_count(), **scan(workspace, kill_after, known)}), flush=True)
            known = looked(workspace)
        table = pl.read_parquet(workspace.samples("many"), columns=["sample_id", "error"])
        print(json.dumps({"samples": table.height, "unique": table["sample_id"].n_unique(), "errors": table["error"].drop_nulls().len()}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2] if len(sys.argv) > 2 else "png")
