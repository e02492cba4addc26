"""The types that strategies, evaluation and selection share: a pool goes in, picks come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pool:
    """What a strategy may look at: `n` candidates.

    ids: n sample ids. features: (n, d) float32, unit rows; empty when the strategy uses none.
    sides: widths of the looks at a sample that a row of features puts side by side; empty for one look.
    columns: name -> (n,) array (object, float or int), at least those named in the strategy's `needs`.
    """

    ids: tuple[str, ...]
    features: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    columns: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    sides: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Picks:
    """What a strategy gives: positions in the pool, most worth first, and what each one gained.

    indices: (k,) int64, no repeats. gains: (k,) float64, in the strategy's own unit (stated in its docstring).
    reasons: one short sentence per pick, or empty.
    """

    indices: NDArray[np.int64]
    gains: NDArray[np.float64]
    reasons: tuple[str, ...] = ()
