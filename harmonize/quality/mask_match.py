"""A mask that does not lie on its image's grid: another shape, spacing, orientation or place."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import MaskSet

looks_at = "mask"
codes = ("mask_mismatch",)


def check(masks: MaskSet) -> Iterator[Finding]:
    if len(masks.shapes) > 1:
        yield Finding("mask_mismatch", "error", f"the classes have different shapes: {', '.join(map(_by, masks.shapes))}")
    elif masks.image_shape is not None and masks.shape != tuple(masks.image_shape):
        turned = " (axes swapped?)" if sorted(masks.shape) == sorted(masks.image_shape) else ""
        yield Finding("mask_mismatch", "error", f"the mask is {_by(masks.shape)}, the image {_by(masks.image_shape)}{turned}")
    else:
        yield from _affines(masks)


def _affines(masks: MaskSet) -> Iterator[Finding]:
    if masks.meta is None or masks.image is None or masks.meta.affine is None or masks.image.affine is None:
        return
    mine, theirs = masks.meta.affine, masks.image.affine
    codes_of = ["".join(nib.aff2axcodes(affine)) for affine in (mine, theirs)]
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in (*masks.shape, 1, 1)[:3]], indexing="ij")).reshape(3, -1)
    apart = np.linalg.norm((mine - theirs)[:3, :3] @ corners + (mine - theirs)[:3, 3:], axis=0).max()
    voxel = float(np.linalg.norm(theirs[:3, :3], axis=0).min())
    if codes_of[0] != codes_of[1]:
        yield Finding("mask_mismatch", "error", f"the mask points {codes_of[0]}, the image {codes_of[1]}")
    elif apart > voxel / 2:
        yield Finding("mask_mismatch", "warning", f"corners of mask and image lie up to {apart:.3g} mm apart")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
