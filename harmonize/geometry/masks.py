"""Resample label masks by their own rule: a mask and three bands in, a mask that holds only values it held before out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.harmonize.geometry.bands import Band
from isocenter.harmonize.geometry.separable import BLOCK_ROWS, memory_order, over_slabs, passes, slab_rows
from isocenter.harmonize.remap import labels_present, remap

Volume = NDArray[Any]


def pick_nearest(mask: Volume, bands: Sequence[Band]) -> Volume:
    """Every output voxel takes the value at its nearest input voxel. bands: of order 0."""
    return mask[np.ix_(*(band.matrix.indices for band in bands))]


def vote(mask: Volume, bands: Sequence[Band]) -> Volume:
    """Every output voxel takes the label with the largest interpolated share; the smaller value wins a tie.

    Each label's indicator is interpolated by the bands (for one label: a threshold at one half), in the label's own
    bounding box and slab by slab, so that a hundred small organs cost little more than one. mask: 3-D integer.
    """
    values = labels_present(mask)
    order = memory_order(mask)
    narrow = np.uint8 if len(values) <= 256 else np.uint16 if len(values) <= 65536 else np.uint32
    codes = remap(mask, {value: code for code, value in enumerate(values)}, dtype=narrow).transpose(order)
    work = [bands[axis] for axis in order]
    result = np.empty(tuple(band.n_out for band in work), dtype=narrow)

    def fill(first: int, last: int) -> None:
        low, high = work[0].window(first, last)
        result[first:last] = _slab(codes[low:high], [work[0].cut(first, last, low, high), *work[1:]])

    over_slabs(result.shape[0], slab_rows(codes, work, 8), fill)
    back = remap(result, dict(enumerate(values)), dtype=mask.dtype)
    return back.transpose(np.argsort(order))


def _slab(codes: Volume, bands: Sequence[Band]) -> Volume:
    shape = tuple(band.n_out for band in bands)
    winner, best = np.zeros(shape, dtype=codes.dtype), np.zeros(shape, dtype=np.float32)
    background = np.ones(shape, dtype=np.float32)
    for code, box in enumerate(ndimage.find_objects(codes), start=1):
        if box is None:
            continue
        spans = [band.rows_reading(side.start, side.stop) for band, side in zip(bands, box)]
        if any(first == last for first, last in spans):
            continue
        cut = [band.cut(first, last, side.start, side.stop) for band, side, (first, last) in zip(bands, box, spans)]
        share = _share(codes[box] == code, cut)
        where = tuple(slice(first, last) for first, last in spans)
        background[where] -= share
        ahead = share > best[where]
        winner[where][ahead] = code
        np.maximum(best[where], share, out=best[where])
    winner[background >= best] = 0
    return winner


def _share(indicator: Volume, bands: Sequence[Band]) -> NDArray[np.float32]:
    blocks = [None if band.is_identity else band.blocks(BLOCK_ROWS, np.float32) for band in bands[1:]]
    whole = bands[0].block(0, bands[0].n_out, np.float32)
    return passes(indicator[whole.low : whole.high].astype(np.float32), bands, whole, blocks)
