"""Transforms between originals: an alignment of prepared images goes in, JSON in pixels of the original files comes out, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Evidence
from isocenter.embeddings.local_features import LONGEST
from isocenter.embeddings.local_features_match import compose, inverse


@dataclass(frozen=True, slots=True)
class Transform:
    """`matrix` (2, 3) takes pixel (x, y) of picture a to b; `mirrored` when left and right changed places on the way."""

    matrix: NDArray[np.float64]
    inverted: bool

    @property
    def mirrored(self) -> bool:
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    def inside(self, size_a: tuple[int, int], size_b: tuple[int, int]) -> tuple[float, float]:
        """Shares of a's and of b's frame (height, width) that the other one shows."""
        return _covered(self.matrix, size_a, size_b), _covered(inverse(self.matrix), size_b, size_a)


def in_originals(found: Evidence, size_a: tuple[int, int], size_b: tuple[int, int]) -> str:
    """JSON of the transform between files of these (height, width)."""
    prepared = np.array(found.matrix).reshape(2, 3)
    matrix = compose(_grow(size_b), compose(prepared, inverse(_grow(size_a))))
    return json.dumps({"variant": found.variant, "matrix": [round(float(v), 6) for v in matrix.reshape(-1)], "size_a": size_a, "size_b": size_b})


def read(text: str) -> Transform:
    """The transform that a pair's row holds; the identity where it holds none (equal bytes or pixels)."""
    body = json.loads(text or "{}")
    return Transform(np.array(body.get("matrix", [1, 0, 0, 0, 1, 0]), np.float64).reshape(2, 3), "invert" in body.get("variant", ""))


def _grow(size: tuple[int, int]) -> NDArray[np.float64]:
    """Pixels of the prepared image to pixels of the original; pixel centres are at whole numbers."""
    factor = max(1.0, max(size) / LONGEST)
    return np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]])


def _covered(matrix: NDArray[np.float64], size: tuple[int, int], other: tuple[int, int]) -> float:
    xs, ys = np.meshgrid(np.linspace(0, size[1] - 1, 64), np.linspace(0, size[0] - 1, 64))
    there = np.c_[xs.ravel(), ys.ravel()] @ matrix[:, :2].T + matrix[:, 2]
    return float(((there >= -0.5) & (there <= (other[1] - 0.5, other[0] - 0.5))).all(1).mean())
