"""MONAI datalist: volumes and masks as published or harmonized, and `dataset.json` with training, validation and test lists."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from isocenter.core.files import write_json
from isocenter.curate.export import Item, copy_file
from isocenter.curate.exporters._pictures import key_of

LISTS = {"train": "training", "val": "validation", "test": "test"}


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """Entries have `image`, `label` where there are mask files, `labels` (term -> state; a term that is not there was not annotated).

    Source: monai.data.load_decathlon_datalist.
    """
    written: dict[str, list[str]] = {}
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS.values()}
    for number, item in enumerate(items):
        key = key_of(item, number)
        image = _copy(Path(item.row["stored"]) if item.row.get("stored") and item.row["format"] != "nifti" else item.files[0][0], folder, f"images/{key}")
        masks = [_copy(path, folder, f"labels/{key}_{at}") for at, path in enumerate(item.mask_files())]
        entry: dict[str, Any] = {"image": image, "sample_id": item.row["sample_id"], "labels": item.row["labels"]}
        if masks:
            entry["label"] = masks[0] if len(masks) == 1 else masks
        lists[LISTS.get(item.row["split"] or "train", "training")].append(entry)
        written[item.row["sample_id"]] = [image, *masks]
    write_json(folder / "dataset.json", {name: entries for name, entries in lists.items() if entries})
    return written


def _copy(source: Path, folder: Path, stem: str) -> str:
    name = stem + ("".join(source.suffixes[-2:]) if source.name.endswith(".nii.gz") else source.suffix)
    copy_file(source, folder / name)
    return name
