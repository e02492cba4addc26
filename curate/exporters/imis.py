"""IMIS: PNG pictures, one sparse matrix of all masks per picture, an instance map, and `dataset.json`. Layout: IMIS-Bench, as its loader reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, save_npz

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of, picture_only, png, rows_first, size_of
from isocenter.harmonize.mask_terms import TermMasks

PREFIX = "x"
LISTS = {"test": "test"}
OUTSIDE = -1


def fits(item: Item) -> str | None:
    return picture_only(item) or (None if item.annotated() or item.mask_files() else "has no mask")


def write(items: Iterable[Item], out: Target) -> None:
    """`label/x___<stem>.(C, H, W, 1).npz`: CSR of C × (H·W), a row per term in alphabetical order, background not among them.

    `imask/*.npy`: int64 (H, W, 1), the number of the row at its voxels (larger structures first), -1 elsewhere; the benchmark's own come
    from a model, ours from the same masks. An empty row is a term that is absent or that nobody annotated; `not_annotated` of the entry
    tells the latter. Validation samples stand in the training list, as the layout has no third one.
    """
    terms = sorted({term for item in items for term in item.mask_terms()})
    lists: dict[str, list[dict[str, Any]]] = {"training": [], "test": []}
    modalities: list[str] = []
    for item in items:
        with out.sample(item):
            masks, shape = item.masks(), size_of(item)[::-1]
            stack = _stack(masks, terms, shape)
            stem = key_of(item)
            name = f"{PREFIX}___{stem}"
            entry: dict[str, Any] = {
                "image": out.write(f"image/{stem}.png", lambda draft, item=item: _picture(draft, item, out)),  # type: ignore[misc]
                "label": out.write(f"label/{name}.({len(terms)}, {shape[0]}, {shape[1]}, 1).npz", lambda draft, stack=stack: _sparse(draft, stack)),  # type: ignore[misc]
                "imask": out.write(f"imask/{name}.npy", lambda draft, stack=stack: _instances(draft, stack)),  # type: ignore[misc]
                "sample_id": item.sample_id, "not_annotated": sorted(set(terms) - masks.annotated),
            }
            lists[LISTS.get(item.split or "", "training")].append(entry)
            modalities.append(item.row["modality"] or "image")
    out.json("dataset.json", {
        "name": out.folder.name, "description": "written by isocenter; licences in LICENSES.md", "dimension": "2D",
        "modality": {str(at): name for at, name in enumerate(dict.fromkeys(modalities))},
        "labels": {"0": "background", **{str(at): term for at, term in enumerate(terms, start=1)}},
        "numTraining": len(lists["training"]), "numTest": len(lists["test"]), **lists,
    })


def _stack(masks: TermMasks, terms: list[str], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    stack = np.zeros((len(terms), *shape), bool)
    for term, mask in masks.masks.items():
        if mask.shape != shape:
            raise Unreadable(f"the mask of {term} has shape {mask.shape}, its picture {shape}")
        stack[terms.index(term)] = mask
    return stack


def _picture(draft: Path, item: Item, out: Target) -> None:
    draft.write_bytes(png(rows_first(item), item.files[0][0]))
    if item.row["format"] != "png":
        out.note(item, "changed", f"written as PNG ({item.row['format']} as published)", 1, "file")


def _sparse(draft: Path, stack: NDArray[np.bool_]) -> None:
    with draft.open("wb") as stream:
        save_npz(stream, csr_matrix(stack.reshape(len(stack), -1).astype(np.uint8)))


def _instances(draft: Path, stack: NDArray[np.bool_]) -> None:
    found = np.full((*stack.shape[1:], 1), OUTSIDE, np.int64)
    for row in np.argsort(-stack.reshape(len(stack), -1).sum(1), kind="stable"):
        found[stack[row]] = row
    with draft.open("wb") as stream:
        np.save(stream, found, allow_pickle=False)
