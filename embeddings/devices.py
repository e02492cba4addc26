"""Which device does the arithmetic: `auto` takes a GPU when torch sees one."""

from __future__ import annotations

from isocenter.core.errors import BadInput


def pick(device: str = "auto") -> str:
    """`cpu`, `cuda`, `cuda:1`, `mps` … as torch names it. Raises BadInput for a device that is not here."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"device {device!r} is not available: {str(error).splitlines()[0]}", hint="--device cpu") from error
    return device
