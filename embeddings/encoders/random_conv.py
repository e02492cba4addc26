"""A small convolutional network with fixed random weights: a texture and layout descriptor that needs no training and no download.

Source: Saxe et al. 2011, On random weights and unsupervised feature learning. Weights come from a seeded numpy generator, so they
are the same everywhere; features are brought to mean 0 and deviation 1 over a fixed set of synthetic 1/f pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors
from isocenter.embeddings.devices import pick
from isocenter.embeddings.models import tensors_hash
from isocenter.embeddings.pink import pink_pictures
from isocenter.embeddings.prepare import Views, view_options

SIDE = 128
WIDTHS = (1, 32, 64, 128)
KERNELS = (7, 3, 3)
GRID = 2
SEED = 20240607


class RandomConv:
    """Card, transform, and three layers of convolution, rectification and pooling."""

    def __init__(self, device: str, **options: Any) -> None:
        self.device = pick(device)
        self.transform = Views((SIDE, SIDE), resample="bilinear", **options)
        weights = _weights()
        self.card = Card("random-conv", "1", WIDTHS[-1] * GRID * GRID, f"{SIDE}×{SIDE} grey", "Apache-2.0",
                         tensors_hash((f"layer{i}", weight) for i, weight in enumerate(weights)))
        import torch

        self.weights = [torch.from_numpy(weight).to(self.device) for weight in weights]
        self.mean, self.deviation = np.float32(0), np.float32(1)
        reference = self.encode(list(pink_pictures(64, SIDE, seed=SEED + 1)))
        self.mean, self.deviation = reference.mean(axis=0), reference.std(axis=0) + 1e-6

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 512) float32: 128 channels averaged over a 2×2 grid, relative to synthetic pictures."""
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            maps = torch.from_numpy(np.stack(batch)).to(self.device).float()[:, None]
            maps = maps - maps.mean(dim=(2, 3), keepdim=True)
            maps = maps / maps.std(dim=(2, 3), keepdim=True).clamp(min=1.0)
            for weight in self.weights:
                maps = functional.conv2d(maps, weight, stride=2, padding=weight.shape[-1] // 2).relu()
            rows = functional.adaptive_avg_pool2d(maps, GRID).flatten(1).cpu().numpy()
        centred: Vectors = (rows - self.mean) / self.deviation
        return centred


def load(target: str | None, device: str, **options: str) -> RandomConv:
    """Options: slices, window, percentiles."""
    return RandomConv(device, **view_options(**options))


def _weights() -> list[NDArray[np.float32]]:
    """Gaussian filters of mean zero, scaled so that each layer keeps the variance (He et al. 2015)."""
    rng = np.random.default_rng(SEED)
    out = []
    for inside, outside, side in zip(WIDTHS[:-1], WIDTHS[1:], KERNELS, strict=True):
        weight = rng.standard_normal((outside, inside, side, side))
        weight -= weight.mean(axis=(1, 2, 3), keepdims=True)
        out.append((weight * np.sqrt(2 / (inside * side * side))).astype(np.float32))
    return out
