"""The pictures that a probe changes: a cohort or a folder goes in, small grey pictures by name come out, and what is no picture with its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import IsocenterError
from isocenter.core.progress import track
from isocenter.core.workspace import Workspace
from isocenter.curate.duplicates.prepare import is_volume
from isocenter.embeddings.local_features import grey
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.image import Pixels, load_pixels, recognize

SIDE = 320                         # pixels of the longest side: the severities were set for small pictures

Image = NDArray[np.uint8]
Pictures = dict[str, Image]


def of_cohort(workspace: Workspace, cohort: Cohort) -> tuple[Pictures, dict[str, str]]:
    """Pictures of a cohort by sample id; see `_all`."""
    decoders = {dataset: Decoder(workspace, dataset) for dataset in cohort.table["dataset"].unique().sort()}
    return _all((sample, decoders[dataset].loader(sample)) for sample, dataset in cohort.table.select("sample_id", "dataset").iter_rows())


def of_folder(folder: Path) -> tuple[Pictures, dict[str, str]]:
    """Pictures of the files in a folder and in those below it, by their path; see `_all`. Hidden files are passed over."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return _all((path.relative_to(folder).as_posix(), partial(_read, path)) for path in paths)


def _all(named: Iterable[tuple[str, Callable[[], Pixels]]]) -> tuple[Pictures, dict[str, str]]:
    """(h, w) uint8 pictures of at most 320 pixels by name, and name → why it is none (a volume, a file that cannot be read)."""
    found: Pictures = {}
    left: dict[str, str] = {}
    for name, load in track(list(named), "read pictures"):
        try:
            found[name] = small(load())
        except (IsocenterError, OSError, ValueError) as error:
            left[name] = error.what if isinstance(error, IsocenterError) else str(error)
    return found, left


def small(pixels: Pixels) -> Image:
    """(h, w) uint8, longest side at most 320. Raises ValueError for a volume or a clip."""
    if pixels.ndim not in (2, 3) or is_volume(pixels):
        raise ValueError(f"of shape {pixels.shape}, no single picture")
    import cv2

    image = grey(pixels)
    factor = SIDE / max(image.shape)
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8) if factor < 1 else image


def _read(path: Path) -> Pixels:
    format_ = recognize(path)
    if format_ is None:
        raise ValueError("no image")
    return load_pixels(path, format_)
