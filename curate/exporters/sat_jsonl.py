"""SAT jsonl: volumes, one binary mask per term, and a line per sample with image, masks, labels and modality."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.core.files import draft, write_text
from isocenter.curate.export import Item, copy_file
from isocenter.curate.exporters._pictures import key_of, volume_path


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """`<split>.jsonl`; `label` lists annotated terms in the order of `mask`, null where the term is annotated and absent.

    Source: SAT-DS, README (jsonl per dataset with image, mask, label, modality, dataset).
    """
    written: dict[str, list[str]] = {}
    lines: dict[str, list[str]] = {}
    for number, item in enumerate(items):
        key, path = key_of(item, number), volume_path(item)
        image = f"images/{key}{''.join(path.suffixes[-2:]) if path.name.endswith('.nii.gz') else path.suffix}"
        copy_file(path, folder / image)
        found = item.masks()
        terms = sorted(found.annotated)
        names: list[str | None] = []
        affine = nib.load(path).affine
        for term in terms:
            if term not in found.masks:
                names.append(None)
                continue
            names.append(f"masks/{key}/{term.replace(' ', '_').replace('/', '_')}.nii.gz")
            with draft(folder / str(names[-1])) as temporary:
                whole = temporary.with_name(temporary.name + ".nii.gz")
                nib.save(nib.Nifti1Image(found.masks[term].astype(np.uint8), affine), whole)
                whole.replace(temporary)
        line = {"image": image, "mask": names, "label": terms, "modality": item.row["modality"], "dataset": item.row["dataset"], "sample_id": item.row["sample_id"]}
        lines.setdefault(item.row["split"] or "train", []).append(json.dumps(line, ensure_ascii=False))
        written[item.row["sample_id"]] = [image, *[name for name in names if name]]
    for split, found_lines in lines.items():
        write_text(folder / f"{split}.jsonl", "\n".join(found_lines) + "\n")
    return written
