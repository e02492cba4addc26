"""COCO files: one JSON object with images, annotations and categories; the boxes of each picture come out by its file name."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from isocenter.core.errors import Unreadable
from isocenter.harmonize.voc import Box


def read_coco(path: Path) -> dict[str, list[Box]]:
    """file_name -> boxes as half-open corners (COCO gives x, y, width, height from 0); pictures without one have an empty list.

    Annotations without a box or with an empty one are left out; a file without categories (captions) has none. Raises Unreadable.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
        if "categories" not in body:
            return {}
        names = {one["id"]: str(one["name"]) for one in body["categories"]}
        files = {one["id"]: str(one["file_name"]).removeprefix("./") for one in body["images"]}
        found: dict[str, list[Box]] = defaultdict(list, {name: [] for name in files.values()})
        for one in body["annotations"]:
            x, y, width, height = (float(side) for side in one.get("bbox") or (0, 0, 0, 0))
            if width > 0 and height > 0:
                found[files[one["image_id"]]].append(Box(names[one["category_id"]], (x, y, x + width, y + height)))
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"not a COCO file: {error!r}", where=str(path)) from error
