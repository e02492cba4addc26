"""Any vision model of the `transformers` library, by local folder or hub id: `transformers:/models/dinov2-base`. Safetensors only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, MissingExtra, UsageError
from isocenter.embeddings import models
from isocenter.embeddings.api import Card, Vectors
from isocenter.embeddings.devices import pick
from isocenter.embeddings.models import network_input, precision, rows_of
from isocenter.embeddings.prepare import Views, view_options

TOKENS = ("auto", "pooler", "first", "mean")
RESAMPLE = {0: "box", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "bicubic"}


class Transformers:
    """Card, transform read from the model's own preprocessor, and the model."""

    def __init__(self, target: str, device: str, tokens: str = "auto", **options: Any) -> None:
        self.device = pick(device)
        self.dtype = precision(self.device)
        self.model, missing = _open_model(target)
        self.model = self.model.to(self.device, self.dtype).eval()
        self.tokens = tokens if tokens != "auto" else "first" if any("pooler" in name for name in missing) else "pooler"
        self.transform, self.mean, self.std = _preprocessing(target, self.model.config, options)
        weights = _weights_hash(target, self.model)
        commit = getattr(self.model.config, "_commit_hash", None)
        size = "×".join(str(side) for side in self.transform.size)
        side = self.transform.size
        dimension = self.encode([np.zeros((*side, 3), np.uint8)]).shape[1]
        self.card = Card(_short(target), f"{(commit or weights)[:12]}-{self.tokens}", dimension, f"{size} rgb", _licence(target), weights)

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, d) float32: pooled output, first token or mean of all tokens, as the card's revision ends."""
        import torch

        with torch.inference_mode():
            pixels = network_input(batch, self.mean, self.std, self.device, self.dtype)
            if hasattr(self.model, "get_image_features"):
                found = self.model.get_image_features(pixel_values=pixels)
                return rows_of(found if torch.is_tensor(found) else found.pooler_output)
            output = self.model(pixel_values=pixels)
            pooled = getattr(output, "pooler_output", None)
            if self.tokens == "pooler" and pooled is not None:
                return rows_of(pooled)
            states = output.last_hidden_state
            return rows_of(states.mean(dim=1) if self.tokens == "mean" and states.ndim == 3 else states)


def load(target: str | None, device: str, *, tokens: str = "auto", **options: str) -> Transformers:
    """Options: slices, window, percentiles, and tokens=auto|pooler|first|mean (auto: the pooled output if its weights are there)."""
    if not target:
        raise UsageError("which model? The encoder transformers needs a folder or a hub id", hint="--with transformers:facebook/dinov2-base")
    if tokens not in TOKENS:
        raise UsageError(f"tokens={tokens} is not one of {', '.join(TOKENS)}")
    return Transformers(target, device, tokens, **view_options(**options))


def _open_model(target: str) -> tuple[Any, list[str]]:
    """The model in float32, and the names of weights that the checkpoint lacks."""
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise MissingExtra("the transformers library is not installed", hint="pip install 'isocenter[embed]'") from error
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model, info = AutoModel.from_pretrained(target, use_safetensors=True, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"no vision model can be loaded from {target!r}: {str(error).splitlines()[0]}",
                       hint="give a folder with config.json and model.safetensors, or a hub id") from error
    return model, sorted(info["missing_keys"])


def _preprocessing(target: str, config: Any, options: dict[str, Any]) -> tuple[Views, tuple[float, ...], tuple[float, ...]]:
    """The transform, mean and deviation that the model's preprocessor states; ImageNet's where it states none."""
    from transformers import AutoImageProcessor

    try:
        stated = AutoImageProcessor.from_pretrained(target, backend="pil").to_dict()
    except (OSError, ValueError):
        stated = {}
    side = getattr(config, "image_size", None) or getattr(getattr(config, "vision_config", None), "image_size", None) or 224
    size = _pair(stated.get("size") or side)
    crop = None
    if stated.get("do_center_crop"):
        shorter = stated["size"].get("shortest_edge") if isinstance(stated.get("size"), dict) else None
        crop, size = shorter or min(size), _pair(stated.get("crop_size") or side)
    elif stated.get("crop_pct") and min(size) < 384:        # ConvNeXt's processor: a wider resize, then the centre
        crop = int(min(size) / stated["crop_pct"])
    normal = stated.get("do_normalize", True)
    mean = tuple(stated.get("image_mean") or models.IMAGENET_MEAN) if normal else (0.0, 0.0, 0.0)
    std = tuple(stated.get("image_std") or models.IMAGENET_STD) if normal else (1.0, 1.0, 1.0)
    resample = RESAMPLE[int(stated.get("resample", 3))]
    return Views(size, channels="rgb", resample=resample, crop=crop, **options), mean, std


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        return (int(size["height"]), int(size["width"])) if "height" in size else (int(size["shortest_edge"]),) * 2
    return (int(size[0]), int(size[1])) if isinstance(size, (list, tuple)) else (int(size), int(size))


def _weights_hash(target: str, model: Any) -> str:
    files = sorted(Path(target).glob("*.safetensors")) if Path(target).is_dir() else []
    return models.files_hash(files) if files else models.tensors_hash((name, tensor.float().cpu().numpy()) for name, tensor in model.state_dict().items())


def _short(target: str) -> str:
    name = Path(target).resolve().name if Path(target).is_dir() else target.split("/")[-1]
    return re.sub(r"[^\w.-]", "-", name)


def _licence(target: str) -> str:
    """The licence line of the model card beside local weights, else `see <id>`."""
    readme = Path(target) / "README.md"
    found = re.search(r"^license:\s*(\S+)", readme.read_text(encoding="utf-8"), re.M) if readme.exists() else None
    return found.group(1) if found else "not stated" if Path(target).is_dir() else f"see {target}"
