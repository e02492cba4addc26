"""Encoding overhead: `embed` from PNG files to shards, against the bare forward loop of the same network on ready tensors.

    python benchmarks/encode.py [--images 64] [--batch 32] [--repeats 3] [--device cpu]

Random weights of a ViT-B/16 at 224 px; 512×512 grey PNG files on the local disk. Prints one JSON line. Compare the ratio, not the
times: both loops run in turn in one process on one machine, and the median of the repeats counts. `--workers 0` decodes in this
process, so that the ratio of processor seconds, which is steadier on a busy machine, holds all the work.
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
from statistics import median
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
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    progress.silence()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = open_encoder(f"transformers:{save_model(folder / 'vit-b16')}", arguments.device)
        items = save_pictures(folder / "pictures", arguments.images)
        bare, ours = [], []
        for _ in range(arguments.repeats):
            bare.append(forward_loop(encoder, arguments.images, arguments.batch))
            ours.append(timed(lambda: embed(items, encoder, folder / "vectors" / "set", batch=arguments.batch, workers=arguments.workers)))
            shutil.rmtree(folder / "vectors")
        (bare_wall, bare_cpu), (wall, cpu) = (tuple(median(column) for column in zip(*times)) for times in (bare, ours))
        print(json.dumps({"bench": "encode", "device": encoder.device, "images": arguments.images, "batch": arguments.batch, "workers": arguments.workers,
                          "bare_s": round(bare_wall, 2), "embed_s": round(wall, 2), "overhead": round(wall / bare_wall - 1, 4),
                          "bare_cpu_s": round(bare_cpu, 2), "embed_cpu_s": round(cpu, 2), "cpu_overhead": round(cpu / bare_cpu - 1, 4),
                          "load1": round(os.getloadavg()[0], 1)}))


def forward_loop(encoder: Any, images: int, batch: int) -> tuple[float, float]:
    """Seconds, and processor seconds, of the network alone on tensors that lie on the device."""
    import torch

    ready = torch.randn(images, 3, 224, 224, device=encoder.device, dtype=precision(encoder.device))

    def loop() -> None:
        with torch.inference_mode():
            for part in ready.split(batch):
                encoder.model(pixel_values=part).last_hidden_state[:, 0].float().cpu()

    return timed(loop)


def timed(work: Any) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


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
