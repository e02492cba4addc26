"""Contact sheets: judged pairs and loaders go in, PNG pages come out on which a person settles a pair at a glance.

One row per pair: picture a brought into b's frame by the proven transform, picture b, and where they differ (grey: equal). Volumes
show four slices each, b brought into a's frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isocenter.core.errors import IsocenterError
from isocenter.core.files import draft
from isocenter.curate.duplicates.prepare import is_volume
from isocenter.curate.duplicates.transform import in_prepared
from isocenter.curate.groups import Pair
from isocenter.embeddings.local_features import grey

SIDE = 400                         # pixels of a cell
LINE = 44                          # pixels of the two lines of text above a row
ROWS = 4
LETTERS = 74                       # of a sample id that fit
NAMES = {"unsettled": "unsettled", "same": "joined", "different": "apart"}

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a sheet needs of a sample: how its pixels are read, and the spacing of a volume in mm."""

    load: Callable[[], NDArray[Any]]
    spacing_mm: tuple[float, ...] | None = None


def write_sheets(pairs: Sequence[Pair], samples: Mapping[str, Shown], folder: Path) -> list[Path]:
    """Pages of four pairs each, in the order given, a series per verdict: `folder`/unsettled-001.png …, joined-001.png …, apart-001.png ….

    Pairs that cannot be loaded show as an empty row. Pages that an earlier call left there go.
    """
    for old in (path for name in NAMES.values() for path in folder.glob(f"{name}-[0-9][0-9][0-9].png")):
        old.unlink()
    pages = []
    for verdict, name in NAMES.items():
        some = [pair for pair in pairs if pair.verdict == verdict]
        for number, start in enumerate(range(0, len(some), ROWS), start=1):
            rows = [_row(pair, samples) for pair in some[start:start + ROWS]]
            page = Image.new("L", (3 * SIDE, (SIDE + LINE) * len(rows)), 255)
            for place, row in enumerate(rows):
                page.paste(row, (0, place * (SIDE + LINE)))
            path = folder / f"{name}-{number:03d}.png"
            with draft(path) as temporary:
                page.save(temporary, format="PNG")
            pages.append(path)
    return pages


def _row(pair: Pair, samples: Mapping[str, Shown]) -> Image.Image:
    row = Image.new("L", (3 * SIDE, SIDE + LINE), 255)
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(size=14)
    draw.text((4, 2), f"{NAMES[pair.verdict]}, one picture with probability {pair.score:.2f}, proposed by {pair.net}", fill=0, font=font)
    for place, name in enumerate((pair.a, pair.b)):
        draw.text((4 + place * SIDE * 3 // 2, 22), name if len(name) <= LETTERS else "…" + name[-LETTERS:], fill=0, font=font)
    try:
        first, second = (samples[name].load() for name in (pair.a, pair.b))
        planes = _volumes(pair, first, second, samples) if is_volume(first) and is_volume(second) else _pictures(pair, _plane(first), _plane(second))
    except (IsocenterError, OSError, ValueError, KeyError, RuntimeError) as error:
        draw.text((4, LINE + 4), f"cannot be shown: {error}"[:120], fill=0, font=font)
        return row
    for place, plane in enumerate((*planes, _difference(*planes))):
        shown = Image.fromarray(plane)
        factor = (SIDE - 6) / max(shown.size)
        shown = shown.resize((max(1, round(shown.width * factor)), max(1, round(shown.height * factor))), Image.Resampling.LANCZOS)
        row.paste(shown, (place * SIDE, LINE))
    return row


def _difference(first: Plane, second: Plane) -> Plane:
    return np.asarray((127.5 + (first.astype(np.float32) - second) / 2).clip(0, 255), np.uint8)


def _pictures(pair: Pair, first: Plane, second: Plane) -> tuple[Plane, Plane]:
    return _moved(first, second, pair.transform), second


def _volumes(pair: Pair, first: NDArray[Any], second: NDArray[Any], samples: Mapping[str, Shown]) -> tuple[Plane, Plane]:
    """Four slices of a, and the same places of b after the registration that the pair was judged by."""
    from scipy.ndimage import affine_transform

    from isocenter.curate.duplicates.volumes import reduce

    one, two = (reduce(volume, samples[name].spacing_mm) for volume, name in ((first, pair.a), (second, pair.b)))
    matrix = np.array(json.loads(pair.transform)["matrix"], np.float64).reshape(3, 4)
    return _slices(one), _slices(affine_transform(two, matrix[:, :3], matrix[:, 3], one.shape, order=1))


def _slices(volume: NDArray[np.float32]) -> Plane:
    """Slices at 20, 40, 60 and 80 % of the last axis, two by two, upright."""
    a, b, c, d = (np.rot90(volume[:, :, int(share * (volume.shape[2] - 1))]) for share in (0.2, 0.4, 0.6, 0.8))
    return np.asarray((np.block([[a, b], [c, d]]) * 255).clip(0, 255), np.uint8)


def _plane(pixels: NDArray[Any]) -> Plane:
    """The picture itself, or the middle slice of a volume that is beside a picture."""
    return grey(pixels[:, :, pixels.shape[2] // 2] if is_volume(pixels) else pixels)


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

