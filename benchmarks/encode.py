"""Encoding overhead: `embed` from PNG files to shards, against the bare forward loop of the same network on ready tensors.

    python benchmarks/encode.py [--images 64] [--batch 32] [--repeats 2] [--device cpu]

Random weights of a ViT-B/16 at 224 px; 512×512 grey PNG files on the local disk. Prints one JSON line. Compare the ratio, not the
times: both loops run in turn in one process on one machine, and the quickest of the repeats counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isocenter.core import progress
from isocenter.core.files import file_hash
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.decode import Item
from isocenter.embeddings.models import precision
from isocenter.embeddings.pipeline import embed
from isocenter.harmonize.image import load_pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    progress.silence()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = open_encoder(f"transformers:{save_model(folder / 'vit-b16')}", arguments.device)
        items = save_pictures(folder / "pictures", arguments.images)
        bare, ours = [], []
        for _ in range(arguments.repeats):
            bare.append(forward_loop(encoder, arguments.images, arguments.batch))
            ours.append(timed(lambda: embed(items, encoder, folder / "vectors" / "set", batch=arguments.batch)))
            shutil.rmtree(folder / "vectors")
        print(json.dumps({"bench": "encode", "device": encoder.device, "images": arguments.images, "batch": arguments.batch, "bare_s": round(min(bare), 3),
                          "embed_s": round(min(ours), 3), "overhead": round(min(ours) / min(bare) - 1, 4), "load1": round(os.getloadavg()[0], 2)}))


def forward_loop(encoder: Any, images: int, batch: int) -> float:
    """Seconds for the network alone on tensors that lie on the device."""
    import torch

    ready = torch.randn(images, 3, 224, 224, device=encoder.device, dtype=precision(encoder.device))

    def loop() -> None:
        with torch.inference_mode():
            for part in ready.split(batch):
                encoder.model(pixel_values=part).last_hidden_state[:, 0].float().cpu()

    return timed(loop)


def timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def save_model(folder: Path) -> Path:
    import torch
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    torch.manual_seed(0)
    ViTModel(ViTConfig()).save_pretrained(folder)
    ViTImageProcessorPil().save_pretrained(folder)
    return folder


def save_pictures(folder: Path, count: int) -> list[Item]:
    folder.mkdir()
    rng = np.random.default_rng(0)
    items = []
    for i in range(count):
        path = folder / f"{i:05d}.png"
        smooth = Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).resize((512, 512), Image.Resampling.BICUBIC)
        noisy = np.clip(np.asarray(smooth) + rng.normal(0, 6, (512, 512)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(path)
        items.append(Item(f"set@1/{path.name}", file_hash(path), partial(load_pixels, path, "png")))
    return items


if __name__ == "__main__":
    main()
