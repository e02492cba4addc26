"""A TorchScript archive: `torchscript:/models/encoder.pt?size=224&mean=0.5&std=0.5`. Its code runs in torch's interpreter, not in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, UsageError
from isocenter.core.files import file_hash
from isocenter.embeddings.api import Card, Vectors
from isocenter.embeddings.devices import pick
from isocenter.embeddings.models import IMAGENET_MEAN, IMAGENET_STD, network_input, numbers, rows_of
from isocenter.embeddings.prepare import Views, view_options


class TorchScript:
    """Card, transform as the options say, and the archive's forward."""

    def __init__(self, path: Path, device: str, side: int, mean: tuple[float, ...], std: tuple[float, ...], **options: Any) -> None:
        import torch

        self.device, self.mean, self.std = pick(device), mean, std
        try:
            self.model = torch.jit.load(str(path), map_location=self.device).eval()
        except (RuntimeError, ValueError) as error:
            raise BadInput(f"not a TorchScript archive: {str(error).splitlines()[0]}", where=str(path)) from error
        self.transform = Views((side, side), channels="rgb" if len(mean) == 3 else "grey", resample="bicubic", **options)
        dimension = self.encode([np.zeros((side, side, 3) if len(mean) == 3 else (side, side), np.uint8)]).shape[1]
        weights = file_hash(path)
        self.card = Card(path.stem, f"{weights[:12]}-m{','.join(map(str, mean))}-s{','.join(map(str, std))}", dimension,
                         f"{side}×{side} {self.transform.channels}", "not stated", weights)

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, d) float32: vectors as they come, maps averaged over places, the first of several tokens or outputs."""
        import torch

        with torch.inference_mode():
            return rows_of(self.model(network_input(batch, self.mean, self.std, self.device, torch.float32)))


def load(target: str | None, device: str, *, size: str = "224", mean: str = "", std: str = "", **options: str) -> TorchScript:
    """Options: size (pixels a side), mean and std (one number, or one per channel; ImageNet's by default), slices, window, percentiles."""
    if not target or not Path(target).is_file():
        raise UsageError(f"no TorchScript archive at {target!r}", hint="--with torchscript:/path/to/model.pt")
    return TorchScript(Path(target), device, int(size), numbers(mean, "mean") if mean else IMAGENET_MEAN,
                       numbers(std, "std") if std else IMAGENET_STD, **view_options(**options))
