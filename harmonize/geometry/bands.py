"""One axis of a resampling as a banded matrix: start, step and lengths in, weights of every output index over the input indices out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

from isocenter.core.errors import BadInput
from isocenter.harmonize.geometry.grid import AxisStep

KERNEL_REACH = 4.0
"""The Gaussian is cut at this many standard deviations (its weight beyond is below 1e-4)."""


@dataclass(frozen=True)
class Block:
    """Rows `first:last` of a band, which read only the inputs `low:high`; `weights` is (last - first, high - low)."""

    first: int
    last: int
    low: int
    high: int
    weights: NDArray[Any]


@dataclass(frozen=True)
class Band:
    """Weights (n_out, n_in) as a sparse matrix whose rows sum to one."""

    matrix: sp.csr_array

    @property
    def n_out(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def n_in(self) -> int:
        return int(self.matrix.shape[1])

    @cached_property
    def reach(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last-plus-one input index of every output index."""
        starts, columns = self.matrix.indptr[:-1], self.matrix.indices
        return np.minimum.reduceat(columns, starts).astype(np.int64), np.maximum.reduceat(columns, starts).astype(np.int64) + 1

    @cached_property
    def is_identity(self) -> bool:
        diagonal = self.matrix.diagonal()
        return self.n_in == self.n_out == self.matrix.nnz and bool((diagonal == 1).all())

    def window(self, first: int, last: int) -> tuple[int, int]:
        """Input indices that the outputs `first:last` read."""
        low, high = self.reach
        return int(low[first:last].min()), int(high[first:last].max())

    def rows_reading(self, low: int, high: int) -> tuple[int, int]:
        """Output indices that read any of the inputs `low:high` (one run, because bands are monotone); (0, 0) if none."""
        starts, ends = self.reach
        rows = np.flatnonzero((starts < high) & (ends > low))
        return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)

    def block(self, first: int, last: int, dtype: DTypeLike) -> Block:
        low, high = self.window(first, last)
        return Block(first, last, low, high, np.ascontiguousarray(self.matrix[first:last, low:high].toarray(), dtype=dtype))

    def blocks(self, rows: int, dtype: DTypeLike) -> list[Block]:
        return [self.block(first, min(first + rows, self.n_out), dtype) for first in range(0, self.n_out, rows)]

    def cut(self, first: int, last: int, low: int, high: int) -> Band:
        """Rows `first:last` over the inputs `low:high` only (what lies outside counts as zero)."""
        return Band(self.matrix[first:last, low:high].tocsr())


def make_band(step: AxisStep, n_in: int, n_out: int, *, order: int, antialias: bool) -> Band:
    """Interpolation of the given order, after a Gaussian when the axis shrinks.

    order: 0 nearest, 1 linear, 3 cubic B-spline on prefiltered samples. Beyond the border the last sample is repeated.
    antialias: Gaussian of `shrink_sigma(|step|)` input samples in front of the interpolation.
    """
    band = _interpolate(step.start + step.step * np.arange(n_out, dtype=np.float64), n_in, order)
    sigma = shrink_sigma(abs(step.step)) if antialias else 0.0
    if sigma > 0 and n_in > 1:
        band = (band @ _gaussian(n_in, sigma)).tocsr()
    return Band(band)


def shrink_sigma(factor: float) -> float:
    """Standard deviation, in input samples, of the Gaussian that fits a shrink by `factor`; 0 when nothing shrinks.

    sigma^2 = (factor^2 - 1) / (8 ln 2): the input's point spread, seen as a Gaussian whose full width at half maximum is one
    sample, becomes one of `factor` samples. Source: Cardoso et al., Scale factor point spread function matching, MICCAI 2015.
    """
    return float(np.sqrt(max(factor * factor - 1.0, 0.0) / (8.0 * np.log(2.0))))


def _interpolate(at: NDArray[Any], n_in: int, order: int) -> sp.csr_array:
    if order == 0:
        offsets, weights = np.floor(at + 0.5)[None].astype(np.int64), np.ones((1, len(at)))
    elif order == 1:
        at = np.clip(at, 0, n_in - 1)
        left = np.floor(at).astype(np.int64)
        offsets, weights = np.stack([left, left + 1]), np.stack([1 - (at - left), at - left])
    elif order == 3:
        at = np.clip(at, 0, n_in - 1)
        left = np.floor(at).astype(np.int64)
        offsets, weights = left + np.arange(-1, 3)[:, None], _cubic_b_spline(at - left)
    else:
        raise BadInput(f"no interpolation of order {order}", hint="0 (nearest), 1 (linear) or 3 (cubic B-spline)")
    columns = _mirrored(offsets, n_in) if order == 3 else np.clip(offsets, 0, n_in - 1)
    rows = np.broadcast_to(np.arange(len(at)), offsets.shape)
    keep = weights != 0
    return sp.csr_array((weights[keep], (rows[keep], columns[keep])), shape=(len(at), n_in))


def _cubic_b_spline(t: NDArray[Any]) -> NDArray[Any]:
    return np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6.0


def _mirrored(index: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Whole-sample mirror, the boundary of scipy's spline prefilter in mode `mirror`."""
    if n == 1:
        return np.zeros_like(index)
    period = 2 * (n - 1)
    folded = np.mod(index, period)
    return np.where(folded < n, folded, period - folded)


def _gaussian(n: int, sigma: float) -> sp.csr_array:
    reach = max(1, int(np.ceil(KERNEL_REACH * sigma)))
    offset = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (offset / sigma) ** 2)
    rows = np.repeat(np.arange(n), len(offset))
    columns = np.clip(np.arange(n)[:, None] + offset, 0, n - 1).ravel()
    return sp.csr_array((np.tile(weight / weight.sum(), n), (rows, columns)), shape=(n, n))
