"""What encoders with a network share: where it runs, how 8-bit views become its input, and the hash of its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import UsageError
from isocenter.core.files import file_hash
from isocenter.embeddings.api import Vectors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def precision(device: str) -> Any:
    """bfloat16 on a GPU, float32 elsewhere."""
    import torch

    return torch.bfloat16 if device.startswith("cuda") else torch.float32


def network_input(batch: list[NDArray[Any]], mean: Sequence[float], std: Sequence[float], device: str, dtype: Any) -> Any:
    """(n, c, h, w) tensor on the device from 8-bit views: divided by 255, minus mean, over std; grey repeats to len(mean) channels."""
    import torch

    stack = torch.from_numpy(np.stack(batch))
    if device.startswith("cuda"):
        stack = stack.pin_memory().to(device, non_blocking=True)
    stack = stack[..., None].expand(*stack.shape, len(mean)) if stack.ndim == 3 else stack
    scale = torch.tensor([1 / (255 * s) for s in std], device=device)
    shift = torch.tensor([m / s for m, s in zip(mean, std)], device=device)
    return (stack.permute(0, 3, 1, 2).float() * scale[:, None, None] - shift[:, None, None]).to(dtype).contiguous()


def rows_of(output: Any) -> Vectors:
    """(n, d) float32 from whatever a network gave: maps are averaged over places, tokens give their first, vectors stay."""
    if isinstance(output, (tuple, list)):
        output = output[0]
    if output.ndim == 4:
        output = output.mean(dim=(2, 3))
    if output.ndim == 3:
        output = output[:, 0]
    rows: Vectors = output.float().cpu().numpy()
    return rows


def tensors_hash(named: Iterable[tuple[str, Any]]) -> str:
    """Hex BLAKE2b-256 of tensors: names, shapes, dtypes and bytes, sorted by name."""
    digest = hashlib.blake2b(digest_size=32)
    for name, tensor in sorted(named, key=lambda pair: pair[0]):
        values = np.ascontiguousarray(tensor)
        digest.update(f"{name}{values.shape}{values.dtype.str}".encode())
        digest.update(values.data)
    return digest.hexdigest()


def files_hash(paths: Sequence[Path]) -> str:
    """Hex BLAKE2b-256 over the hashes of weight files, sorted by name."""
    digest = hashlib.blake2b(digest_size=32)
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(path.name.encode() + file_hash(path).encode())
    return digest.hexdigest()


def numbers(text: str, option: str) -> tuple[float, ...]:
    """`0.5` or `0.485,0.456,0.406` as numbers, three of them when one was given."""
    try:
        values = tuple(float(piece) for piece in text.split(","))
    except ValueError as error:
        raise UsageError(f"option {option}={text!r} is not a number", hint=f"{option}=0.5 or {option}=0.485,0.456,0.406") from error
    return values * 3 if len(values) == 1 else values
