"""Run one job of a benchmark in a process of its own: wall time, processor time and memory beyond the input go out as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(job: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Best wall and processor time of `repeats`, and the largest resident memory above what stood before the first call.

    The first call is the one whose memory counts, so call this before the job has ever run.
    """
    RESET.write_text("5") if RESET.exists() else None
    before = resident_mb("VmRSS")
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall_s": min(walls), "cpu_s": min(cpus), "extra_mb": resident_mb("VmHWM") - before}


def resident_mb(field: str) -> float:
    """VmRSS (now) or VmHWM (peak) of this process in MB; 0 where /proc does not exist."""
    if not STATUS.exists():
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in STATUS.read_text().splitlines() if line.startswith(field))


def in_own_process(script: str, *arguments: str) -> dict[str, Any]:
    """The JSON that `script ARGUMENTS` prints on its last line, or {"skipped": why}."""
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"skipped": (done.stderr.strip().splitlines() or ["failed"])[-1][:120]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
