"""Quality rules: an image, a mask or a header goes in; findings come out, each with a code, a level and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from isocenter.core.plugins import PluginTable
from isocenter.harmonize.quality._findings import CODES, Code, Finding
from isocenter.harmonize.quality._views import ImageMeta, ImageView, MaskSet

__all__ = ["CODES", "RULES", "Code", "Finding", "ImageMeta", "check_header", "check_image", "check_mask", "unreadable"]

RULES = PluginTable("quality rule", "isocenter.harmonize.quality", ("looks_at", "codes", "check"))


def check_image(array: NDArray[Any], meta: ImageMeta) -> list[Finding]:
    """What the image rules find. array: (x, y[, z[, t]]), or with `meta.channels` > 1 a last axis of colours."""
    view = ImageView(array, meta)
    return _run("image", view)


def check_mask(
    mask: NDArray[Any] | Mapping[str, NDArray[Any]], meta: ImageMeta | None = None, image_shape: tuple[int, ...] | None = None,
    mask_meta: ImageMeta | None = None,
) -> list[Finding]:
    """What the mask rules find. mask: a label array, or one binary array per class name (overlaps allowed).

    meta, image_shape: of the image it belongs to; mask_meta: the mask file's own spacing and affine.
    """
    return _run("mask", MaskSet.of(mask, meta, image_shape, mask_meta))


def check_header(tags: Mapping[str, str]) -> list[Finding]:
    """What the header rules find. tags: DICOM keyword -> value as text."""
    return _run("header", tags)


def unreadable(error: Exception | str) -> Finding:
    """The finding for a file whose content could not be decoded."""
    return Finding("corrupted_file", "error", f"cannot be read: {error}")


def _run(subject: str, view: Any) -> list[Finding]:
    rules = [RULES.get(name) for name in RULES.names()]
    return [finding for rule in rules if rule.looks_at == subject for finding in rule.check(view)]
