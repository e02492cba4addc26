"""Label remapping: a mask and a table old value -> new value go in, the remapped mask comes out; and which values a mask holds.

Values index a look-up table block by block, so that indices stay in the processor's cache; two neighbouring 8-bit values
are looked up as one 16-bit value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isocenter.core.errors import BadInput

Mask = NDArray[Any]
Unlisted = Literal["refuse", "keep"] | int
BLOCK = 1 << 17
WIDEST_TABLE = 1 << 22
"""Masks whose values span more than this are remapped by binary search instead of a table."""


def as_integers(mask: Mask) -> Mask:
    """A mask in an integer dtype: integers and booleans as they are, whole floats in the smallest dtype that holds them.

    Raises BadInput when a value has a fraction or is not finite, which no label has.
    """
    if mask.dtype.kind == "b":
        return mask.view(np.uint8)
    if mask.dtype.kind in "iu":
        return mask if mask.dtype.isnative else mask.astype(mask.dtype.newbyteorder("="))
    low, high = (float(mask.min()), float(mask.max())) if mask.size else (0.0, 0.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise BadInput("the mask holds NaN or infinity")
    whole = mask.astype(np.promote_types(np.min_scalar_type(int(low)), np.min_scalar_type(int(high))))
    if not np.array_equal(whole, mask):
        example = float(mask[whole != mask][0])
        raise BadInput(f"the mask holds {example:g}, which is no label", hint="is this a probability map, or was it resampled as an image?")
    return whole


def label_counts(mask: Mask) -> dict[int, int]:
    """Voxels of every value in the mask, background included, by rising value. mask: any shape, integer or boolean."""
    flat = _flat(as_integers(mask))[0]
    if flat.size == 0:
        return {}
    if flat.dtype.itemsize == 1:
        return _byte_counts(flat)
    low, high = int(flat.min()), int(flat.max())
    if high - low < WIDEST_TABLE:
        return _listed(_count(flat, low, high - low + 1), low)
    values, wide = np.unique(flat, return_counts=True)
    return {int(value): int(count) for value, count in zip(values, wide)}


def labels_present(mask: Mask) -> list[int]:
    """The values a mask holds, 0 always first whether present or not, then rising."""
    return [0, *(value for value in label_counts(mask) if value != 0)]


def remap(mask: Mask, table: Mapping[int, int], *, unlisted: Unlisted = "refuse", dtype: DTypeLike | None = None) -> Mask:
    """Replace every value by `table[value]`.

    unlisted: what happens to values that the table does not name: `refuse` (BadInput names them), `keep`, or a number to give
    them. dtype: of the result; by default the smallest unsigned one (signed if the table has negatives) that holds it all.
    """
    mask = as_integers(mask)
    flat, order = _flat(mask)
    domain = _domain(flat)
    old, new = _table(domain if domain is not None else np.unique(flat), table, unlisted)
    target = np.dtype(dtype) if dtype is not None else _smallest(new)
    if len(new) and (new.min() < _limits(target)[0] or new.max() > _limits(target)[1]):
        raise BadInput(f"{target} cannot hold the values {int(new.min())} to {int(new.max())}")
    result = np.empty(flat.shape, dtype=target)
    if domain is None:
        values = new.astype(target)
        for source, out in zip(_blocks(flat), _blocks(result)):
            out[:] = values[np.searchsorted(old, source)]
    else:
        _look_up(flat, int(domain[0]), new.astype(target), result)
    if unlisted == "refuse":
        _refuse_unlisted(flat, table)
    return result.reshape(mask.shape, order=order)


def _look_up(flat: Mask, low: int, values: Mask, result: Mask) -> None:
    """values[k] is the new value of `low + k`."""
    if flat.dtype.itemsize <= 2:
        unsigned = np.dtype(f"u{flat.dtype.itemsize}")
        values = np.roll(values, low)                  # index by bit pattern: negatives stand behind the positives
        flat = flat.view(unsigned)
        if flat.dtype.itemsize == values.itemsize == 1 and flat.size % 2 == 0:
            pairs = values.view(np.uint8).astype(np.uint16)
            flat, result = flat.view(np.uint16), result.view(np.uint16)
            values = (pairs[:, None] << 8 | pairs[None, :]).ravel()
        low = 0
    for source, out in zip(_blocks(flat), _blocks(result)):
        np.take(values, source - low if low else source, out=out, mode="clip")


def _domain(flat: Mask) -> NDArray[np.int64] | None:
    """Every value the table must have an entry for: all of a narrow dtype, else the mask's range; None when that is too wide."""
    if flat.dtype.itemsize <= 2:
        low, high = _limits(flat.dtype)
    else:
        low, high = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    return np.arange(low, high + 1, dtype=np.int64) if high - low < WIDEST_TABLE else None


def _table(old: NDArray[Any], table: Mapping[int, int], unlisted: Unlisted) -> tuple[NDArray[Any], NDArray[np.int64]]:
    filler: NDArray[np.int64] | int = old.astype(np.int64) if unlisted == "keep" else 0 if unlisted == "refuse" else int(unlisted)
    new = np.array(np.broadcast_to(filler, old.shape), dtype=np.int64)
    keys = np.array(sorted(table), dtype=np.int64)
    at = np.searchsorted(old, keys)
    found = (at < len(old)) & (old[np.minimum(at, max(len(old) - 1, 0))] == keys) if len(old) else np.zeros(len(keys), bool)
    new[at[found]] = np.array([table[int(key)] for key in keys[found]], dtype=np.int64)
    return old, new


def _refuse_unlisted(flat: Mask, table: Mapping[int, int]) -> None:
    """Counting is spared when the table lists every number between the mask's lowest and highest."""
    if flat.size and all(value in table for value in range(int(flat.min()), int(flat.max()) + 1)):
        return
    strangers = [value for value in label_counts(flat) if value not in table]
    if strangers:
        shown = ", ".join(map(str, strangers[:10])) + (" …" if len(strangers) > 10 else "")
        raise BadInput(f"the mask holds values that the map does not list: {shown}", hint="use the label map of this dataset, release and encoding")


def _byte_counts(flat: Mask) -> dict[int, int]:
    """Two neighbouring bytes are counted as one 16-bit number, and the table of pairs is summed both ways."""
    low, _ = _limits(flat.dtype)
    bits = flat.view(np.uint8)
    even = bits[: bits.size // 2 * 2].view(np.uint16)
    pairs = _count(even, 0, 65536).reshape(256, 256)
    counts = pairs.sum(axis=0) + pairs.sum(axis=1)
    if bits.size % 2:
        counts[bits[-1]] += 1
    return _listed(np.roll(counts, -low), low)


def _count(flat: Mask, low: int, n: int) -> NDArray[np.int64]:
    total = np.zeros(n, dtype=np.int64)
    for block in _blocks(flat, max(BLOCK, 8 * n)):
        total += np.bincount(block.astype(np.int64) - low if low else block, minlength=n)
    return total


def _listed(counts: NDArray[np.int64], low: int) -> dict[int, int]:
    return {low + int(value): int(counts[value]) for value in np.flatnonzero(counts)}


def _flat(mask: Mask) -> tuple[Mask, Literal["C", "F"]]:
    """The values in memory order without a copy where the mask lies in one piece, and the order that restores its shape."""
    order: Literal["C", "F"] = "F" if mask.flags.f_contiguous and not mask.flags.c_contiguous else "C"
    return mask.ravel(order=order), order


def _blocks(flat: Mask, size: int = BLOCK) -> Iterator[Mask]:
    return (flat[first : first + size] for first in range(0, flat.size, size))


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _smallest(values: NDArray[np.int64]) -> np.dtype[Any]:
    if not len(values):
        return np.dtype(np.uint8)
    return np.promote_types(np.min_scalar_type(int(values.min())), np.min_scalar_type(int(values.max())))
