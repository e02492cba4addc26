"""Masks that mark nothing, nearly everything, stray voxels, or one thing twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import MaskSet

looks_at = "mask"
codes = ("mask_empty", "mask_inverted", "mask_tiny_components", "mask_nested_class")
TINY_VOXELS, TINY_SHARE = 4, 0.001
"""A stray part has at most this many voxels and at most this share of the largest part of its class."""


def check(masks: MaskSet) -> Iterator[Finding]:
    if not masks.foreground.any():
        yield Finding("mask_empty", "note", "the mask marks nothing")
        return
    share = masks.foreground.mean()
    if share > 0.5 and _touches_every_border(masks.foreground):
        yield Finding("mask_inverted", "warning", f"the mask marks {share:.0%} of the image and touches every border; inverted?")
    yield from _strays(masks)
    if masks.overlapping:
        yield from _nested(masks)


def _touches_every_border(marked: NDArray[np.bool_]) -> bool:
    sides = [np.moveaxis(marked, axis, 0)[end] for axis in range(marked.ndim) if marked.shape[axis] > 1 for end in (0, -1)]
    return all(side.any() for side in sides)


def _strays(masks: MaskSet) -> Iterator[Finding]:
    found = {}
    for name, marked in masks.classes.items():
        labelled, n = ndimage.label(marked, structure=np.ones((3,) * marked.ndim))
        if n > 1:
            sizes = np.bincount(labelled.ravel())[1:]
            stray = int((sizes <= min(TINY_VOXELS, TINY_SHARE * sizes.max())).sum())
            if stray:
                found[name] = stray
    if found:
        shown = ", ".join(f"{name} ({n})" for name, n in list(found.items())[:5]) + (" …" if len(found) > 5 else "")
        yield Finding("mask_tiny_components", "note", f"parts of at most {TINY_VOXELS} voxels beside a large one: {shown}")


def _nested(masks: MaskSet) -> Iterator[Finding]:
    """Classes that are equal, or exactly the sum of at least two others that lie inside them (ACDC in SA-Med2D-20M)."""
    alike = {name: marked for name, marked in masks.classes.items() if marked.shape == masks.shape and marked.any()}
    ordered = sorted(alike, key=lambda name: (int(alike[name].sum()), name))
    for first, second in pairwise(ordered):
        if np.array_equal(alike[first], alike[second]):
            yield Finding("mask_nested_class", "warning", f"{first} and {second} mark the same voxels")
    for name in ordered:
        inside = [other for other in ordered if other != name and not (alike[other] & ~alike[name]).any() and alike[other].sum() < alike[name].sum()]
        if len(inside) >= 2 and np.array_equal(np.logical_or.reduce([alike[other] for other in inside]), alike[name]):
            yield Finding("mask_nested_class", "warning", f"{name} is the sum of {', '.join(inside)}")
