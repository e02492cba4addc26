"""nnU-Net v2: imagesTr, labelsTr, imagesTs, dataset.json and splits; what a sample leaves unannotated is *ignore*, never background."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from isocenter.core.errors import Refused
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._cases import ENDINGS, Kind, kind_of, write_case_label, write_channels
from isocenter.curate.exporters._labels import Exclusive, Paint
from isocenter.curate.exporters._pictures import key_of, picture_only
from isocenter.curate.exporters._regions import Regions
from isocenter.curate.exporters._volumes import volume_only

OPTIONS = ("by_annotation", "regions")
TRAINS = True
LONGEST_NAME = 60
COLOURS = {3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}


def fits(item: Item) -> str | None:
    if picture_only(item) is not None and (why := volume_only(item)):
        return why
    if item.split == "test" or item.annotated() or item.mask_terms():
        return None
    if item.nameless_masks():
        return f"has a mask whose values have no names (isocenter scan {item.row['dataset']} says how to give them)"
    return "has no mask of a term in the label space" if item.mask_files() else "has no readable mask (only test samples may have none)"


def write(items: Iterable[Item], out: Target, *, by_annotation: bool = False, regions: bool = False) -> None:
    """One case per volume, or per picture (as PNG). Labels are 1 … n in alphabetical order of the terms, `ignore` is n + 1 where it is needed.

    A voxel outside all annotated structures is background only in a sample that annotates every target term; elsewhere it may be one of the
    missing ones and becomes ignore, counted in the ledger. Where structures overlap the smaller one wins, also counted; with `regions` both are
    kept, see `Regions`. A fourth dimension of a volume and the colours of a picture are channels. by_annotation: one dataset `Dataset001_…` per
    set of annotated terms of training cases instead, in which nothing is ignored; samples that belong to none are left out. Raises Refused
    where cases differ in their channels, or volumes and pictures meet. Source: nnU-Net v2, documentation/dataset_format.md.
    """
    if not by_annotation:
        _dataset(items, out, "", sorted({term for item in items for term in item.mask_terms()}), regions=regions)
        return
    sets = sorted({tuple(sorted(item.annotated())) for item in items if item.split not in ("val", "test")} - {()})
    for number, terms in enumerate(sets, start=1):
        chosen = [item for item in items if tuple(sorted(item.annotated())) == terms]
        _dataset(chosen, out, f"Dataset{number:03d}_{_name(terms)}/", list(terms), regions=regions)
    for item in items:
        if not item.annotated():
            out.leave_out(item, "annotates no term completely: it belongs to no dataset of --by-annotation")
        elif tuple(sorted(item.annotated())) not in sets:
            out.leave_out(item, "no training case annotates the same terms: its dataset of --by-annotation would have none")


def _dataset(items: Iterable[Item], out: Target, folder: str, terms: list[str], *, regions: bool) -> None:
    kind = _one_kind(items)
    paint: Paint = Regions.of(items, terms) if regions else Exclusive(terms)
    sides: dict[str, list[str]] = defaultdict(list)
    channels: dict[int, str] = {}
    modalities: set[str] = set()
    for item in items:
        with out.sample(item):
            key, tail = key_of(item), "Ts" if item.split == "test" else "Tr"
            if item.mask_terms():
                write_case_label(item, kind, paint, out, f"{folder}labels{tail}/{key}")
            number = write_channels(item, kind, out, f"{folder}images{tail}/{key}")
            channels.setdefault(number, item.sample_id)
            if len(channels) > 1:
                raise Refused("cases differ in their number of channels: " + "; ".join(f"{count} in {sample}" for count, sample in sorted(channels.items())),
                              hint="merge --where with a condition on " + ("shape" if kind == "volume" else "channels"))
            sides[item.split or "train"].append(key)
            modalities.add(item.row["modality"] or "image")
    ignored = any(note.what == "ignored" for name, entry in out.entries.items() if name.startswith(f"{folder}labels") for note in entry.notes)
    training = [key for side, keys in sides.items() if side != "test" for key in keys]
    out.json(f"{folder}dataset.json", {
        "channel_names": dict(enumerate(_channel_names(kind, next(iter(channels), 1), modalities))), **_labels(paint, ignored=ignored),
        "numTraining": len(training), "file_ending": ENDINGS[kind], "description": "written by isocenter", "licence": "see LICENSES.md",
    })
    if sides.get("val"):
        out.json(f"{folder}splits_final.json", [{"train": sides.get("train", []), "val": sides["val"]}])


def _one_kind(items: Iterable[Item]) -> Kind:
    found = {kind_of(item): item.sample_id for item in items}
    if len(found) > 1:
        raise Refused("a dataset of nnU-Net holds volumes or pictures, not both: " + "; ".join(f"{sample} is a {kind}" for kind, sample in sorted(found.items())),
                      hint="merge --where \"format = 'nifti'\", and the pictures in an export of their own")
    return next(iter(found), "volume")


def _labels(paint: Paint, *, ignored: bool) -> dict[str, Any]:
    """The `labels` of dataset.json, and the order in which regions are written where there are any."""
    values: dict[str, int | list[int]] = dict(paint.labels())
    order = {"regions_class_order": paint.class_order()} if isinstance(paint, Regions) and any(isinstance(value, list) for value in values.values()) else {}
    return {"labels": {"background": 0, **values, **({"ignore": paint.ignore} if ignored else {})}, **order}


def _channel_names(kind: Kind, count: int, modalities: set[str]) -> list[str]:
    if kind == "picture" and count in COLOURS:
        return list(COLOURS[count])
    only = next(iter(modalities)) if len(modalities) == 1 else "image"
    return [only] if count == 1 else [f"{only}_{at}" for at in range(count)]


def _name(terms: tuple[str, ...]) -> str:
    """A dataset name of plain letters; long sets are cut and counted."""
    plain = [re.sub(r"[^A-Za-z0-9]+", "-", term).strip("-") for term in terms]
    kept = [name for at, name in enumerate(plain) if len("_".join(plain[:at + 1])) <= LONGEST_NAME]
    return "_".join(kept) + (f"_and-{len(plain) - len(kept)}-more" if len(kept) < len(plain) else "")
