"""Pascal VOC files: the boxes of one picture, in half-open index coordinates with the origin at the first pixel."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from isocenter.core.errors import Unreadable


@dataclass(frozen=True, slots=True)
class Box:
    """One object: its name as published and [x0, y0, x1, y1]. outline: polygons or run lengths as COCO writes them, None where there is only the box."""

    name: str
    corners: tuple[float, float, float, float]
    outline: Any = field(default=None, compare=False)

    @property
    def geometry(self) -> str:
        return json.dumps({"box": list(self.corners)})


def read_boxes(path: Path) -> list[Box]:
    """Boxes of a VOC file, corners published as 1-based inclusive pixels (Everingham et al. 2010, VOC devkit).

    Raises Unreadable with the cause; a box without area is refused with its name.
    """
    try:
        root = ElementTree.parse(path).getroot()
        return [_box(node) for node in root.iter("object")]
    except (ElementTree.ParseError, ValueError, AttributeError, TypeError) as error:
        raise Unreadable(f"not a Pascal VOC file: {error}", where=str(path)) from error


def _box(node: ElementTree.Element) -> Box:
    name = (node.findtext("name") or "").strip()
    corner = {side: float(node.findtext(f"bndbox/{side}") or "nan") for side in ("xmin", "ymin", "xmax", "ymax")}
    box = (corner["xmin"] - 1, corner["ymin"] - 1, corner["xmax"], corner["ymax"])
    if not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError(f"box of {name!r} has no area")
    return Box(name, box)
