"""One case of nnU-Net, a volume or a picture: its image files, one per channel or one with colours, and its label on the same grid."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import nibabel as nib

from isocenter.core.errors import Refused
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters import _pictures, _volumes
from isocenter.curate.exporters._labels import Paint

Kind = Literal["volume", "picture"]
ENDINGS: dict[Kind, str] = {"volume": ".nii.gz", "picture": ".png"}


def kind_of(item: Item) -> Kind:
    return "volume" if _volumes.volume_only(item) is None else "picture"


def write_case_label(item: Item, kind: Kind, paint: Paint, out: Target, stem: str) -> None:
    name = stem + ENDINGS[kind]
    if kind == "volume":
        _volumes.write_label(item, _volumes.volume_of(item), paint, out, name)
    else:
        _pictures.write_label(item, paint, out, name)


def write_channels(item: Item, kind: Kind, out: Target, stem: str) -> int:
    """Write `<stem>_0000…`, a file per channel of a volume, one PNG of all colours of a picture; the number of channels. Raises Unreadable."""
    return _write_volume(_volumes.volume_of(item), out, stem) if kind == "volume" else _write_picture(item, out, stem)


def _write_volume(image: Path, out: Target, stem: str) -> int:
    shape = nib.load(image).shape
    if len(shape) > 4:
        raise Refused(f"{image.name} has {len(shape)} dimensions", hint="leave it out: merge --where")
    if len(shape) <= 3:
        _volumes.write_volume(image, out, f"{stem}_0000.nii.gz")
        return 1
    for at in range(shape[3]):
        out.write(f"{stem}_{at:04d}.nii.gz", lambda draft, at=at: _volumes.save_nifti(nib.load(image).slicer[..., at], draft))  # type: ignore[misc]
    return int(shape[3])


def _write_picture(item: Item, out: Target, stem: str) -> int:
    pixels = _pictures.rows_first(item)

    def make(draft: Path) -> None:
        draft.write_bytes(_pictures.png(pixels, item.files[0][0]))
        if item.row["format"] != "png":
            out.note(item, "changed", f"written as PNG ({item.row['format']} as published)", 1, "file")

    out.write(f"{stem}_0000.png", make)
    return 1 if pixels.ndim == 2 else int(pixels.shape[-1])
