"""Copies of real pictures as people make them: a folder of pictures goes in; the pictures, a copy of each and `truth.json` come out.

    python benchmarks/duplicates_by_hand.py PICTURES OUT --kind republished|at-once|figure|small [--beside FOLDER] [--seed 1]
    python -P benchmarks/duplicates.py OUT/img OUT/truth.json

`--beside` adds pictures that get no copy. The changes are written apart from those of `curate/probe`, from which the search plants its own copies.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Random = np.random.Generator
ENDINGS = (".png", ".jpg", ".jpeg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", choices=list(KINDS), required=True)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    (options.out / "img").mkdir(parents=True)
    pairs = []
    for place, path in enumerate(listed(options.pictures)):
        rng = np.random.default_rng((options.seed, 1 + list(KINDS).index(options.kind), place))
        shutil.copy(path, options.out / "img" / f"a__{path.name}")
        cv2.imwrite(str(options.out / "img" / f"copy__{path.name}.png"), KINDS[options.kind](cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), rng))
        pairs.append([f"a__{path.name}", f"copy__{path.name}.png", options.kind])
    for path in listed(options.beside) if options.beside else ():
        shutil.copy(path, options.out / "img" / f"b__{path.name}")
    (options.out / "truth.json").write_text(json.dumps({"pairs": pairs}))
    print(len(list((options.out / "img").iterdir())), "pictures,", len(pairs), "copies")


def listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)


def republished(image: Image, rng: Random) -> Image:
    """Cropped up to 13 % at each side, turned up to 8°, re-windowed, resized."""
    if rng.random() < 0.6:
        image = turned(image, rng.uniform(-8, 8), rng)
    image = cropped(image, *rng.uniform(0, 0.13, 4))
    image = windowed(image, rng, 0.04) if rng.random() < 0.6 else image
    return compressed(sized(image, int(rng.choice([299, 512, 640, 800, 1024]))), rng.uniform(60, 95))


def at_once(image: Image, rng: Random) -> Image:
    """A quarter cropped on both axes, turned 7–10°, re-windowed, 224 pixels."""
    image = turned(image, rng.choice([-1, 1]) * rng.uniform(7, 10), rng)
    top, left = rng.uniform(0, 0.25, 2)
    image = windowed(cropped(image, top, 0.25 - top, left, 0.25 - left), rng, 0.08)
    return compressed(sized(image, 224), rng.uniform(50, 85))


def figure(image: Image, rng: Random) -> Image:
    """Arrows, lettering, another tone or sharpness, another aspect, a frame, strong compression."""
    if rng.random() < 0.5:
        image = cropped(image, *rng.uniform(0, 0.1, 4))
    image = drawn_on(image, rng, int(rng.integers(1, 5)))
    tone = rng.integers(4)
    if tone == 0:
        image = cv2.createCLAHE(rng.uniform(2, 5), (8, 8)).apply(np.ascontiguousarray(image))
    elif tone == 1:
        image = np.asarray((image + 1.5 * (image - cv2.GaussianBlur(image, (0, 0), 2).astype(float))).clip(0, 255), np.uint8)
    elif tone == 2:
        image = windowed(image, rng, 0.1)
    else:
        image = cv2.GaussianBlur(image, (0, 0), max(image.shape) / 640 * rng.uniform(0.5, 1.2))
    if rng.random() < 0.5:
        image = cv2.resize(image, None, fx=rng.uniform(0.8, 1.2), fy=1, interpolation=cv2.INTER_AREA)
    image = sized(image, int(rng.choice([256, 320, 400, 600, 900])))
    if rng.random() < 0.4:
        image = np.pad(image, [(int(a), int(b)) for a, b in rng.uniform(0, 0.2 * max(image.shape), (2, 2))], constant_values=int(rng.choice([0, 255])))
    return compressed(image, rng.uniform(25, 70))


def small(image: Image, rng: Random) -> Image:
    """128–256 pixels or full size at JPEG 15–50, some mirrored or inverted."""
    image = sized(image, int(rng.choice([128, 160, 224, 256]))) if rng.random() < 0.6 else image
    image = compressed(image, rng.uniform(15, 50))
    image = image[:, ::-1] if rng.random() < 0.3 else image
    return 255 - image if rng.random() < 0.3 else image


def turned(image: Image, degrees: float, rng: Random) -> Image:
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=int(rng.choice([0, 0, 0, 255]))), np.uint8)


def cropped(image: Image, top: float, bottom: float, left: float, right: float) -> Image:
    height, width = image.shape
    return image[int(top * height):height - int(bottom * height), int(left * width):width - int(right * width)]


def windowed(image: Image, rng: Random, most: float) -> Image:
    low, high = np.percentile(image, [100 * rng.uniform(0, most), 100 * (1 - rng.uniform(0, most))])
    return np.asarray(255 * ((image - low) / max(high - low, 1)).clip(0, 1) ** np.exp(rng.uniform(-0.5, 0.5)), np.uint8)


def sized(image: Image, longest: int) -> Image:
    factor = longest / max(image.shape)
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC), np.uint8)


def compressed(image: Image, quality: float) -> Image:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1], cv2.IMREAD_GRAYSCALE), np.uint8)


def drawn_on(image: Image, rng: Random, arrows: int) -> Image:
    image = image.copy()
    height, width = image.shape
    thick = 2 * max(1, max(height, width) // 200)
    for _ in range(arrows):
        tip = int(rng.uniform(0.2, 0.8) * width), int(rng.uniform(0.2, 0.8) * height)
        tail = int(tip[0] + rng.uniform(-0.12, 0.12) * width), int(tip[1] + rng.uniform(-0.12, 0.12) * height)
        cv2.arrowedLine(image, tail, tip, int(rng.choice([0, 255])), thick, tipLength=0.4)
    if rng.random() < 0.6:
        text = ["A", "B", "Day 3", "L", "R", "Fig. 2"][int(rng.integers(6))]
        cv2.putText(image, text, (int(0.03 * width), int(0.1 * height)), cv2.FONT_HERSHEY_SIMPLEX, max(height, width) / 400, 255, thick)
    return image


KINDS = {"republished": republished, "at-once": at_once, "figure": figure, "small": small}

if __name__ == "__main__":
    main()
