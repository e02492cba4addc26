"""Recall of duplicate finding, or the robustness of an encoder, per change and severity.

    python -P benchmarks/probe.py FOLDER [COPIES=8] [--with ENCODER]

FOLDER holds PNG or JPEG pictures that are all different; they are shrunk to 320 pixels, since the severities were set for small pictures. COPIES
are made per change and severity, of pictures in turn. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core import progress
from isocenter.curate.probe.corruptions import SEVERITIES
from isocenter.curate.probe.recall import recall
from isocenter.curate.probe.robustness import robustness
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.local_features import grey

SIDE = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("copies", type=int, nargs="?", default=8)
    parser.add_argument("--with", dest="encoder")
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    progress.silence()
    pictures = {path.name: small(path) for path in sorted(options.folder.iterdir()) if path.suffix.lower() in (".png", ".jpg", ".jpeg")}
    if options.encoder:
        show({(row.name, row.severity): row.found for row in robustness(open_encoder(options.encoder), list(pictures.values()))})
        return
    rows, wrong = recall(pictures, options.copies, workers=options.workers)
    show({(row.name, row.severity): row.joined / row.copies for row in rows})
    print(f"\n{len(pictures)} pictures, {options.copies} copies per cell, {sum(row.joined for row in rows)} of {sum(row.copies for row in rows)} copies joined, {wrong} wrong")


def small(path: Path) -> np.ndarray:
    image = Image.open(path).convert("L")
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return grey(np.asarray(image))


def show(shares: dict[tuple[str, int], float]) -> None:
    print("| change | " + " | ".join(f"severity {s}" for s in SEVERITIES) + " |\n|---|" + "---|" * len(SEVERITIES))
    for name in dict.fromkeys(name for name, _ in shares):
        print(f"| {name} | " + " | ".join(f"{shares[name, s]:.2f}" if (name, s) in shares else "" for s in SEVERITIES) + " |")


if __name__ == "__main__":
    main()
