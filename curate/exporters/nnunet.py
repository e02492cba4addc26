"""nnU-Net v2: imagesTr, labelsTr, imagesTs, dataset.json and splits; what a sample leaves unannotated is *ignore*, never background."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib

from isocenter.core.errors import Refused
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of
from isocenter.curate.exporters._volumes import save_nifti, volume_of, volume_only, write_label, write_volume

OPTIONS = ("by_annotation",)
LONGEST_NAME = 60


def fits(item: Item) -> str | None:
    if why := volume_only(item):
        return why
    return None if item.split == "test" or item.annotated() or item.mask_terms() else "has no mask (only test samples may have none)"


def write(items: Iterable[Item], out: Target, *, by_annotation: bool = False) -> None:
    """One case per volume. Labels are 1 … n in alphabetical order of the terms, `ignore` is n + 1 where it is needed.

    A voxel outside all annotated structures is background only in a sample that annotates every target term; elsewhere it may be one of the
    missing ones and becomes ignore, counted in the ledger. Where structures overlap the smaller one wins, also counted. A fourth
    dimension becomes channels. by_annotation: one dataset `Dataset001_…` per set of annotated terms instead, in which nothing is ignored; test
    samples without masks have no such set and are left out. Source: nnU-Net v2, documentation/dataset_format.md.
    """
    if not by_annotation:
        _dataset(items, out, "", sorted({term for item in items for term in item.mask_terms()}))
        return
    sets = sorted({tuple(sorted(item.annotated())) for item in items} - {()})
    for number, terms in enumerate(sets, start=1):
        chosen = [item for item in items if tuple(sorted(item.annotated())) == terms]
        _dataset(chosen, out, f"Dataset{number:03d}_{_name(terms)}/", list(terms))
    for item in items:
        if not item.annotated():
            out.leave_out(item, "annotates no term completely: it belongs to no dataset of --by-annotation")


def _dataset(items: Iterable[Item], out: Target, folder: str, terms: list[str]) -> None:
    sides: dict[str, list[str]] = defaultdict(list)
    channels: dict[int, str] = {}
    modalities: set[str] = set()
    for item in items:
        with out.sample(item):
            key, tail = key_of(item), "Ts" if item.split == "test" else "Tr"
            image = volume_of(item)
            number = _channels(image)
            channels.setdefault(number, item.sample_id)
            if len(channels) > 1:
                raise Refused("cases differ in their number of channels: " + "; ".join(f"{count} in {sample}" for count, sample in sorted(channels.items())), hint="merge --where with a condition on shape")
            if item.mask_terms():
                write_label(item, image, terms, out, f"{folder}labels{tail}/{key}.nii.gz")
            _write_channels(image, number, out, f"{folder}images{tail}/{key}")
            sides[item.split or "train"].append(key)
            modalities.add(item.row["modality"] or "image")
    ignored = any(note.what == "ignored" for name, entry in out.entries.items() if name.startswith(f"{folder}labels") for note in entry.notes)
    training = [key for side, keys in sides.items() if side != "test" for key in keys]
    only = modalities.pop() if len(modalities) == 1 else "image"
    count = next(iter(channels), 1)
    facts: dict[str, Any] = {
        "channel_names": {str(at): only if count == 1 else f"{only}_{at}" for at in range(count)},
        "labels": {"background": 0, **{term: at for at, term in enumerate(terms, start=1)}, **({"ignore": len(terms) + 1} if ignored else {})},
        "numTraining": len(training), "file_ending": ".nii.gz", "description": "written by isocenter", "licence": "see LICENSES.md",
    }
    out.json(f"{folder}dataset.json", facts)
    if sides.get("val"):
        out.json(f"{folder}splits_final.json", [{"train": sides.get("train", []), "val": sides["val"]}])


def _write_channels(image: Path, number: int, out: Target, stem: str) -> None:
    if number == 1 and len(nib.load(image).shape) <= 3:
        write_volume(image, out, f"{stem}_0000.nii.gz")
        return
    for at in range(number):
        out.write(f"{stem}_{at:04d}.nii.gz", lambda draft, at=at: save_nifti(nib.load(image).slicer[..., at], draft))  # type: ignore[misc]


def _channels(image: Path) -> int:
    shape = nib.load(image).shape
    if len(shape) > 4:
        raise Refused(f"{image.name} has {len(shape)} dimensions", hint="leave it out: merge --where")
    return int(shape[3]) if len(shape) == 4 else 1


def _name(terms: tuple[str, ...]) -> str:
    """A dataset name of plain letters; long sets are cut and counted."""
    plain = [re.sub(r"[^A-Za-z0-9]+", "-", term).strip("-") for term in terms]
    kept = [name for at, name in enumerate(plain) if len("_".join(plain[:at + 1])) <= LONGEST_NAME]
    return "_".join(kept) + (f"_and-{len(plain) - len(kept)}-more" if len(kept) < len(plain) else "")
