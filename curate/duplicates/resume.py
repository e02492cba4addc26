"""Where a search that was cut goes on: its pictures and settings go in, a folder comes out that lasts until the search ends."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from isocenter.core.files import fingerprint
from isocenter.curate.duplicates.picture import Picture

FORGOTTEN_S = 7 * 24 * 3600.0      # age from which what a search left is removed


def home(folder: Path, pictures: Sequence[Picture], **settings: object) -> Path:
    """The place in `folder` of this very search: the same pictures by content and order, the same settings and library versions.

    Places that nobody came back to for a week are removed.
    """
    import cv2

    forget(folder)
    content = [(p.id, p.file_hash, p.pixel_hash, p.series, p.position, p.spacing_mm) for p in pictures]
    return folder / fingerprint([content, settings, cv2.__version__, [version(name) for name in ("isocenter", "numpy", "scipy")]])


def forget(folder: Path) -> None:
    """Remove what nobody wrote to for a week: folders and files of the folder."""
    for old in folder.iterdir() if folder.exists() else ():
        if time.time() - old.stat().st_mtime > FORGOTTEN_S:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


@contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """The folder, made if needed and removed once all went well; a temporary one for None."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="isocenter-duplicates-") as temporary:
            yield Path(temporary)
        return
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()
