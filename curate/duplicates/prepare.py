"""Decode every picture once, in worker processes: pictures go in, small facts come back and images with points lie in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import IsocenterError
from isocenter.curate.duplicates.picture import Picture
from isocenter.curate.duplicates.workers import Pool
from isocenter.embeddings.local_features import LIMIT, Points, describe, grey
from isocenter.harmonize.image import pixel_hash

THUMBNAIL = 16
CHUNK = 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What one decoding leaves: `thumbnail` (16, 16) float32, zero mean, unit length, all zeros for a picture without content."""

    pixel_hash: str
    size: tuple[int, int]
    thumbnail: NDArray[np.float32]
    volume: bool = False
    error: str | None = None

    @property
    def blank(self) -> bool:
        return not self.volume and not self.thumbnail.any()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture ready for proof: (h, w) uint8, longest side at most 640 px, and its points."""

    image: NDArray[np.uint8]
    points: Points


def prepare(pictures: Sequence[Picture], folder: Path, pool: Pool, *, points: bool) -> list[Facts]:
    """Facts per picture, in order; `folder` receives one file per picture that `load_prepared` reads.

    A picture that cannot be decoded gets facts with an error and takes part in nothing else.
    """
    chunks = [range(start, min(start + CHUNK, len(pictures))) for start in range(0, len(pictures), CHUNK)]
    jobs = [([pictures[i] for i in chunk], [folder / f"{i}.npz" for i in chunk], points) for chunk in chunks]
    return list(pool.each(_prepare_chunk, jobs, "read pictures", len(pictures)))


def load_prepared(path: Path) -> Prepared:
    """Read a prepared picture; its points are made now if they were not wanted before."""
    with np.load(path) as stored:
        image = stored["image"]
        if "xy" in stored:
            return Prepared(image, Points(stored["xy"], stored["scale"], stored["descriptors"]))
    return Prepared(image, describe(image))


def is_volume(pixels: NDArray[Any]) -> bool:
    """Three axes, and the last one is no colour axis."""
    return pixels.ndim == 3 and pixels.shape[2] not in (3, 4)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(16, 16) float32, zero mean and unit length; zeros when the picture is flat."""
    import cv2

    small = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > THUMBNAIL else np.zeros_like(small)


def _prepare_chunk(job: tuple[list[Picture], list[Path], bool]) -> list[Facts]:
    pictures, paths, points = job
    return [_prepare_one(picture, path, points) for picture, path in zip(pictures, paths)]


def _prepare_one(picture: Picture, path: Path, points: bool) -> Facts:
    nothing = np.zeros((THUMBNAIL, THUMBNAIL), np.float32)
    try:
        pixels = np.asarray(picture.load())
    except (IsocenterError, OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        return Facts("", (0, 0), nothing, error=f"{type(error).__name__}: {error}")
    key = picture.pixel_hash or pixel_hash(pixels)
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        return Facts(key, (0, 0), nothing, error=f"pixels of shape {pixels.shape} are neither a picture nor a volume")
    if is_volume(pixels):
        from isocenter.curate.duplicates.volumes import reduce

        np.savez(path, volume=reduce(pixels, picture.spacing_mm))
        return Facts(key, (pixels.shape[0], pixels.shape[1]), nothing, volume=True)
    image = grey(pixels)
    stored: dict[str, NDArray[Any]] = {"image": image}
    if points:
        found = describe(image, LIMIT)
        stored |= {"xy": found.xy, "scale": found.scale, "descriptors": found.descriptors}
    np.savez(path, **stored)                                   # type: ignore[arg-type]
    return Facts(key, (pixels.shape[0], pixels.shape[1]), thumbnail(image))
