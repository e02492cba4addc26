"""Published files on their way out: copied where they are files, rewritten where they hold ids, decoded where they are members of an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import MEMBER, Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import png
from isocenter.harmonize.image import Pixels, load_pixels, recognize


def published(item: Item, at: int, out: Target, name: str) -> str:
    """Write the at-th file of a sample under a name (a member gets the ending of what it is written as); returns the name."""
    path = item.files[at][0]
    if item.member:
        return member(path, out, name.replace(MEMBER, "/"), lambda what: out.note(item, "changed", what, 1, "file"))
    if item.rewrite is None:
        return out.copy(path, name)
    rewrite = item.rewrite

    def make(draft: Path) -> None:
        for sort, number in sorted(rewrite(path, draft).items()):
            if number:
                out.note(item, "changed", f"DICOM elements rewritten: {sort}", number, "element")

    return out.write(name, make)


def member(path: Path, out: Target, name: str, note: Callable[[str], None]) -> str:
    """An array inside a file: PNG where a PNG holds the same values, else `.npy`. Raises Unreadable."""
    array = load_pixels(path, recognize(path) or "")
    try:
        if array.dtype.kind not in "ub":
            raise Unreadable("PNG has no sign")
        data, suffix = png(array, path), ".png"
    except Unreadable:
        data, suffix = b"", ".npy"

    def make(draft: Path) -> None:
        draft.write_bytes(data) if data else _save(draft, array)
        note(f"array of {path.name.partition(MEMBER)[0]} written as {suffix[1:]}")

    return out.write(name + suffix, make)


def _save(draft: Path, array: Pixels) -> None:
    with draft.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
