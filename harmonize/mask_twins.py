"""Masks that are read as pictures: paths of images go in, a sentence for every folder named like masks whose files bear the names of the images beside it comes out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

MASKS = re.compile(r"(?i)mask|label|segm?|annot|(^|[_-])gt|ground.?truth|contour")
ENOUGH = 0.5


def mask_twins(images: Iterable[str]) -> list[str]:
    """Sentences with the layout that would pair them, by folders that lie in one folder; none where the names differ."""
    names: dict[PurePosixPath, dict[str, str]] = defaultdict(dict)
    for text in images:
        path = PurePosixPath(text)
        stem, dot, ending = path.name.partition(".")
        names[path.parent][stem] = dot + ending
    found = []
    for folder in sorted(names):
        beside = sorted(other for other in names if other.parent == folder.parent and other != folder and not MASKS.search(other.name))
        if not MASKS.search(folder.name):
            continue
        for other in beside:
            shared = names[folder].keys() & names[other].keys()
            if len(shared) >= max(2, ENOUGH * len(names[folder])):
                stem = sorted(shared)[0]
                found.append(f"{len(shared)} of {len(names[folder])} pictures in {folder}/ bear the names of pictures in {other}/. If they are masks, two lines of a layout say so: "
                             f'image = "{other}/{{case}}{names[other][stem]}" and mask = "{folder}/{{case}}{names[folder][stem]}"; then adopt with --layout FILE.toml')
                break
    return found
