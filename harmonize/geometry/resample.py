"""Orientation and spacing: an array with its affine goes in; the new array, its affine and the way back come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.core.errors import BadInput
from isocenter.harmonize.geometry.bands import Band, make_band, shrink_sigma
from isocenter.harmonize.geometry.grid import Affine, AxisStep, Grid, axis_steps
from isocenter.harmonize.geometry.masks import pick_nearest, vote
from isocenter.harmonize.geometry.separable import apply_bands, working_dtype

Volume = NDArray[Any]
Kind = Literal["image", "mask"]
MaskRule = Literal["vote", "nearest"]


def to_canonical(array: Volume, affine: Affine, axcodes: str = "RAS") -> tuple[Volume, Affine, Grid]:
    """Permute and flip the first three axes to point as `axcodes` says; a view, so no value changes.

    Returns (array, affine, inverse): `resample_onto(array, affine, inverse)` gives the original back, bit for bit.
    """
    source = Grid(_space(array), affine)
    target = source.reoriented(axcodes)
    steps = axis_steps(source, target)
    assert steps is not None
    turned = _as_volume(array).transpose(*(step.source_axis for step in steps), *range(3, max(array.ndim, 3)))
    turned = turned[tuple(slice(None, None, int(step.step)) for step in steps)]
    return turned, target.affine, source


def resample(
    array: Volume, affine: Affine, spacing_mm: Sequence[float | None], *, kind: Kind = "image", order: int | Sequence[int] = 1,
    antialias: bool = True, mask_rule: MaskRule = "vote", align: str = "first-voxel",
) -> tuple[Volume, Affine, Grid]:
    """Resample to a spacing; axes given as None stay as they are.

    array: (x, y[, z[, ...]]), any real dtype, which is kept: values stay in their physical unit, integers are rounded to the
    nearest. order: 0, 1 (linear) or 3 (cubic B-spline), one for all axes or one each. antialias: Gaussian before the
    interpolation on axes that shrink (`bands.shrink_sigma`). kind `mask` follows `mask_rule` instead, and ignores both.
    Returns (array, affine, inverse), the inverse being the grid to hand to `resample_onto`.
    """
    source = Grid(_space(array), affine)
    wanted = [*spacing_mm, None][:3] if len(spacing_mm) == 2 else list(spacing_mm)
    target = source.with_spacing(wanted, align=align)
    result = resample_onto(array, affine, target, kind=kind, order=order, antialias=antialias, mask_rule=mask_rule, outside=None)
    return result, target.affine, source


def resample_onto(
    array: Volume, affine: Affine, grid: Grid, *, kind: Kind = "image", order: int | Sequence[int] = 1,
    antialias: bool = True, mask_rule: MaskRule = "vote", outside: float | None = 0,
) -> Volume:
    """The array on another grid: the inverse of every step here, or a mask brought onto its image's grid.

    Voxels of the grid that do not overlap the source's field of view become `outside`; None repeats the border instead.
    Grids that only permute, flip or crop each other exchange voxels exactly. Grids oblique to each other go through scipy (masks: nearest).
    """
    source, volume = Grid(_space(array), affine), _as_volume(array)
    orders = (order, order, order) if isinstance(order, int) else tuple(order)
    if len(orders) != 3:
        raise BadInput(f"one interpolation order, or three, not {len(orders)}")
    if kind == "mask" and volume.dtype.kind == "f":
        raise BadInput("a mask holds whole numbers", hint="convert it with isocenter.harmonize.remap.as_integers first")
    steps = axis_steps(source, grid)
    if steps is None:
        worker = _oblique(source, grid, kind, orders, antialias, outside)
    else:
        volume = volume.transpose(*(step.source_axis for step in steps), *range(3, volume.ndim))
        worker = _parallel(volume.shape[:3], steps, grid, kind, orders, antialias, mask_rule)
    result = _each_volume(volume, grid.shape, worker)
    if steps is not None and outside is not None:
        _blank(result, volume.shape[:3], steps, outside)
    return result[:, :, 0] if array.ndim == 2 and grid.shape[2] == 1 else result


def _parallel(
    shape: tuple[int, ...], steps: Sequence[AxisStep], grid: Grid, kind: Kind, orders: Sequence[int], antialias: bool, mask_rule: MaskRule,
) -> Callable[[Volume], Volume]:
    exchange = all(step.step in (1.0, -1.0) and step.start.is_integer() for step in steps)
    if exchange or (kind == "mask" and mask_rule == "nearest"):
        orders, antialias = (0, 0, 0), False
    elif kind == "mask":
        orders, antialias = (1, 1, 1), False
    bands = [make_band(step, n_in, n_out, order=o, antialias=antialias and o > 0)
             for step, n_in, n_out, o in zip(steps, shape, grid.shape, orders)]
    if all(o == 0 for o in orders):
        return lambda volume: pick_nearest(volume, bands)
    if kind == "mask":
        return lambda volume: vote(volume, bands)
    cubic = [axis for axis, o in enumerate(orders) if o == 3 and not bands[axis].is_identity and shape[axis] > 1]
    return (lambda volume: _cubic(volume, bands, cubic)) if cubic else lambda volume: apply_bands(volume, bands)


def _cubic(volume: Volume, bands: Sequence[Band], axes: Sequence[int]) -> Volume:
    """Interpolate the cubic B-spline through the samples; overshoot is cut at the volume's own range."""
    if not np.isfinite(limits := (volume.min(), volume.max())).all():
        raise BadInput("cubic interpolation needs finite values", hint="use order 1 for an image with NaN or infinity")
    samples = volume
    for axis in axes:
        samples = ndimage.spline_filter1d(samples, 3, axis, output=working_dtype(volume.dtype), mode="mirror")
    return apply_bands(samples, bands, dtype=volume.dtype, limits=limits)


def _oblique(
    source: Grid, grid: Grid, kind: Kind, orders: Sequence[int], antialias: bool, outside: float | None,
) -> Callable[[Volume], Volume]:
    step = np.linalg.inv(source.affine) @ grid.affine
    sigmas = [shrink_sigma(float(factor)) for factor in np.linalg.norm(step[:3, :3], axis=1)]
    degree: Any = 0 if kind == "mask" else max(orders)

    def work(volume: Volume) -> Volume:
        result = np.empty(grid.shape, dtype=volume.dtype)
        if kind == "image" and antialias:
            volume = ndimage.gaussian_filter(volume.astype(working_dtype(volume.dtype)), sigmas, mode="nearest")
        ndimage.affine_transform(
            volume, step[:3, :3], step[:3, 3], grid.shape, output=result, order=degree,
            mode="nearest" if outside is None else "grid-constant", cval=outside or 0)
        return result

    return work


def _each_volume(volume: Volume, shape: tuple[int, int, int], worker: Callable[[Volume], Volume]) -> Volume:
    """Run the worker over every trailing index (time, channel)."""
    if volume.ndim == 3:
        return worker(volume)
    rest = volume.shape[3:]
    result = np.empty((*shape, *rest), dtype=volume.dtype, order="F")
    for index in np.ndindex(*rest):
        result[(..., *index)] = worker(volume[(..., *index)])
    return result


def _blank(result: Volume, shape: Sequence[int], steps: Sequence[AxisStep], outside: float) -> None:
    for axis, (n_in, step) in enumerate(zip(shape, steps)):
        at = step.start + step.step * np.arange(result.shape[axis])
        reach = 0.5 + abs(step.step) / 2 - 1e-6
        far = (at <= -reach) | (at >= n_in - 1 + reach)
        if far.any():
            np.moveaxis(result, axis, 0)[far] = outside


def _as_volume(array: Volume) -> Volume:
    if array.ndim < 2:
        raise BadInput(f"an image has at least two axes, not {array.ndim}")
    return array[:, :, None] if array.ndim == 2 else array


def _space(array: Volume) -> tuple[int, int, int]:
    x, y, z = _as_volume(array).shape[:3]
    return x, y, z
