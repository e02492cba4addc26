"""How much memory and time an export takes as the cohort grows: many small pictures go in, a table of formats, sizes, seconds and peak memory comes out.

    python benchmarks/export.py [SAMPLES …] [FORMAT …]          default 2000 8000, five formats

Each export runs in a process of its own; peak memory is that process's (`VmHWM` of Linux; `ru_maxrss` would
count the parent's). The slope between two sizes is what a sample costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FORMATS = ("parquet", "files", "webdataset", "huggingface", "coco")
SIDE = 32


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:] if text.isdigit()] or [2000, 8000]
    formats = [text for text in sys.argv[1:] if not text.isdigit()] or FORMATS
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _pictures(home / "data", max(sizes))
        _workspace(home, sizes)
        print("format       samples   CPU s   peak MB   verify s")
        peaks: dict[tuple[str, int], float] = {}
        for name in formats:
            for size in sizes:
                line = subprocess.run([sys.executable, __file__, "--one", str(home), name, str(size)], check=True, capture_output=True, text=True).stdout
                found = json.loads(line.splitlines()[-1])
                peaks[name, size] = found["peak"]
                print(f"{name:12} {size:7} {found['cpu']:7.1f} {found['peak']:9.0f} {found['verify']:10.1f}")
            if len(sizes) > 1:
                grown = (peaks[name, sizes[-1]] - peaks[name, sizes[0]]) * 1e6 / (sizes[-1] - sizes[0])
                print(f"{name:12} a sample costs {grown / 1000:.1f} kB of memory")


def _pictures(root: Path, number: int) -> None:
    """Small PNG files of noise, in folders of a thousand; each names a patient."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for at in range(number):
        path = root / f"{at // 1000:03d}" / f"p{at // 2:06d}_{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE)).astype(np.uint8)).save(path, compress_level=1)


def _workspace(home: Path, sizes: list[int]) -> None:
    """A workspace with a cohort of each size."""
    import tomli_w

    from isocenter.core import progress
    from isocenter.core.workspace import Workspace
    from isocenter.harmonize.cohort import Cohort
    from isocenter.harmonize.merge import merge
    from isocenter.harmonize.scan import scan
    from isocenter.harmonize.source import adopt

    progress.silence()
    workspace = Workspace.create(home / "work")
    (home / "layout.toml").write_text(tomli_w.dumps({"images": "{n}/{patient}_{k}.png", "modality": "X-ray"}))
    adopt(workspace, "many", home / "data", layout=str(home / "layout.toml"), license="CC-BY-4.0")
    scan(workspace, "many")
    merge(workspace, ["many"], name="all")
    whole = Cohort.open(workspace, "all")
    for size in sizes:
        Cohort(f"c{size}", whole.table.head(size), whole.header).save(workspace)


def _one(home: Path, name: str, size: int) -> None:
    from isocenter.core import progress
    from isocenter.core.workspace import Workspace
    from isocenter.curate.export import export
    from isocenter.curate.verify import verify
    from isocenter.harmonize.cohort import Cohort

    progress.silence()
    workspace = Workspace.open(home / "work")
    started = time.process_time()
    done = export(workspace, Cohort.open(workspace, f"c{size}"), to=name, folder=home / f"{name}-{size}")
    cpu = time.process_time() - started
    peak = next(int(line.split()[1]) / 1000 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    started = time.process_time()
    defects = verify(done.folder)
    assert not defects
    assert done.samples == size
    print(json.dumps({"cpu": cpu, "peak": peak, "verify": time.process_time() - started}))


if __name__ == "__main__":
    _one(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])) if sys.argv[1:2] == ["--one"] else main()
