"""nnU-Net v2: imagesTr, labelsTr, imagesTs, dataset.json and splits; what a sample leaves unannotated is *ignore*, never background."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Refused
from isocenter.core.files import draft, write_json
from isocenter.curate.export import Item
from isocenter.curate.exporters._pictures import key_of, volume_path
from isocenter.harmonize.mask_terms import TermMasks


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """One case per volume with masks. Labels are 1 … n in alphabetical order of the terms, `ignore` is n + 1 where it is needed.

    A voxel outside all annotated structures is background only in a sample that annotates every target term; elsewhere it may be one of
    the missing ones and becomes ignore (counted in `ignored.json`). Where structures overlap the smaller one wins, also counted.
    Source: nnU-Net v2, documentation/dataset_format.md. Raises Refused for what is no volume or has no mask.
    """
    cases = [(key_of(item, number), item, item.masks()) for number, item in enumerate(items)]
    without = [item.row["sample_id"] for _, item, masks in cases if not masks.annotated and item.row["split"] != "test"]
    if without:
        raise Refused(f"{len(without)} samples have no mask (first: {without[0]})", hint="leave them out: merge --where, or --to monai")
    terms = sorted({term for _, _, masks in cases for term in masks.annotated})
    written: dict[str, list[str]] = {}
    ledger: dict[str, dict[str, int]] = {}
    sides: dict[str, list[str]] = {}
    for key, item, masks in cases:
        test = item.row["split"] == "test"
        image = f"images{'Ts' if test else 'Tr'}/{key}_0000.nii.gz"
        _compressed(volume_path(item), folder / image)
        files = [image]
        if masks.annotated:
            label = f"labels{'Ts' if test else 'Tr'}/{key}.nii.gz"
            ledger[item.row["sample_id"]] = _write_label(volume_path(item), masks, terms, folder / label)
            files.append(label)
        sides.setdefault(item.row["split"] or "train", []).append(key)
        written[item.row["sample_id"]] = files
    _write_facts(folder, cases, terms, ledger, sides)
    return written


def paint(masks: TermMasks, terms: list[str], shape: tuple[int, ...]) -> tuple[NDArray[np.uint16], dict[str, int]]:
    """The label array of one sample, and how many voxels were ignored and overpainted. Larger structures are painted first."""
    label = np.zeros(shape, np.uint16)
    painted = 0
    for term, mask in sorted(masks.masks.items(), key=lambda found: (-int(found[1].sum()), found[0])):
        painted += int(((label > 0) & mask).sum())
        label[mask] = terms.index(term) + 1
    ignored = 0
    if set(terms) - masks.annotated:
        ignored = int((label == 0).sum())
        label[label == 0] = len(terms) + 1
    return label, {"ignored_voxels": ignored, "overpainted_voxels": painted}


def _write_label(image: Path, masks: TermMasks, terms: list[str], path: Path) -> dict[str, int]:
    source = nib.load(image)
    odd = next((term for term, mask in masks.masks.items() if mask.shape != source.shape[:3]), None)
    if odd is not None:
        raise Refused(f"the mask of {odd} has shape {masks.masks[odd].shape}, its image {source.shape[:3]}", where=str(image))
    label, counts = paint(masks, terms, source.shape[:3])
    with draft(path) as temporary:
        whole = temporary.with_name(temporary.name + ".nii.gz")
        nib.save(nib.Nifti1Image(label.astype(np.uint8 if len(terms) < 254 else np.uint16), source.affine), whole)
        whole.replace(temporary)
    return counts


def _compressed(source: Path, target: Path) -> None:
    with draft(target) as temporary:
        if source.name.endswith(".gz"):
            shutil.copyfile(source, temporary)
        else:
            with source.open("rb") as plain, gzip.GzipFile(temporary, "wb", mtime=0) as packed:
                shutil.copyfileobj(plain, packed)


def _write_facts(folder: Path, cases: list[tuple[str, Item, TermMasks]], terms: list[str], ledger: dict[str, dict[str, int]], sides: dict[str, list[str]]) -> None:
    ignore = {"ignore": len(terms) + 1} if any(counts["ignored_voxels"] for counts in ledger.values()) else {}
    training = [key for side, keys in sides.items() if side != "test" for key in keys]
    channel: dict[str, Any] = {"0": cases[0][1].row["modality"] or "image"} if cases else {}
    write_json(folder / "dataset.json", {"channel_names": channel, "labels": {"background": 0, **{term: at for at, term in enumerate(terms, start=1)}, **ignore},
                                         "numTraining": len(training), "file_ending": ".nii.gz"})
    write_json(folder / "ignored.json", ledger)
    if sides.get("val"):
        write_json(folder / "splits_final.json", [{"train": sides.get("train", []), "val": sides["val"]}])
