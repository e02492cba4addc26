"""Contact sheets: judged pairs and loaders go in, PNG pages come out on which a person settles a pair at a glance.

One row per pair: picture a brought into b's frame by the proven transform, picture b, and where they differ (grey: equal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from isocenter.core.files import draft
from isocenter.curate.duplicates.prepare import is_volume
from isocenter.curate.duplicates.transform import in_prepared
from isocenter.curate.groups import Pair
from isocenter.embeddings.local_features import grey

SIDE = 300
LINE = 34
ROWS = 6


def write_sheets(pairs: Sequence[Pair], load: Mapping[str, Callable[[], NDArray[Any]]], folder: Path) -> list[Path]:
    """Pages of six pairs each, in the order given, as `folder`/001.png …; pairs that cannot be loaded show as an empty row."""
    pages = []
    for number, start in enumerate(range(0, len(pairs), ROWS), start=1):
        rows = [_row(pair, load) for pair in pairs[start:start + ROWS]]
        page = Image.new("L", (3 * SIDE, (SIDE + LINE) * len(rows)), 255)
        for place, row in enumerate(rows):
            page.paste(row, (0, place * (SIDE + LINE)))
        path = folder / f"{number:03d}.png"
        with draft(path) as temporary:
            page.save(temporary, format="PNG")
        pages.append(path)
    return pages


def _row(pair: Pair, load: Mapping[str, Callable[[], NDArray[Any]]]) -> Image.Image:
    row = Image.new("L", (3 * SIDE, SIDE + LINE), 255)
    ImageDraw.Draw(row).text((4, 2), f"{pair.verdict}  {pair.net}  {pair.score:.3f}\n{pair.a[-70:]}  |  {pair.b[-70:]}", fill=0)
    try:
        first, second = (_shown(load[name]()) for name in (pair.a, pair.b))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        ImageDraw.Draw(row).text((4, LINE + 4), f"cannot be shown: {error}"[:120], fill=0)
        return row
    moved = _moved(first, second, pair.transform)
    difference = np.asarray((127.5 + (moved.astype(np.float32) - second) / 2).clip(0, 255), np.uint8)
    for place, picture in enumerate((moved, second, difference)):
        shown = Image.fromarray(picture)
        shown.thumbnail((SIDE - 4, SIDE - 4))
        row.paste(shown, (place * SIDE, LINE))
    return row


def _moved(first: NDArray[np.uint8], second: NDArray[np.uint8], transform: str) -> NDArray[np.uint8]:
    """The first picture in the second one's frame and grey values; stretched over it where no transform is known."""
    import cv2

    size = (second.shape[1], second.shape[0])
    known = in_prepared(transform)
    if known is None:
        moved, there = cv2.resize(first, size, interpolation=cv2.INTER_AREA), np.ones(second.shape, bool)
    else:
        moved = cv2.warpAffine(255 - first if known.inverted else first, known.matrix, size, flags=cv2.INTER_AREA)
        there = cv2.warpAffine(np.ones_like(first), known.matrix, size) > 0
    if there.sum() > 100 and moved[there].std() > 1:
        gain = float(second[there].std() / moved[there].std())
        moved = np.asarray(((moved.astype(np.float32) - moved[there].mean()) * gain + second[there].mean()).clip(0, 255), np.uint8)
    return np.asarray(moved, np.uint8)


def _shown(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture itself, or the middle slice of a volume."""
    return grey(pixels[:, :, pixels.shape[2] // 2] if is_volume(pixels) else pixels)
