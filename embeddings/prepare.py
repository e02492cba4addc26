"""Decoded pixels of any kind (2D, RGB, 16-bit, volume, video) become 8-bit views of one size; every choice is part of the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isocenter.core.errors import BadInput, UsageError
from isocenter.embeddings.api import Pooling

Channels = Literal["grey", "rgb"]
FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
SAMPLED = 1 << 20


@dataclass(frozen=True, slots=True)
class Views:
    """A transform that ends in 8-bit pictures of one size.

    size: (height, width) in pixels. window: values shown as black and white; without one 8-bit pixels stay as they are and
    others are stretched between two percentiles of the whole sample. channels: grey (ITU-R 601 luma) or rgb (grey repeated).
    slices: how many evenly spaced slices or frames stand for a volume or a video. `crop` resizes the shorter side to `crop`
    and cuts the centre; otherwise the picture is squeezed to `size`.
    """

    size: tuple[int, int]
    channels: Channels = "grey"
    resample: str = "bicubic"
    window: tuple[float, float] | None = None
    percentiles: tuple[float, float] = (0.5, 99.5)
    slices: int = 8
    pool: Pooling = "mean"
    crop: int | None = None

    @property
    def key(self) -> str:
        height, width = self.size
        values = f"w{self.window[0]:g},{self.window[1]:g}" if self.window else f"p{self.percentiles[0]:g},{self.percentiles[1]:g}"
        cut = f"-c{self.crop}" if self.crop else ""
        return f"{self.channels}{height}x{width}-{self.resample}{cut}-{values}-{self.pool}{self.slices}"

    def __call__(self, pixels: NDArray[Any], axes: str | None = None) -> list[NDArray[Any]]:
        """(height, width) or (height, width, 3) uint8 per view."""
        frames = planes(pixels, axes)
        low, high = self._range(frames)
        return [self._view(frame, low, high) for frame in spread(frames, self.slices)]

    def _range(self, frames: Sequence[NDArray[Any]]) -> tuple[float, float]:
        if self.window:
            return self.window
        if frames[0].dtype == np.uint8:
            return 0.0, 255.0
        if frames[0].dtype == np.bool_:
            return 0.0, 1.0
        low, high = np.percentile(_finite_sample(frames), self.percentiles)
        return float(low), float(high)

    def _view(self, frame: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
        eight = frame if frame.dtype == np.uint8 and (low, high) == (0.0, 255.0) else to_eight_bits(frame, low, high)
        image = Image.fromarray(np.ascontiguousarray(eight))
        image = image.convert("L" if self.channels == "grey" else "RGB")
        if self.crop:
            image = _shorter_side(image, self.crop, FILTERS[self.resample])
            return np.asarray(_centre(image, self.size))
        return np.asarray(image.resize(self.size[::-1], FILTERS[self.resample]))


def planes(pixels: NDArray[Any], axes: str | None = None) -> list[NDArray[Any]]:
    """The 2D planes of a sample, each (y, x) or (y, x, c), as views of the array.

    axes: one letter per dimension of `pixels`, from y x (plane), c (channels), z or t (slices, frames). None: 2D is yx; 3D is
    yxc when the last dimension is 3 or 4 and the dtype is 8-bit, else a volume in nibabel's order, xyz; 4D is tyxc with 1, 3 or
    4 channels last, else xyzt, of which the first volume counts. Raises BadInput for anything else and for empty arrays.
    """
    pixels = np.asarray(pixels)
    if pixels.size == 0 or pixels.dtype.kind not in "buif":
        raise BadInput(f"pixels of shape {pixels.shape} and dtype {pixels.dtype} cannot be encoded")
    order = axes or guess_axes(pixels)
    if len(order) != pixels.ndim or not set("yx") <= set(order) <= set("yxczt") or len(set(order)) != len(order):
        raise BadInput(f"pixels of shape {pixels.shape} do not fit the axes {order!r}")
    if "z" in order and "t" in order:
        pixels, order = np.take(pixels, 0, axis=order.index("t")), order.replace("t", "")
    stack = next((letter for letter in "zt" if letter in order), "")
    pixels = np.transpose(pixels, [order.index(letter) for letter in stack + "yx" + ("c" if "c" in order else "")])
    if "c" in order:
        pixels = _channels(pixels)
    return list(pixels) if stack else [pixels]


def guess_axes(pixels: NDArray[Any]) -> str:
    """The axes that an array without a description most likely has; see `planes`."""
    last = pixels.shape[-1]
    if pixels.ndim == 3:
        return "yxc" if last == 1 or (last in (3, 4) and pixels.dtype.itemsize == 1) else "xyz"
    if pixels.ndim == 4:
        return "tyxc" if last in (1, 3, 4) and pixels.dtype.itemsize == 1 else "xyzt"
    return "yx" if pixels.ndim == 2 else "?"


def _channels(pixels: NDArray[Any]) -> NDArray[Any]:
    """Three channels or none: alpha is dropped, two or more than four channels become their mean."""
    count = pixels.shape[-1]
    if count == 1:
        return pixels[..., 0]
    return pixels[..., :3] if count in (3, 4) else pixels.mean(axis=-1).astype(pixels.dtype)


def spread(frames: Sequence[NDArray[Any]], count: int) -> list[NDArray[Any]]:
    """At most `count` of the frames, evenly spaced, from the middle of equal stretches."""
    if len(frames) <= count:
        return list(frames)
    return [frames[int((i + 0.5) * len(frames) / count)] for i in range(count)]


def to_eight_bits(frame: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values between low and high spread over 0 … 255; what is not finite counts as low."""
    scaled = (frame.astype(np.float32) - low) * (255.0 / (high - low) if high > low else 0.0)
    eight: NDArray[np.uint8] = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0) + 0.5, 0, 255).astype(np.uint8)
    return eight


def _finite_sample(frames: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    step = max(1, int(sum(frame.size for frame in frames) // SAMPLED))
    values = np.concatenate([frame.reshape(-1)[::step] for frame in frames]).astype(np.float32)
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise BadInput("no pixel has a finite value")
    return values


def _shorter_side(image: Image.Image, side: int, resample: Image.Resampling) -> Image.Image:
    scale = side / min(image.size)
    return image.resize((max(side, int(image.width * scale)), max(side, int(image.height * scale))), resample)


def _centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    left, top = (image.width - size[1]) // 2, (image.height - size[0]) // 2
    return image.crop((left, top, left + size[1], top + size[0]))


def view_options(slices: str | None = None, window: str | None = None, percentiles: str | None = None) -> dict[str, Any]:
    """Options of an encoder's spec as arguments of `Views`: `slices=16`, `window=-160,240`, `percentiles=1,99`."""
    options: dict[str, Any] = {}
    try:
        if slices is not None:
            options["slices"] = max(1, int(slices))
        for name, text in (("window", window), ("percentiles", percentiles)):
            if text is not None:
                low, high = (float(piece) for piece in text.split(","))
                options[name] = (low, high)
    except ValueError as error:
        raise UsageError(f"an encoder option is not a number: {error}", hint="slices=16, window=-160,240, percentiles=1,99") from error
    return options
