"""COCO files: one JSON object with images, annotations and categories; the boxes and outlines of each picture come out by its file name."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import MissingExtra, Unreadable
from isocenter.harmonize.voc import Box


def read_coco(path: Path) -> dict[str, list[Box]]:
    """file_name -> boxes as half-open corners (COCO gives x, y, width, height from 0); pictures without one have an empty list.

    Annotations with neither a box nor an outline are left out, the box of an outline alone is that of its corners, or none for run lengths; a file without
    categories (captions) has none. Raises Unreadable.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
        if "categories" not in body:
            return {}
        names = {one["id"]: str(one["name"]) for one in body["categories"]}
        files = {one["id"]: str(one["file_name"]).removeprefix("./") for one in body["images"]}
        found: dict[str, list[Box]] = defaultdict(list, {name: [] for name in files.values()})
        for one in body["annotations"]:
            outline = one.get("segmentation") or None
            x, y, width, height = (float(side) for side in one.get("bbox") or _around(outline))
            if (width > 0 and height > 0) or outline is not None:
                found[files[one["image_id"]]].append(Box(names[one["category_id"]], (x, y, x + width, y + height), outline))
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"not a COCO file: {error!r}", where=str(path)) from error


def outline_mask(outline: Any, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """An outline as a mask (rows, columns) of 0 and 1; shape: (columns, rows) of its picture. Raises Unreadable, MissingExtra without pycocotools.

    Polygons lie in index coordinates whose pixel centres are at halves; run lengths go down the columns, zeros first, as numbers or as COCO's compressed text.
    Source: cocodataset.org, data format; ppwwyyxx/cocoapi, PythonAPI/pycocotools/mask.py, whose rasteriser is used.
    """
    try:
        from pycocotools import mask as tool
    except ImportError as error:
        raise MissingExtra("outlines in COCO's form need pycocotools", hint="pip install 'isocenter[formats]'") from error
    width, height = shape
    try:
        if isinstance(outline, dict):
            if list(outline["size"]) != [height, width]:
                raise Unreadable(f"run lengths of a picture of {outline['size'][1]} x {outline['size'][0]}, the picture has {width} x {height}")
            runs = tool.frPyObjects(outline, height, width) if isinstance(outline["counts"], list) else outline
        else:
            runs = tool.merge(tool.frPyObjects([[float(number) for number in polygon] for polygon in outline], height, width))
        return np.asarray(tool.decode(runs), np.uint8)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unreadable(f"not an outline of COCO: {error!r}") from error


def _around(outline: Any) -> tuple[float, float, float, float]:
    """x, y, width and height of the corners of polygons."""
    if not isinstance(outline, list) or not outline:
        return (0.0, 0.0, 0.0, 0.0)
    x, y = [number for polygon in outline for number in polygon[::2]], [number for polygon in outline for number in polygon[1::2]]
    return (min(x), min(y), max(x) - min(x), max(y) - min(y))
