"""COCO: pictures, and one `annotations/<split>.json` with boxes and run-length masks of every term. Source: cocodataset.org, data format."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.files import draft, write_json
from isocenter.curate.export import Item
from isocenter.curate.exporters._pictures import key_of, picture_bytes, size_of


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """Boxes as [x, y, width, height]; masks as uncompressed run-length counts in column order.

    `not_exhaustive_category_ids` of an image (as in LVIS) lists the terms that nobody annotated there: their absence is no negative.
    """
    written: dict[str, list[str]] = {}
    images: dict[str, list[dict[str, Any]]] = {}
    marks: dict[str, list[dict[str, Any]]] = {}
    spoken: dict[int, set[str]] = {}
    identity = count(1)
    for number, item in enumerate(items):
        data, extension = picture_bytes(item)
        split, name = item.row["split"] or "train", f"images/{key_of(item, number)}.{extension}"
        with draft(folder / name) as temporary:
            temporary.write_bytes(data)
        width, height = size_of(item)
        images.setdefault(split, []).append({"id": number, "file_name": name.split("/")[1], "width": width, "height": height, "sample_id": item.row["sample_id"]})
        spoken[number] = set(item.row["labels"] or {})
        for term, geometry in [*_boxes(item), *_masks(item)]:
            spoken[number].add(term)
            marks.setdefault(split, []).append({"id": next(identity), "image_id": number, "term": term, "iscrowd": 0, **geometry})
        written[item.row["sample_id"]] = [name]
    terms = {term: at for at, term in enumerate(sorted({mark["term"] for found in marks.values() for mark in found}), start=1)}
    for split, found in images.items():
        rows = [{key: value for key, value in mark.items() if key != "term"} | {"category_id": terms[mark["term"]]} for mark in marks.get(split, [])]
        write_json(folder / f"annotations/{split}.json", {
            "images": [image | {"not_exhaustive_category_ids": [at for term, at in terms.items() if term not in spoken[image["id"]]]} for image in found],
            "annotations": rows, "categories": [{"id": at, "name": term} for term, at in terms.items()],
        })
    return written


def _boxes(item: Item) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for mark in item.boxes():
        x0, y0, x1, y1 = mark.corners
        found.append((mark.term, {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "segmentation": []}))
    return found


def _masks(item: Item) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for term, mask in item.masks().masks.items():
        rows, columns = np.nonzero(mask)
        box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
        found.append((term, {"bbox": box, "area": int(mask.sum()), "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)}, "iscrowd": 1}))
    return found


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of alternating runs of zeros and ones of a (rows, columns) mask in column order, zeros first."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [not mask.ravel(order="F")[-1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(length) for length in np.diff(np.concatenate([[0], ends]))]
