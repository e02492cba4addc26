"""Transforms between originals: an alignment of prepared images goes in, JSON in pixels of the original files comes out, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Evidence
from isocenter.embeddings.local_features import LONGEST
from isocenter.embeddings.local_features_match import compose, inverse


class Linked(Protocol):
    """A judged pair of sample ids with its transform from a to b."""

    @property
    def a(self) -> str: ...

    @property
    def b(self) -> str: ...

    @property
    def transform(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Transform:
    """`matrix` (2, 3) takes pixel (x, y) of picture a to b; sizes are (height, width), None where the frames are equal."""

    matrix: NDArray[np.float64]
    inverted: bool
    size_a: tuple[int, ...] | None = None
    size_b: tuple[int, ...] | None = None

    @property
    def mirrored(self) -> bool:
        """Left and right changed places on the way."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    @property
    def shown(self) -> tuple[float, float]:
        """Share of a that b shows, and share of b that a shows (1 and 1 when nothing was cropped)."""
        if self.size_a is None or self.size_b is None:
            return 1.0, 1.0
        return _covered(self.matrix, self.size_a, self.size_b), _covered(inverse(self.matrix), self.size_b, self.size_a)

    def back(self) -> Transform:
        """From b to a."""
        return Transform(inverse(self.matrix), self.inverted, self.size_b, self.size_a)

    def then(self, after: Transform) -> Transform:
        """From a to where `after` leads from b."""
        return Transform(compose(after.matrix, self.matrix), self.inverted != after.inverted, self.size_a or after.size_a, after.size_b or self.size_b)


def ways_to(keeper: str, pairs: Iterable[Linked]) -> dict[str, Transform | None]:
    """Every picture that pairs join to the keeper, with the transform from it to the keeper by the fewest steps; None: unknown."""
    steps: dict[str, list[tuple[str, Transform | None]]] = {}
    for pair in pairs:
        found = read(pair.transform)
        steps.setdefault(pair.b, []).append((pair.a, found))                               # a leads to b
        steps.setdefault(pair.a, []).append((pair.b, found.back() if found else None))
    ways: dict[str, Transform | None] = {keeper: Transform(np.eye(2, 3), False)}
    front = [keeper]
    while front:
        here = front.pop(0)
        for other, here_from in steps.get(here, []):
            if other not in ways:
                onward = ways[here]
                ways[other] = here_from.then(onward) if here_from and onward else None
                front.append(other)
    return ways


def in_originals(found: Evidence, size_a: tuple[int, int], size_b: tuple[int, int]) -> str:
    """JSON of the transform between files of these (height, width)."""
    prepared = np.array(found.matrix).reshape(2, 3)
    matrix = compose(_grow(size_b), compose(prepared, inverse(_grow(size_a))))
    return json.dumps({"kind": "affine", "matrix": [round(float(v), 6) for v in matrix.reshape(-1)], "inverted": "invert" in found.variant,
                       "size_a": size_a, "size_b": size_b})


def read(text: str) -> Transform | None:
    """The transform that a pair's row holds; None where it holds none that pictures could be carried through."""
    body = json.loads(text)
    if body["kind"] == "identity":
        return Transform(np.eye(2, 3), False)
    if body["kind"] != "affine":
        return None
    return Transform(np.array(body["matrix"], np.float64).reshape(2, 3), bool(body["inverted"]), tuple(body["size_a"]), tuple(body["size_b"]))


def in_prepared(text: str) -> Transform | None:
    """The transform between images shrunk as `prepare.grey` does."""
    known = read(text)
    if known is None or known.size_a is None or known.size_b is None:
        return known
    shrunk = compose(inverse(_grow(known.size_b)), compose(known.matrix, _grow(known.size_a)))
    return Transform(shrunk, known.inverted)


def _grow(size: tuple[int, ...]) -> NDArray[np.float64]:
    """Pixels of the prepared image to pixels of the original; pixel centres are at whole numbers."""
    factor = max(1.0, max(size) / LONGEST)
    return np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]])


def _covered(matrix: NDArray[np.float64], size: tuple[int, ...], other: tuple[int, ...]) -> float:
    xs, ys = np.meshgrid(np.linspace(0, size[1] - 1, 64), np.linspace(0, size[0] - 1, 64))
    there = np.c_[xs.ravel(), ys.ravel()] @ matrix[:, :2].T + matrix[:, 2]
    return float(((there >= -0.5) & (there <= (other[1] - 0.5, other[0] - 0.5))).all(1).mean())
