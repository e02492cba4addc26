"""Small pictures for people: a sample's pixels become an 8-bit thumbnail, and that a data URI."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
from PIL import Image

from isocenter.core.errors import Unreadable
from isocenter.core.workspace import Workspace
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.image import Pixels

SIDE = 128
PERCENTILES = (0.5, 99.5)


class Thumbnails:
    """Thumbnails of samples of any dataset of a workspace, decoded once each."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.decoder = cache(lambda dataset: Decoder(workspace, dataset))
        self.known: dict[str, str | None] = {}

    def uri(self, dataset: str, sample_id: str) -> str | None:
        """A JPEG data URI, or None when the sample does not decode."""
        if sample_id not in self.known:
            try:
                self.known[sample_id] = data_uri(render(self.decoder(dataset).pixels(sample_id)))
            except (Unreadable, KeyError, ValueError, OSError):
                self.known[sample_id] = None
        return self.known[sample_id]


def render(array: Pixels, side: int = SIDE) -> Image.Image:
    """One picture of any array: the middle of a volume, clip or page stack; values between two percentiles; longest side `side`."""
    plane = middle(array)
    if plane.dtype != np.uint8:
        values = plane.astype(np.float32)
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, PERCENTILES) if finite.size else (0.0, 1.0)
        plane = (np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    picture = Image.fromarray(plane).convert("RGB" if plane.ndim == 3 else "L")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def middle(array: Pixels) -> Pixels:
    """(rows, columns) or (rows, columns, 3) out of (x, y, z[, t]), (rows, columns, slices), (frames, rows, columns[, 3])."""
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4)):
        return array[..., :3] if array.ndim == 3 else array
    if array.ndim == 4 and array.shape[-1] in (3, 4):
        return array[len(array) // 2, ..., :3]
    while array.ndim > 3:
        array = array[..., 0]
    smallest = int(np.argmin(array.shape))
    plane = np.take(array, array.shape[smallest] // 2, axis=smallest)
    return np.rot90(plane) if smallest == 2 else plane


def data_uri(picture: Image.Image) -> str:
    """The picture as a JPEG data URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
