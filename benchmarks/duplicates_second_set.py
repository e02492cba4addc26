"""A second set of pictures with planted copies: a folder name goes in; PNG and JPEG files and `truth.json` come out.

Four invented modalities (speckled fans, vessel trees, projected bones, stained cells), each in studies of neighbouring
frames that deform and carry noise of their own, and copies by other crops, turns, tones, noise and compression than any
default was set on. Usage: duplicates_second_set.py FOLDER [STUDIES=150] [COPIES=40]
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Float = NDArray[np.float32]
FRAMES = 5


def smooth_field(rng: np.random.Generator, size: int, cells: int) -> Float:
    return np.asarray(cv2.resize(rng.standard_normal((cells, cells)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC))


def deform(image: Float, flow: tuple[Float, Float], amount: float) -> Float:
    size = image.shape[0]
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    return np.asarray(cv2.remap(image, xx + amount * flow[0], yy + amount * flow[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def fan(rng: np.random.Generator, size: int) -> Float:
    yy, xx = np.mgrid[:size, :size].astype(np.float32) / size
    tissue = 0.35 + 0.12 * smooth_field(rng, size, 9) + 0.08 * smooth_field(rng, size, 24)
    for _ in range(4):
        cx, cy, r = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8), rng.uniform(0.04, 0.12)
        tissue = np.where(np.hypot(xx - cx, (yy - cy) * rng.uniform(0.7, 1.4)) < r, rng.uniform(0.02, 0.8), tissue)
    return np.asarray(tissue * (np.abs(np.arctan2(xx - 0.5, yy + 0.1)) < 0.6), np.float32)


def vessels(rng: np.random.Generator, size: int) -> Float:
    image = np.full((size, size), 0.6, np.float32) + 0.05 * smooth_field(rng, size, 6)
    start = rng.uniform(0.3, 0.7, 2) * size
    for _ in range(18):
        point, angle, width = start.copy(), rng.uniform(0, 2 * np.pi), rng.uniform(1, 4)
        for _ in range(40):
            step = point + 0.02 * size * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(image, tuple(int(v) for v in point), tuple(int(v) for v in step), 0.3, max(1, int(width)), cv2.LINE_AA)
            point, angle, width = step, angle + rng.normal(0, 0.25), width * 0.97
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def bones(rng: np.random.Generator, size: int) -> Float:
    yy, xx = np.mgrid[:size, :size].astype(np.float32) / size
    image = 0.3 + 0.1 * smooth_field(rng, size, 5)
    for k in range(9):
        curve = 0.08 + 0.1 * k + 0.25 * rng.uniform(0.6, 1.2) * (xx - 0.5) ** 2
        image += 0.18 * np.exp(-((yy - curve) / 0.018) ** 2) + 0.1 * np.exp(-((yy - curve - 0.02) / 0.006) ** 2)
    return np.asarray(image + 0.3 * np.exp(-((xx - 0.5) / 0.07) ** 2) + 0.03 * smooth_field(rng, size, 60), np.float32)


def cells(rng: np.random.Generator, size: int) -> Float:
    image = np.full((size, size), 0.85, np.float32) + 0.02 * smooth_field(rng, size, 30)
    for _ in range(60):
        at, r = tuple(int(v) for v in rng.uniform(0, size, 2)), int(rng.uniform(0.02, 0.05) * size)
        axes = (r, max(2, int(r * rng.uniform(0.7, 1))))
        cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, 360, float(rng.uniform(0.45, 0.7)), -1, cv2.LINE_AA)
        cv2.ellipse(image, at, (axes[0] // 3 + 1, axes[1] // 3 + 1), 0, 0, 360, float(rng.uniform(0.2, 0.6)), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), 0.7)


MODALITIES: dict[str, tuple[Callable[[np.random.Generator, int], Float], float, float]] = {
    "fan": (fan, 0.25, 0.0), "vessels": (vessels, 0.0, 0.02), "bones": (bones, 0.0, 0.025), "cells": (cells, 0.0, 0.03),
}


def frames(rng: np.random.Generator, modality: str) -> Iterator[Image]:
    draw, speckle, noise = MODALITIES[modality]
    size = int(rng.integers(200, 401))
    base = draw(rng, size)
    flow = smooth_field(rng, size, 5), smooth_field(rng, size, 5)
    for k in range(FRAMES):
        image = deform(base, flow, 1.2 * k)
        image = image * (1 + speckle * rng.standard_normal(image.shape)) + noise * rng.standard_normal(image.shape)
        yield np.asarray((image.clip(0, 1) * 255), np.uint8)


def copy(image: Image, kind: str, rng: np.random.Generator) -> tuple[Image, str, int]:
    """The changed picture, its file ending and JPEG quality."""
    height, width = image.shape
    if kind == "crop":
        a, b, c, d = rng.uniform(0, 0.1, 4)
        image = image[int(a * height):height - int(b * height), int(c * width):width - int(d * width)]
    elif kind == "turn7":
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-7, 7)), 1.0)
        image = cv2.warpAffine(image, matrix, (width, height))
    elif kind == "turn90":
        image = np.rot90(image, int(rng.integers(1, 4)))
    elif kind == "vflip":
        image = image[::-1]
    elif kind == "invert":
        image = 255 - image
    elif kind == "gamma":
        image = np.asarray(255 * (image / 255.0) ** rng.choice([0.6, 1.6]), np.uint8)
    elif kind == "grow":
        image = cv2.resize(image, None, fx=1.4, fy=1.4, interpolation=cv2.INTER_CUBIC)
    elif kind == "shrink":
        image = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    elif kind == "noise":
        image = np.asarray((image + rng.normal(0, 4, image.shape)).clip(0, 255), np.uint8)
    return np.ascontiguousarray(image), ".jpg" if kind.startswith("jpeg") else ".png", 60 if kind == "jpeg60" else 35


KINDS = ("crop", "turn7", "turn90", "vflip", "invert", "gamma", "grow", "shrink", "noise", "jpeg60", "jpeg35")


def main(folder: Path, studies: int = 150, copies: int = 40, seed: int = 5) -> None:
    rng = np.random.default_rng(seed)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "img").mkdir(parents=True)
    study: dict[str, int] = {}
    for number in range(studies):
        modality = list(MODALITIES)[number % len(MODALITIES)]
        for k, image in enumerate(frames(rng, modality)):
            name = f"{modality}{number:04d}_{k}.png"
            cv2.imwrite(str(folder / "img" / name), image)
            study[name] = number
    pairs = []
    chosen = rng.choice(sorted(study), copies * len(KINDS), replace=False)
    for place, name in enumerate(chosen):
        kind = KINDS[place // copies]
        changed, ending, quality = copy(cv2.imread(str(folder / "img" / name), cv2.IMREAD_GRAYSCALE), kind, rng)
        out = f"copy{place:05d}_{kind}{ending}"
        cv2.imwrite(str(folder / "img" / out), changed, [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == ".jpg" else [])
        pairs.append([str(name), out, kind])
    (folder / "truth.json").write_text(json.dumps({"pairs": pairs, "study": study}))
    print(len(list((folder / "img").iterdir())), "pictures,", len(pairs), "planted copies")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(value) for value in sys.argv[2:]))
