"""Mosaics: one file that tiles a whole stack (Siemens MOSAIC, United Imaging VFRAME grid) becomes one frame per tile.

Sources: the Siemens CSA header as nibabel documents it (nibabel.nicom); United Imaging's private group 0065 as written in its
conformance statement (count in 0065,1050; one item per tile in 0065,1051).
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from math import ceil, sqrt
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.frames import Frame, multiframe_dataset
from isocenter.harmonize.dicom.header import Header

UIH_ITEMS, SIEMENS_COUNT = 0x00651051, 0x0019100A


def mosaic_frames(header: Header, plain: Frame) -> list[Frame]:
    """Tiles in slice order, each with its own position. Raises Unreadable when count or geometry is not told."""
    dataset = multiframe_dataset(header)
    if header.get("UIHGridCount") is not None:
        return _united_imaging(dataset, plain, header)
    if plain.position is None or plain.orientation is None or plain.spacing_mm is None:
        raise Unreadable("a mosaic without position or orientation", where=str(header.path))
    return _siemens(dataset, plain, header)


def _siemens(dataset: Any, plain: Frame, header: Header) -> list[Frame]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from nibabel.nicom.csareader import get_csa_header, get_slice_normal
        csa = get_csa_header(dataset, "image")
        normal = None if csa is None else get_slice_normal(csa)
        count = _siemens_count(csa, dataset)
    except Exception as error:
        raise Unreadable(f"the Siemens CSA header cannot be read: {error}", where=str(header.path)) from error
    if count is None or normal is None:
        raise Unreadable("a mosaic whose CSA header tells no number of images or no slice normal", where=str(header.path))
    step = plain.gap_mm or plain.thickness_mm
    if not step:
        raise Unreadable("a mosaic without slice spacing", where=str(header.path))
    across, rows, columns = _tiling(count, plain, header, downs=(ceil(sqrt(count)),))
    assert plain.orientation is not None
    assert plain.position is not None
    assert plain.spacing_mm is not None
    along_row, along_column = np.array(plain.orientation[:3]), np.array(plain.orientation[3:])
    corner = np.array(plain.position) + along_row * plain.spacing_mm[1] * (plain.columns - columns) / 2 + along_column * plain.spacing_mm[0] * (plain.rows - rows) / 2
    positions = [corner + np.asarray(normal) * step * k for k in range(count)]
    return [_tile(plain, k, across, rows, columns, positions[k]) for k in range(count)]


def _siemens_count(csa: Any, dataset: Any) -> int | None:
    from nibabel.nicom.csareader import get_n_mosaic

    count = get_n_mosaic(csa) if csa is not None else None
    if not count and SIEMENS_COUNT in dataset and isinstance(dataset[SIEMENS_COUNT].value, int):
        count = dataset[SIEMENS_COUNT].value
    return int(count) if count else None


def _united_imaging(dataset: Any, plain: Frame, header: Header) -> list[Frame]:
    items = _items(dataset)
    count = round(header.number("UIHGridCount") or len(items))
    if count == 1 or not items:
        return [plain]
    if count != len(items):
        raise Unreadable(f"a grid of {count} images with {len(items)} descriptions", where=str(header.path))
    positions = [item.get("ImagePositionPatient") for item in items]
    if any(position is None or len(position) != 3 for position in positions):
        raise Unreadable("a grid image without position", where=str(header.path))
    across, rows, columns = _tiling(count, plain, header, downs=(ceil(sqrt(count)), ceil(count / ceil(sqrt(count)))))
    return [_tile(plain, k, across, rows, columns, np.array([float(part) for part in positions[k]])) for k in range(count)]


def _items(dataset: Any) -> list[Any]:
    """The items of the private sequence, also when a writer that did not know it called it UN (then it is implicit, PS3.5 6.2.2)."""
    if UIH_ITEMS not in dataset:
        return []
    value = dataset[UIH_ITEMS].value
    if isinstance(value, bytes):
        from pydicom.values import convert_SQ

        return list(convert_SQ(value, True, True))
    return list(value)


def _tiling(count: int, plain: Frame, header: Header, downs: tuple[int, ...]) -> tuple[int, int, int]:
    """(tiles in a row, rows of a tile, columns of a tile); of several that fit the squarest tile wins.

    downs: how many tiles may be in a column. Siemens always tiles a square, United Imaging may leave out rows that would be empty.
    """
    across = ceil(sqrt(count))
    fitting = [(plain.rows // down, plain.columns // across) for down in downs if plain.rows % down == 0 and plain.columns % across == 0]
    if not fitting:
        raise Unreadable(f"{plain.rows}×{plain.columns} pixels do not divide into {count} tiles", where=str(header.path))
    rows, columns = min(fitting, key=lambda tile: abs(tile[0] - tile[1]))
    return across, rows, columns


def _tile(plain: Frame, k: int, across: int, rows: int, columns: int, position: Any) -> Frame:
    return replace(plain, rows=rows, columns=columns, position=tuple(float(part) for part in position), tile=(k // across * rows, k % across * columns))
