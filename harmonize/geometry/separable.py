"""Apply one band per axis to a volume: an array and three bands in, the weighted sums out, slab by slab, on threads and BLAS.

A band is cut into small dense blocks, so every pass is a matrix product over the few inputs it needs: 512 x 512 x 200
voxels to 1 mm take less time than SimpleITK's threaded loop, with any kernel, and memory beyond the result stays near
one slab per thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from isocenter.harmonize.geometry.bands import Band, Block

Volume = NDArray[Any]
SLAB_ROWS = 8
SLAB_BYTES = 64 << 20
BLOCK_ROWS = 64


def apply_bands(volume: Volume, bands: Sequence[Band], *, dtype: np.dtype[Any] | None = None, limits: tuple[Any, Any] | None = None) -> Volume:
    """The volume resampled along its three axes.

    volume: 3-D. bands: one per axis. dtype: of the result, the volume's own by default; integers are rounded to the
    nearest. limits: smallest and largest value allowed (for kernels with negative lobes).
    NaN and infinity stay local: a result is the weighted mean of its finite inputs, and NaN where these weigh less than half.
    """
    order = memory_order(volume)
    inside, work = volume.transpose(order), [bands[axis] for axis in order]
    result = np.empty(tuple(band.n_out for band in work), dtype=dtype or volume.dtype)
    working = working_dtype(volume.dtype)
    blocks = [None if band.is_identity else band.blocks(BLOCK_ROWS, working) for band in work[1:]]

    def fill(first: int, last: int) -> None:
        block = work[0].block(first, last, working)
        values = _slab(np.asarray(inside[block.low : block.high]), work, block, blocks, working)
        if limits is not None:
            np.clip(values, *limits, out=values)
        if result.dtype.kind in "iub":
            np.rint(values, out=values)
        result[first:last] = values

    over_slabs(result.shape[0], slab_rows(inside, work, working.itemsize), fill)
    return result.transpose(np.argsort(order))


def over_slabs(length: int, rows: int, fill: Callable[[int, int], None]) -> None:
    """Call `fill(first, last)` for every run of `rows` indices, on as many threads as there are processors, eight at most.

    BLAS is held to one thread meanwhile: its own threads would meet after every small product, and on a busy machine wait there.
    """
    starts = range(0, length, rows)
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(min(len(starts), _processors()) or 1) as pool:
        for _ in pool.map(lambda first: fill(first, min(first + rows, length)), starts):
            pass


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _processors() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, 8)


def memory_order(volume: Volume) -> tuple[int, ...]:
    """Axes from slowest to fastest in memory; axes of length one come first, so that a flat image is one slab."""
    return tuple(sorted(range(volume.ndim), key=lambda axis: (volume.shape[axis] > 1, -abs(volume.strides[axis]))))


def slab_rows(inside: Volume, bands: Sequence[Band], itemsize: int) -> int:
    """How many output rows of the first axis fit the slab's memory."""
    row = max(inside.shape[1], bands[1].n_out) * max(inside.shape[2], bands[2].n_out) * itemsize
    ratio = max(1.0, bands[0].n_in / max(bands[0].n_out, 1))
    return int(np.clip(SLAB_BYTES / (row * ratio), 1, SLAB_ROWS))


def passes(slab: Volume, bands: Sequence[Band], first: Block, blocks: Sequence[Sequence[Block] | None]) -> Volume:
    """One slab through the three axes, the axis that shrinks most first. slab: float, (first.high - first.low, h, w)."""
    ratios = [first.weights.shape[0] / first.weights.shape[1], *(band.n_out / band.n_in for band in bands[1:])]
    for axis in sorted(range(3), key=lambda k: ratios[k]):
        if axis == 0:
            if not (bands[0].is_identity):
                slab = (first.weights @ slab.reshape(slab.shape[0], -1)).reshape(-1, *slab.shape[1:])
        elif (runs := blocks[axis - 1]) is not None:
            slab = (_columns if axis == 2 else _rows)(slab, runs)
    return slab


def _slab(raw: Volume, bands: Sequence[Band], first: Block, blocks: Sequence[Sequence[Block] | None], working: np.dtype[Any]) -> Volume:
    slab = np.ascontiguousarray(raw, dtype=working)
    if raw.dtype.kind == "f" and not (finite := np.isfinite(slab)).all():
        total = passes(np.where(finite, slab, 0), bands, first, blocks)
        weight = passes(finite.astype(working), bands, first, blocks)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(weight >= 0.5, total / weight, np.nan)
    result = passes(slab, bands, first, blocks)
    return result.copy() if result is raw else result


def _rows(slab: Volume, runs: Sequence[Block]) -> Volume:
    result = np.empty((slab.shape[0], runs[-1].last, slab.shape[2]), dtype=slab.dtype)
    for run in runs:
        np.matmul(run.weights, slab[:, run.low : run.high], out=result[:, run.first : run.last])
    return result


def _columns(slab: Volume, runs: Sequence[Block]) -> Volume:
    flat = slab.reshape(-1, slab.shape[2])
    result = np.empty((flat.shape[0], runs[-1].last), dtype=slab.dtype)
    for run in runs:
        result[:, run.first : run.last] = flat[:, run.low : run.high] @ run.weights.T
    return result.reshape(*slab.shape[:2], -1)


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float32 holds every 16-bit integer exactly; wider values are worked on in float64."""
    narrow = dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize <= 2) or (dtype.kind == "f" and dtype.itemsize <= 4)
    return np.dtype(np.float32 if narrow else np.float64)
