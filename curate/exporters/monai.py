"""MONAI datalist: images, labels painted into one space, and `dataset.json` with training, validation and test lists."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters import _pictures, _volumes
from isocenter.curate.exporters._labels import Exclusive, Paint
from isocenter.curate.exporters._pictures import key_of, picture_only
from isocenter.curate.exporters._published import published
from isocenter.curate.exporters._volumes import volume_of, volume_only, write_volume

TRAINS = True
LISTS = {"train": "training", "val": "validation", "test": "test"}


def fits(item: Item) -> str | None:
    if picture_only(item) is None or volume_only(item) is None:
        return None
    return volume_only(item) if item.part or item.row["format"] == "dicom" else (None if len(item.files) == 1 else "is made of several files")


def write(items: Iterable[Item], out: Target) -> None:
    """Entries have `image`, `label` where there are masks, `labels` (term -> state; a term that is not there was not annotated) and `boxes`.

    Values of all labels mean what the top-level `labels` says; a voxel of `ignore` may be a term that nobody annotated there and is to be left out
    of the loss. Paths are relative to the folder. Source: monai.data.load_decathlon_datalist (keys `training`, `validation`, `test`).
    """
    terms = sorted({term for item in items for term in item.mask_terms()})
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS.values()}
    modalities: dict[str, None] = {}
    for item in items:
        with out.sample(item):
            entry = _entry(item, Exclusive(terms), out) | {"sample_id": item.sample_id, "labels": item.row["labels"]}
            if boxes := item.boxes():
                entry["boxes"] = [{"term": mark.term, "box": mark.corners} for mark in boxes]
            lists[LISTS.get(item.split or "train", "training")].append(entry)
            modalities[item.row["modality"] or "image"] = None
    ignore = {str(len(terms) + 1): "ignore"} if any(note.what == "ignored" for note in out.notes) else {}
    out.json("dataset.json", {
        "name": out.folder.name, "description": "written by isocenter", "licence": "see LICENSES.md", "modality": {str(at): name for at, name in enumerate(modalities)},
        "labels": {"0": "background", **{str(at): term for at, term in enumerate(terms, start=1)}, **ignore},
        **{f"num{name.capitalize()}": len(entries) for name, entries in lists.items() if entries}, **{name: entries for name, entries in lists.items() if entries},
    })


def _entry(item: Item, paint: Paint, out: Target) -> dict[str, Any]:
    key = key_of(item)
    if volume_only(item) is None:
        image = volume_of(item)
        entry = {"image": write_volume(image, out, f"images/{key}.nii.gz")}
        return entry | ({"label": _volumes.write_label(item, image, paint, out, f"labels/{key}.nii.gz")} if item.mask_terms() else {})
    suffix = "" if item.member else Path(item.files[0][1]).suffix
    entry = {"image": published(item, 0, out, f"images/{key}{suffix}")}
    return entry | ({"label": _pictures.write_label(item, paint, out, f"labels/{key}.png")} if item.mask_terms() and picture_only(item) is None else {})
