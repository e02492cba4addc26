"""82 radiomic features (first order, GLCM, GLRLM, GLSZM, NGTDM) of whole pictures and volumes, as IBSI defines them. No weights."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isocenter.core.errors import UsageError
from isocenter.embeddings.api import Card, Pooling, Vectors
from isocenter.embeddings.devices import pick
from isocenter.embeddings.prepare import guess_axes, planes, spread
from isocenter.embeddings.radiomics.intensity import first_order, histogram
from isocenter.embeddings.radiomics.texture import co_occurrence, neighbourhood_difference, runs, zones

FAMILIES = {"glcm": co_occurrence, "glrlm": runs, "glszm": zones, "ngtdm": neighbourhood_difference}


@dataclass(frozen=True, slots=True)
class Blocks:
    """A transform that keeps values: planes averaged down to at most `side` pixels (half of that in a volume), a volume kept as
    one view of at most `slices` of them."""

    side: int = 128
    slices: int = 32
    levels: int = 32
    pool: Pooling = "mean"

    @property
    def key(self) -> str:
        return f"box{self.side}-z{self.slices}-fbn{self.levels}-{self.pool}"

    def __call__(self, pixels: NDArray[Any], axes: str | None = None) -> list[NDArray[Any]]:
        """One (z, y, x) float32 view; a video gives one view per frame, with z = 1."""
        pixels = np.asarray(pixels)
        volume = "z" in (axes or guess_axes(pixels))
        side = self.side // 2 if volume else self.side
        frames = [self._plane(frame, side) for frame in spread(planes(pixels, axes), self.slices)]
        return [np.stack(frames)] if volume else [frame[None] for frame in frames]

    def _plane(self, frame: NDArray[Any], side: int) -> NDArray[np.float32]:
        values = frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) if frame.ndim == 3 else frame.astype(np.float32)
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        height, width = (min(side, size) for size in values.shape)
        return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BOX))


class Radiomic:
    """Card, transform, and the five families of features."""

    def __init__(self, device: str, transform: Blocks) -> None:
        self.device, self.transform = pick(device), transform
        names = tuple(self.features([np.arange(64, dtype=np.float32).reshape(1, 8, 8)])[0])
        self.card = Card("radiomic", "1", len(names), f"values, planes up to {transform.side} pixels a side", "Apache-2.0",
                         unit=False, storage="float32", names=names)

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 82) float32 in the features' own scales; the names stand in the card."""
        return np.array([[found[name] for name in self.card.names] for found in self.features(batch)], np.float32)

    def features(self, batch: list[NDArray[Any]]) -> list[dict[str, float]]:
        """Name to value for each (z, y, x) view; views of one shape are computed together."""
        import torch

        out: list[dict[str, float]] = [{} for _ in batch]
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for i, view in enumerate(batch):
            by_shape[view.shape].append(i)
        for places in by_shape.values():
            values = torch.from_numpy(np.stack([batch[i] for i in places])).to(self.device)
            for name, column in self._of_one_shape(values).items():
                for i, value in zip(places, column.tolist()):
                    out[i][name] = value
        return out

    def _of_one_shape(self, values: Any) -> dict[str, Any]:
        import torch

        found = {f"firstorder_{name}": column for name, column in first_order(values, torch.ones_like(values, dtype=torch.bool)).items()}
        levels = fixed_bins(values, self.transform.levels)
        found |= {f"histogram_{name}": column for name, column in histogram(levels, self.transform.levels).items()}
        for family, function in FAMILIES.items():
            found |= {f"{family}_{name}": column for name, column in function(levels, self.transform.levels).items()}
        return found


def fixed_bins(values: Any, count: int) -> Any:
    """(n, …) int64 levels 1 … count over each image's own range (IBSI: fixed bin number)."""
    low, high = values.flatten(1).amin(1), values.flatten(1).amax(1)
    shape = (-1,) + (1,) * (values.ndim - 1)
    width = (high - low).clamp(min=1e-12).view(shape)
    return ((values - low.view(shape)) / width * count).floor().long().clamp(0, count - 1) + 1


def load(target: str | None, device: str, *, side: str = "128", slices: str = "32", levels: str = "32") -> Radiomic:
    """Options: side (pixels), slices (of a volume, or frames of a video), levels (grey levels of the textures)."""
    try:
        return Radiomic(device, Blocks(int(side), int(slices), int(levels)))
    except ValueError as error:
        raise UsageError(f"an option of the encoder radiomic is not a whole number: {error}", hint="radiomic?side=128&slices=32&levels=32") from error
