"""An ONNX model: `onnx:/models/encoder.onnx?mean=0.5&std=0.5`. Size and channels are read from its input where it fixes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, MissingExtra, UsageError
from isocenter.core.files import file_hash
from isocenter.embeddings.api import Card, Vectors
from isocenter.embeddings.models import IMAGENET_MEAN, IMAGENET_STD, numbers
from isocenter.embeddings.prepare import Views, view_options


class Onnx:
    """Card, transform, and a session of onnxruntime."""

    def __init__(self, path: Path, device: str, size: int, mean: str, std: str, **options: Any) -> None:
        self.session = _session(path, device)
        feed = self.session.get_inputs()[0]
        shape = [side if isinstance(side, int) else None for side in feed.shape]
        if len(shape) != 4:
            raise BadInput(f"the model's input has {len(shape)} dimensions, not (n, channels, height, width)", where=str(path))
        self.feed, channels, side = feed.name, shape[1] or 3, (shape[2] or size, shape[3] or size)
        self.mean = np.array(numbers(mean, "mean") if mean else IMAGENET_MEAN, np.float32)[:channels]
        self.std = np.array(numbers(std, "std") if std else IMAGENET_STD, np.float32)[:channels]
        self.one_by_one = shape[0] == 1
        self.transform = Views(side, channels="rgb" if channels == 3 else "grey", resample="bicubic", **options)
        dimension = self.encode([np.zeros((*side, 3) if channels == 3 else side, np.uint8)]).shape[1]
        weights = file_hash(path)
        self.card = Card(path.stem, f"{weights[:12]}-m{','.join(map(str, self.mean))}-s{','.join(map(str, self.std))}", dimension,
                         f"{side[0]}×{side[1]} {self.transform.channels}", "not stated", weights)

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, d) float32: the first output; maps averaged over places, the first of several tokens."""
        pixels = np.stack(batch).astype(np.float32) / 255
        pixels = (pixels.reshape(*pixels.shape[:3], -1) - self.mean) / self.std
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
        calls = [pixels[i : i + 1] for i in range(len(pixels))] if self.one_by_one else [pixels]
        output = np.concatenate([self.session.run(None, {self.feed: call})[0] for call in calls])
        if output.ndim == 4:
            output = output.mean(axis=(2, 3))
        return np.asarray(output[:, 0] if output.ndim == 3 else output, np.float32)


def load(target: str | None, device: str, *, size: str = "224", mean: str = "", std: str = "", **options: str) -> Onnx:
    """Options: size (pixels a side, where the model leaves it open), mean, std, slices, window, percentiles."""
    if not target or not Path(target).is_file():
        raise UsageError(f"no ONNX model at {target!r}", hint="--with onnx:/path/to/model.onnx")
    return Onnx(Path(target), device, int(size), mean, std, **view_options(**options))


def _session(path: Path, device: str) -> Any:
    """A session on the device asked for; raises MissingExtra without onnxruntime, BadInput for a file that is no model."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("onnxruntime is not installed", hint="pip install 'isocenter[onnx]'") from error
    there = onnxruntime.get_available_providers()
    wanted = ["CPUExecutionProvider"] if device == "cpu" else ["CUDAExecutionProvider", "CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(str(path), providers=[provider for provider in wanted if provider in there])
    except Exception as error:
        raise BadInput(f"onnxruntime cannot load the model: {str(error).splitlines()[0]}", where=str(path)) from error
