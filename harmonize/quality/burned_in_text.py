"""Text in the picture: rows of small, even, high-contrast marks of one height, as letters are. A suspicion, never a proof.

One or two marks (a side marker L or R) are no finding. Nothing is read: what the text says needs a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isocenter.harmonize.quality._findings import Finding
from isocenter.harmonize.quality._views import ImageView

looks_at = "image"
codes = ("burned_in_PHI",)
LONGEST_SIDE = 1024
CONTRAST = 0.3
STROKE = 9
HEIGHT = (6, 48)
GLYPHS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """A connected mark that could be a letter: its box in pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def check(view: ImageView) -> Iterator[Finding]:
    if min(view.shape[:2]) < 64 or (len(view.shape) > 2 and view.meta.modality in {"CT", "MR", "PT", "NM"}):
        return
    picture = view.plane.T                                          # rows run across the page
    factor = max(1, int(np.ceil(max(picture.shape) / LONGEST_SIDE)))
    picture = _shrunk(picture, factor)
    rows = [row for polarity in (picture, 1 - picture) for row in text_rows(polarity)]
    if rows:
        row = max(rows, key=len)
        where = f"columns {row[0].left * factor}-{row[-1].right * factor}, rows {min(m.top for m in row) * factor}-{max(m.bottom for m in row) * factor}"
        yield Finding("burned_in_PHI", "warning", f"looks like {len(rows)} line{'s' * (len(rows) > 1)} of text, the longest at {where}")


def _shrunk(picture: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of squares of `factor` pixels; what is left over at the far edges goes."""
    if factor == 1:
        return picture
    whole = picture[: picture.shape[0] // factor * factor, : picture.shape[1] // factor * factor]
    return np.asarray(sum(whole[i::factor, j::factor] for i in range(factor) for j in range(factor)) / np.float32(factor * factor), np.float32)


def text_rows(picture: NDArray[np.float32]) -> list[list[Mark]]:
    """Rows of at least five letter-like bright marks, each row from left to right. picture: (rows, columns) in 0..1."""
    return [row for row in _rows(sorted(_marks(picture), key=lambda mark: mark.left)) if len(row) >= GLYPHS_IN_A_ROW and _even(row)]


def _marks(picture: NDArray[np.float32]) -> Iterator[Mark]:
    levels = np.rint(picture * 255).astype(np.uint8)
    raised = levels - _opened(levels)
    labelled, _ = ndimage.label(raised > CONTRAST * 255, structure=np.ones((3, 3)))
    for k, box in enumerate(ndimage.find_objects(labelled), start=1):
        height, width = (side.stop - side.start for side in box)
        if not (HEIGHT[0] <= height <= HEIGHT[1] and 1 <= width <= 1.6 * height):
            continue
        inside = labelled[box] == k
        filled = inside.mean()
        if 0.15 <= filled <= 0.95 and (width > 2 or filled > 0.6) and picture[box][inside].std() < 0.17:
            yield Mark(box[0].start, box[0].stop, box[1].start, box[1].stop)


def _opened(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey opening by a square of STROKE pixels: what is thinner than that disappears."""
    for pick in (np.minimum, np.maximum):
        for axis in (0, 1):
            levels = _sliding(levels, pick, axis)
    return levels


def _sliding(levels: NDArray[np.uint8], pick: np.ufunc, axis: int) -> NDArray[np.uint8]:
    """Minimum or maximum over STROKE pixels along one axis, by doubling windows."""
    half = STROKE // 2
    lines = np.moveaxis(np.pad(levels, [(half, half) if k == axis else (0, 0) for k in (0, 1)], mode="edge"), axis, 0)
    width = 1
    while 2 * width <= STROKE:
        lines, width = pick(lines[:-width], lines[width:]), 2 * width
    if width < STROKE:
        lines = pick(lines[: width - STROKE], lines[STROKE - width :])
    return np.moveaxis(lines, 0, axis)


def _rows(marks: list[Mark]) -> list[list[Mark]]:
    """Chain every mark to the nearest open row on its left with the same height and line."""
    rows: list[list[Mark]] = []
    for mark in marks:
        fitting = [row for row in rows if _follows(row[-1], mark)]
        if fitting:
            min(fitting, key=lambda row: mark.left - row[-1].right).append(mark)
        else:
            rows.append([mark])
    return rows


def _follows(last: Mark, mark: Mark) -> bool:
    tall = max(last.height, mark.height)
    gap = mark.left - last.right
    return -0.3 * tall <= gap <= 1.2 * tall and min(last.height, mark.height) >= 0.6 * tall and abs(mark.middle - last.middle) <= 0.3 * tall


def _even(row: list[Mark]) -> bool:
    """Letters of a line stand on one line and have one or two heights; bone and wire do not."""
    bottoms, heights = np.array([mark.bottom for mark in row]), np.array([mark.height for mark in row])
    tall = float(np.median(heights))
    level = np.abs(bottoms - np.median(bottoms)) <= max(1.5, 0.15 * tall)
    return bool(level.mean() >= 0.8 and heights.std() <= 0.3 * tall)
