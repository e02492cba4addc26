"""SAT jsonl: volumes, one binary mask per term, and a line per sample with image, masks, labels and modality."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of
from isocenter.curate.exporters._volumes import save_nifti, volume_of, volume_only, write_volume

TRAINS = True
fits = volume_only


def write(items: Iterable[Item], out: Target) -> None:
    """`<split>.jsonl`; `label` lists annotated terms in the order of `mask`, null where the term is annotated and absent.

    A term that is not in `label` was not annotated. `incomplete` lists terms of which only some kinds were annotated: what is marked is there,
    what is not marked may be there too. Source: SAT-DS, README (jsonl per dataset with image, mask, label, modality, dataset, official_split, patient_id).
    """
    lines: dict[str, list[str]] = defaultdict(list)
    for item in items:
        with out.sample(item):
            lines[item.split or "train"].append(json.dumps(_line(item, out), ensure_ascii=False))
    for split, found in lines.items():
        out.text(f"{split}.jsonl", "\n".join(found) + "\n")


def _line(item: Item, out: Target) -> dict[str, Any]:
    key, path, found = key_of(item), volume_of(item), item.masks()
    terms = sorted(found.annotated | found.masks.keys())
    names = [_mask(path, found.masks[term], out, f"masks/{key}/{_plain(term)}.nii.gz") if term in found.masks else None for term in terms]
    return {"image": write_volume(path, out, f"images/{key}.nii.gz"), "mask": names, "label": terms, "incomplete": sorted(found.masks.keys() - found.annotated),
            "modality": item.row["modality"], "dataset": item.row["dataset"], "official_split": item.row["published_split"], "patient_id": item.row["patient"],
            "sample_id": item.sample_id}


def _mask(image: Path, mask: NDArray[np.bool_], out: Target, name: str) -> str:
    return out.write(name, lambda draft: save_nifti(nib.Nifti1Image(mask.astype(np.uint8), nib.load(image).affine), draft))


def _plain(term: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "_", term)
