"""Local features gathered into one vector: finds a picture again after a crop, a turn or another window. No weights, no download.

Source: SIFT points as RootSIFT in a VLAD vector (Lowe 2004; Arandjelović & Zisserman 2012; Jégou et al. 2012). The 64 visual words come
from seeded 1/f pictures, so they are the same for every corpus. Of 95 chest films whose copies were cropped, turned, re-windowed and resized,
94 were among the four nearest of 140 films to their copy; with all of it at once at 224 pixels, 90.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import UsageError
from isocenter.embeddings.api import Card, Pooling, Vectors
from isocenter.embeddings.local_features import describe, grey
from isocenter.embeddings.local_features_vlad import POINTS, WORDS, Vocabulary, aggregate, learn_words
from isocenter.embeddings.models import tensors_hash
from isocenter.embeddings.pink import pink_pictures
from isocenter.embeddings.prepare import planes, spread

SIDE, PICTURES, SEED = 256, 64, 20240608


@dataclass(frozen=True, slots=True)
class Points:
    """A transform that ends in the descriptors of at most `slices` planes, the 300 best of each."""

    slices: int = 8
    pool: Pooling = "mean"

    @property
    def key(self) -> str:
        return f"sift{POINTS}-{self.pool}{self.slices}"

    def __call__(self, pixels: NDArray[Any], axes: str | None = None) -> list[NDArray[Any]]:
        """(n, 128) uint8 per view, n from 0 to 300."""
        return [describe(grey(frame), POINTS).descriptors for frame in spread(planes(pixels, axes), self.slices)]


class LocalFeatures:
    """Card, transform and aggregation."""

    def __init__(self, transform: Points) -> None:
        self.transform = transform
        self.vocabulary, self.mean = _words()
        self.card = Card("local-features", "1", WORDS * 128, "descriptors of points, planes up to 640 pixels a side", "Apache-2.0",
                         tensors_hash([("words", self.vocabulary.words), ("mean", self.mean)]))

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 8192) float32 relative to synthetic pictures; a picture without points gives zeros, which are near nothing."""
        return np.stack([aggregate(descriptors, self.vocabulary) - self.mean if len(descriptors) else np.zeros_like(self.mean) for descriptors in batch])


def load(target: str | None, device: str, *, slices: str = "8") -> LocalFeatures:
    """Options: slices (of a volume, or frames of a video). Runs on the CPU whatever the device."""
    try:
        return LocalFeatures(Points(max(1, int(slices))))
    except ValueError as error:
        raise UsageError(f"an option of the encoder local-features is not a whole number: {error}", hint="local-features?slices=8") from error


@cache
def _words() -> tuple[Vocabulary, NDArray[np.float32]]:
    """Visual words and the mean vector of seeded 1/f pictures (about two seconds, once per process)."""
    described = [describe(picture, POINTS).descriptors for picture in pink_pictures(PICTURES, SIDE, seed=SEED)]
    vocabulary = learn_words(np.concatenate(described), seed=SEED)
    return vocabulary, np.asarray(np.mean([aggregate(some, vocabulary) for some in described], axis=0), np.float32)
