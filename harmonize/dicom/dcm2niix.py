"""Run dcm2niix, when it is installed, on the files of one series: the second opinion that every volume is compared with."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Opinion:
    """The NIfTI files that dcm2niix made. silence: why there are none, where it was asked; None where it is not installed."""

    files: tuple[Path, ...] = ()
    silence: str | None = None


def program() -> str | None:
    """The dcm2niix of the installed wheel, else of the path, else None."""
    if importlib.util.find_spec("dcm2niix") is not None:
        import dcm2niix

        return str(dcm2niix.bin)
    return shutil.which("dcm2niix")


@contextmanager
def second_opinion(files: Sequence[Path]) -> Iterator[Opinion]:
    """What dcm2niix makes of these files alone, in a folder that goes away.

    Its defaults are fixed here, so that a user's defaults file changes nothing: stored integers kept, Philips values precise,
    nothing cropped, derived images kept.
    """
    found = program()
    with tempfile.TemporaryDirectory(prefix="isocenter-dicom-") as folder:
        if found is None:
            yield Opinion()
            return
        inside, outside = Path(folder, "in"), Path(folder, "out")
        inside.mkdir()
        outside.mkdir()
        for number, path in enumerate(files):
            (inside / f"{number:06d}.dcm").symlink_to(path.resolve())
        silence = _ran([found, "-g", "i", "-b", "n", "-z", "n", "-l", "o", "-p", "y", "-x", "n", "-i", "n", "-w", "2", "-f", "v", "-o", str(outside), str(inside)])
        made = tuple(sorted(outside.glob("*.nii")))
        yield Opinion(made) if made and silence is None else Opinion(silence=silence or "it wrote no volume")


def _ran(command: list[str]) -> str | None:
    """Why the program did not end as it should; None where it did, whatever it wrote."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it was stopped after {TIMEOUT_SECONDS} s"
    except OSError as error:
        return f"it cannot be started: {error.strerror or error}"
    return f"it was ended by signal {-done.returncode}" if done.returncode < 0 else None
