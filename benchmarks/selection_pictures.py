"""Pools of pictures for the selection benchmark: real textures, drawn letters and stained cells, with long tails, balance or near-copies.

Every pool is ((pictures, labels), (test pictures, test labels)); a test split holds every class equally often and comes from other parts of
the photographs, other fonts, other draws.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import io

SIDE = 48
Side = tuple[list[NDArray[np.uint8]], NDArray[np.int64]]
Classes = list[list[NDArray[np.uint8]]]
PHOTOGRAPHS = ("brick.png", "grass.png", "gravel.png", "camera.png", "coins.png", "moon.png", "ihc.png", "hubble_deep_field.jpg", "retina.jpg",
               "chelsea.png", "coffee.png", "astronaut.png", "page.png", "text.png", "cell.png", "rocket.jpg")
LETTERS = "ABCDEFGHKLMNPRSTUVXZ"


def pools() -> dict[str, tuple[Side, Side]]:
    """Long tails, near-copies and balanced pools, 400 to 3,000 pictures each."""
    rng = np.random.default_rng(0)
    made = {"textures, tail": drawn(*textures(1, 700), rng, 700, 0.02), "textures": drawn(*textures(1, 150), rng, 150, 1.0),
            "letters, tail": drawn(*letters(4, 500), rng, 500, 0.03), "letters, copies": copies(drawn(*letters(7, 110), rng, 110, 1.0), 2)}
    for at, (top, ratio) in enumerate(((900, 0.02), (300, 0.1), (200, 0.1))):
        made[f"cells {at + 1}, tail"] = drawn(*cells(5 + at, 8, top), rng, top, ratio)
    made["cells, copies"] = copies(drawn(*cells(6, 6, 700), rng, 700, 0.1), 1)
    return made


def drawn(pool: Classes, test: Classes, rng: np.random.Generator, top: int, ratio: float) -> tuple[Side, Side]:
    """`top` pictures of the most frequent class, `ratio` of that of the rarest, which is which by chance; 40 of each in the test."""
    kinds = len(pool)
    sizes = dict(zip(rng.permutation(kinds).tolist(), np.maximum(3, (top * ratio ** (np.arange(kinds) / (kinds - 1))).astype(int)).tolist()))
    sides = []
    for classes, size in ((pool, sizes), (test, dict.fromkeys(range(kinds), 40))):
        taken = [(classes[kind][at], kind) for kind in range(kinds) for at in rng.permutation(len(classes[kind]))[:size[kind]]]
        sides.append(([picture for picture, _ in taken], np.array([kind for _, kind in taken], np.int64)))
    return sides[0], sides[1]


def copies(pool: tuple[Side, Side], seed: int, share: float = 0.7) -> tuple[Side, Side]:
    """The same, but this share of the pool are slight copies of few of its pictures."""
    (pictures, labels), test = pool
    rng = np.random.default_rng(seed)
    kept = rng.permutation(len(pictures))[:int(len(pictures) * (1 - share))]
    weight = rng.pareto(1.1, len(kept)) + 0.05
    source = rng.choice(kept, len(pictures) - len(kept), p=weight / weight.sum())
    made = [_noisy(np.roll(pictures[at], rng.integers(-2, 3, 2), (0, 1)), rng, 0.07, 5) for at in source]
    return ([pictures[at] for at in kept] + made, np.concatenate([labels[kept], labels[source]])), test


def textures(seed: int, most: int) -> tuple[Classes, Classes]:
    """Crops of public photographs, one class each; the right 38 % of every photograph is for the test."""
    rng, folder = np.random.default_rng(seed), Path(skimage.data.__file__).parent
    sides: tuple[Classes, Classes] = ([], [])
    for name in PHOTOGRAPHS:
        whole = io.imread(folder / name)
        whole = np.stack([whole] * 3, -1) if whole.ndim == 2 else whole[..., :3]
        cut = int(whole.shape[1] * 0.62)
        for side, part, number in zip(sides, (whole[:, :cut], whole[:, cut:]), (most, 40)):
            side.append([_crop(part, rng) for _ in range(number)])
    return sides


def letters(seed: int, most: int) -> tuple[Classes, Classes]:
    """Letters in matplotlib's fonts, turned and moved; every second font is for the test."""
    rng = np.random.default_rng(seed)
    fonts = [file for file in sorted(Path(matplotlib.get_data_path()).glob("fonts/ttf/*.ttf")) if not file.name.startswith(("cmex", "cmsy", "cmmi", "STIXSiz", "STIXNonUni"))
             and "Display" not in file.name]
    return tuple([[_letter(one, fonts[first::2], rng) for _ in range(number)] for one in LETTERS] for first, number in ((0, most), (1, 40)))


def cells(seed: int, kinds: int, most: int) -> tuple[Classes, Classes]:
    """Drawn stained cells: kinds differ in size, lobes of the nucleus, granules and tint."""
    rng = np.random.default_rng(seed)
    looks = [{"lobes": rng.integers(1, 5), "nucleus": rng.uniform(0.35, 0.8), "granules": rng.uniform(0, 0.25), "radius": rng.uniform(11, 20),
              "tint": rng.uniform([180, 160, 190], [235, 215, 240]), "grain": rng.uniform([150, 80, 120], [230, 150, 220])} for _ in range(kinds)]
    return tuple([[_cell(look, rng) for _ in range(number)] for look in looks] for number in (most, 40))


def _crop(part: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    side = int(rng.integers(40, 64))
    top, left = rng.integers(0, part.shape[0] - side + 1), rng.integers(0, part.shape[1] - side + 1)
    small = Image.fromarray(part[top:top + side, left:left + side]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _noisy(np.asarray(small), rng, 0.2, 5)


def _letter(letter: str, fonts: list[Path], rng: np.random.Generator) -> NDArray[np.uint8]:
    picture = Image.new("L", (SIDE, SIDE), int(rng.integers(0, 60)))
    font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), int(rng.integers(22, 38)))
    ImageDraw.Draw(picture).text(tuple(SIDE / 2 + rng.integers(-5, 6, 2)), letter, fill=int(rng.integers(140, 255)), font=font, anchor="mm")
    return _noisy(np.asarray(picture.rotate(rng.normal(0, 8))), rng, 0.0, 8)


def _cell(look: dict[str, object], rng: np.random.Generator) -> NDArray[np.uint8]:
    down, across = np.mgrid[:SIDE, :SIDE] - SIDE / 2 - rng.normal(0, 2.5, 2)[:, None, None]
    picture = np.ones((SIDE, SIDE, 3)) * (np.array([235, 215, 215]) + rng.normal(0, 6, 3))
    for _ in range(rng.integers(1, 5)):
        picture[np.hypot(down - rng.uniform(-24, 24), across - rng.uniform(-24, 24)) < rng.uniform(6, 9)] = (215, 165, 170)
    radius = look["radius"] * rng.uniform(0.85, 1.15) * SIDE / 56
    body = np.hypot(down * rng.uniform(0.85, 1.15), across) < radius
    picture[body] = look["tint"] + rng.normal(0, 5, 3)
    picture[body & (rng.random((SIDE, SIDE)) < look["granules"])] = look["grain"]
    turn = rng.uniform(0, 2 * np.pi)
    for lobe in range(look["lobes"]):
        angle, away = turn + 2 * np.pi * lobe / look["lobes"], radius * (1 - look["nucleus"]) * 0.6 * (look["lobes"] > 1)
        inside = np.hypot(down - away * np.sin(angle), across - away * np.cos(angle)) < radius * look["nucleus"] / np.sqrt(look["lobes"]) * rng.uniform(0.9, 1.1)
        picture[inside & body] = np.array([95, 50, 130]) + rng.normal(0, 8, 3)
    return _noisy(picture, rng, 0.1, 5)


def _noisy(picture: NDArray[np.generic], rng: np.random.Generator, gain: float, noise: float) -> NDArray[np.uint8]:
    return np.clip(picture.astype(float) * rng.uniform(1 - gain, 1 + gain) + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
