"""Run dcm2niix, when it is installed, on the files of one series: the second opinion that every volume is compared with."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TIMEOUT_SECONDS = 1800


def program() -> str | None:
    """The dcm2niix of the installed wheel, else of the path, else None."""
    if importlib.util.find_spec("dcm2niix") is not None:
        import dcm2niix

        return str(dcm2niix.bin)
    return shutil.which("dcm2niix")


@contextmanager
def second_opinion(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Paths of the NIfTI files that dcm2niix makes of these files alone, in a folder that goes away; empty without dcm2niix.

    Its defaults are fixed here, so that a user's defaults file changes nothing: stored integers kept, Philips values precise,
    nothing cropped, derived images kept.
    """
    found = program()
    with tempfile.TemporaryDirectory(prefix="isocenter-dicom-") as folder:
        if found is None:
            yield []
            return
        inside, outside = Path(folder, "in"), Path(folder, "out")
        inside.mkdir()
        outside.mkdir()
        for number, path in enumerate(files):
            (inside / f"{number:06d}.dcm").symlink_to(path.resolve())
        command = [found, "-g", "i", "-b", "n", "-z", "n", "-l", "o", "-p", "y", "-x", "n", "-i", "n", "-m", "2", "-w", "2", "-f", "v", "-o", str(outside), str(inside)]
        try:
            subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            yield []
            return
        yield sorted(outside.glob("*.nii"))
