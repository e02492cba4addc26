"""Which encoder and strategy choose best without labels: probe accuracy over random's at 10 % of real image pools, five seeds.

python benchmarks/selection.py [--pictures] [--cells FOLDER]… [--by S]… [--with E]…

Pools: scikit-learn's digits, balanced and with long tails of four shapes; the pools of selection_pictures.py with --pictures; and for every --cells FOLDER (JPEGImages/ and Annotations/ in
Pascal VOC form) the boxes cut out of its pictures, two thirds of the pictures as pool, a balanced test from the rest,
in three ways. Two probes judge: on
pixels and on edge directions, both reduced to 40 principal directions, neither of them the encoder's own features.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.feature import hog
from sklearn.datasets import load_digits

from isocenter.core import progress
from isocenter.core.plugins import PluginTable
from isocenter.curate.api import Pool
from isocenter.curate.evaluate import Trial, evaluate
from isocenter.embeddings.api import open_encoder, vectors

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick",))
SEEDS, DIRECTIONS, SIDE = range(5), 40, 48
Pictures = tuple[list[NDArray[np.uint8]], NDArray[np.int64]]


def long_tailed(seed: int, top: int, ratio: float) -> tuple[Pictures, Pictures]:
    """Digits whose rarest class has `ratio` of the `top` of the most frequent; the test split keeps the set's own balance."""
    images, labels = (load_digits().images * 15.9).astype(np.uint8), load_digits().target
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    test, train = order[:450], order[450:]
    sizes = top * ratio ** (np.arange(10) / 9)
    keep = np.concatenate([train[labels[train] == digit][:max(3, int(size))] for digit, size in zip(rng.permutation(10), sizes)])
    return (list(images[keep]), labels[keep]), (list(images[test]), labels[test])


def cells(folders: list[Path], third: int) -> tuple[Pictures, Pictures]:
    """Boxes of Pascal VOC folders as small pictures of their class; this third of the pictures is for the test."""
    sides: tuple[list[tuple[NDArray[np.uint8], str]], list[tuple[NDArray[np.uint8], str]]] = ([], [])
    for folder in folders:
        for number, file in enumerate(sorted((folder / "Annotations").glob("*.xml"))):
            picture = next(iter(folder.glob(f"JPEGImages/{file.stem}.*")), None)
            if picture is None:
                continue
            whole = Image.open(picture).convert("RGB")
            for box in ElementTree.parse(file).getroot().findall("object"):
                bounds = [int(float(box.findtext(f"bndbox/{edge}") or 0)) for edge in ("xmin", "ymin", "xmax", "ymax")]
                if min(bounds[2] - bounds[0], bounds[3] - bounds[1]) > 5:
                    part = whole.crop(bounds).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
                    sides[number % 3 == third].append((np.asarray(part), (box.findtext("name") or "").strip().lower()))
    kinds = sorted({name for _, name in sides[0]})
    made = [([picture for picture, _ in side], np.array([kinds.index(name) for _, name in side if name in kinds], np.int64)) for side in sides]
    (pool, labels), (test, truth) = made
    least = np.bincount(truth).min()
    balanced = np.concatenate([np.random.default_rng(0).permutation(np.flatnonzero(truth == one))[:least] for one in range(len(kinds))])
    return (pool, labels), ([test[at] for at in balanced], truth[balanced])


def probes(pool: list[NDArray[np.uint8]], test: list[NDArray[np.uint8]]) -> dict[str, tuple[NDArray[np.floating], NDArray[np.floating]]]:
    made = {}
    for name, features in (("pixels", _pixels), ("edges", _edges)):
        rows, asked = features(pool), features(test)
        mean = rows.mean(0)
        directions = np.linalg.svd(rows - mean, full_matrices=False)[2][:DIRECTIONS]
        made[name] = ((rows - mean) @ directions.T, (asked - mean) @ directions.T)
    return made


def _pixels(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    return np.stack([np.asarray(Image.fromarray(one).resize((12, 12))).ravel() for one in pictures]).astype(float)


def _edges(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    grey = [np.asarray(Image.fromarray(one).convert("L").resize((32, 32))) for one in pictures]
    return np.stack([hog(one, orientations=8, pixels_per_cell=(8, 8), cells_per_block=(1, 1)) for one in grey])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=Path, action="append", default=[])
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--by", action="append")
    parser.add_argument("--with", dest="encoders", action="append")
    options = parser.parse_args()
    progress.silence()
    names = ["random", *(options.by or ["spread", "k-center", "facility-location", "hierarchical-kmeans", "typiclust", "maxherding"])]
    pools = {f"tail {ratio:g}": long_tailed(seed, 140, ratio) for seed, ratio in enumerate((0.1, 0.05, 0.03, 0.02))} | {"balanced": long_tailed(9, 140, 1.0)}
    if options.pictures:
        from selection_pictures import pools as more

        pools |= more()
    if options.cells:
        pools |= {f"blood {third + 1}": cells(options.cells, third) for third in range(3)}
    print(f"{'encoder':<12} {'strategy':<20} " + " ".join(f"{name:>17}" for name in pools) + f" {'mean':>7} {'least':>7}   (points over random: pixels / edges)")
    for encoder in options.encoders or ["sketch", "thumbnail", "random-conv"]:
        gains: dict[str, list[float]] = {name: [] for name in names}
        for (pool, labels), (test, truth) in pools.values():
            opened = open_encoder(encoder)
            rows = vectors(opened, pool)
            for judged, asked in probes(pool, test).values():
                found = evaluate(Trial(Pool(tuple(map(str, range(len(pool)))), rows, sides=opened.card.sides), labels, judged, asked, truth), {name: STRATEGIES.get(name) for name in names},
                                 [len(pool) // 10], SEEDS).summary
                for row in found.iter_rows(named=True):
                    gains[row["strategy"]].append(100 * row["vs random"])
        for name in names[1:]:
            pairs = " ".join(f"{gains[name][at]:>+8.1f}{gains[name][at + 1]:>+9.1f}" for at in range(0, len(gains[name]), 2))
            print(f"{encoder:<12} {name:<20} {pairs} {np.mean(gains[name]):>+7.1f} {min(gains[name]):>+7.1f}", flush=True)


if __name__ == "__main__":
    main()
