"""COCO: pictures, and one `annotations/<split>.json` with boxes and run-length masks of every term. Source: cocodataset.org, data format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of, picture_bytes, picture_only, size_of, suffix_of

Mark = tuple[str, dict[str, Any]]
fits = picture_only


def write(items: Iterable[Item], out: Target) -> None:
    """Boxes as [x, y, width, height]; masks as uncompressed run-length counts in column order, which pycocotools reads. Objects that were published one by one
    stay one by one, each with its box and outline; of other masks all voxels of a term are one annotation.

    As in LVIS, `not_exhaustive_category_ids` of an image lists the terms that nobody annotated there (their absence is no negative)
    and `neg_category_ids` those that were looked for and are absent. Paths are relative to `images/`.
    """
    images: dict[str, list[dict[str, Any]]] = defaultdict(list)
    marks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    states: dict[int, dict[str, str]] = {}
    identity = count(1)
    for item in items:
        with out.sample(item):
            found = _marks(item)
            name = f"images/{key_of(item)}.{suffix_of(item)}"
            out.write(name, lambda draft, item=item: draft.write_bytes(picture_bytes(item, out)))  # type: ignore[misc]
            split, (width, height) = item.split or "train", size_of(item)
            images[split].append({"id": item.number + 1, "file_name": name.split("/")[1], "width": width, "height": height, "sample_id": item.sample_id, "license": item.row["license"]})
            states[item.number + 1] = _states(item, found)
            marks[split] += [{"id": next(identity), "image_id": item.number + 1, "term": term, "iscrowd": 0, **geometry} for term, geometry in found]
    terms = {term: at for at, term in enumerate(sorted({mark["term"] for found in marks.values() for mark in found}), start=1)}
    if images and not terms:
        out.warn("no sample has a box or a mask: `annotations` and `categories` of COCO are empty; labels of whole pictures stay in the manifest")
    for split, rows in images.items():
        out.json(f"annotations/{split}.json", {
            "images": [image | _silence(states[image["id"]], terms) for image in rows],
            "annotations": [{key: value for key, value in mark.items() if key != "term"} | {"category_id": terms[mark["term"]]} for mark in marks[split]],
            "categories": [{"id": at, "name": term} for term, at in terms.items()],
        })


def _silence(said: dict[str, str], terms: dict[str, int]) -> dict[str, list[int]]:
    return {"not_exhaustive_category_ids": [at for term, at in terms.items() if said.get(term) not in ("present", "absent")],
            "neg_category_ids": [at for term, at in terms.items() if said.get(term) == "absent"]}


def _states(item: Item, found: list[Mark]) -> dict[str, str]:
    """What is said of each term; a term that is drawn and yet not among the labels was withheld, since copies contradict each other, and is open."""
    labels, drawn = item.row["labels"] or {}, {term for term, _ in found}
    return labels | dict.fromkeys(drawn if not labels else drawn & labels.keys(), "present") | dict.fromkeys(item.annotated() - drawn, "absent")


def _marks(item: Item) -> list[Mark]:
    """Objects with their outlines, boxes that are of none of them, and the masks of the other terms."""
    objects = item.objects()
    outlined, alone = {(one.term, one.corners) for one in objects}, {one.term for one in objects}
    found: list[Mark] = []
    for one in objects:
        mark = _drawn(item, one.term, one.mask)
        found.append((one.term, mark | ({"bbox": _sides(one.corners)} if one.corners else {})))
    found += [(box.term, {"bbox": _sides(box.corners), "area": (box.corners[2] - box.corners[0]) * (box.corners[3] - box.corners[1]), "segmentation": []})
              for box in item.boxes() if (box.term, box.corners) not in outlined]
    return found + [(term, _drawn(item, term, mask)) for term, mask in item.masks().masks.items() if term not in alone]


def _sides(corners: tuple[float, ...]) -> list[float]:
    x0, y0, x1, y1 = corners
    return [x0, y0, x1 - x0, y1 - y0]


def _drawn(item: Item, term: str, mask: NDArray[Any]) -> dict[str, Any]:
    width, height = size_of(item)
    if mask.shape != (height, width):
        raise Unreadable(f"the mask of {term} has shape {mask.shape}, its picture {(height, width)}")
    rows, columns = np.nonzero(mask)
    box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
    return {"bbox": box, "area": int(np.count_nonzero(mask)), "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask != 0)}}


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of alternating runs of zeros and ones of a (rows, columns) mask in column order, zeros first."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [not mask.ravel(order="F")[-1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(length) for length in np.diff(np.concatenate([[0], ends]))]
