"""Precision, recall and speed of duplicate finding on a set with planted copies, beside the best peer at hand, in one run.

Usage: duplicates.py FOLDER TRUTH [--nets]
FOLDER holds the pictures; TRUTH is JSON whose "pairs" are [name, name, kind]. `--nets` measures hashes and thumbnails alone.
The peers are pHash at distance 4 and 10 (imagehash). Prints one JSON line per finder. A time on a shared machine says little:
processor seconds are printed beside it, of this process and its workers.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core.files import file_hash
from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture, Verdict

Pairs = set[frozenset[str]]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def ours(paths: list[Path], *, proof: bool) -> tuple[Pairs, dict[str, object]]:
    found = find([Picture(path.name, "set", partial(pixels, path), file_hash=file_hash(path)) for path in paths], proof=proof, local=None if proof else False)
    groups: dict[int, list[str]] = {}
    for member in found.groups:
        groups.setdefault(member.group, []).append(member.id)
    joined = {frozenset(pair) for names in groups.values() for pair in combinations(names, 2)}
    if not proof:
        joined |= {frozenset((pair.a, pair.b)) for pair in found.pairs}
    unsettled = {frozenset((pair.a, pair.b)) for pair in found.pairs if pair.verdict is Verdict.UNSETTLED}
    return joined, {"seconds_by_step": {step: round(value, 1) for step, value in found.seconds.items()}, "unsettled": len(unsettled) if proof else None}


def phash(paths: list[Path], distance: int) -> tuple[Pairs, dict[str, object]]:
    import imagehash

    bits = np.stack([imagehash.phash(Image.open(path)).hash.ravel() for path in paths]).astype(np.float32) * 2 - 1
    near = np.argwhere(np.triu(bits @ bits.T >= 64 - 2 * distance, 1))
    return {frozenset((paths[i].name, paths[j].name)) for i, j in near}, {}


def report(name: str, run: Callable[[], tuple[Pairs, dict[str, object]]], count: int, truth: dict[frozenset[str], str]) -> None:
    before, started = os.times(), time.perf_counter()
    joined, more = run()
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.user + after.children_user - before.user - before.children_user
    kinds, hits = Counter(truth.values()), Counter(kind for pair, kind in truth.items() if pair in joined)
    print(json.dumps({
        "finder": name, "pictures": count, "wall_s": round(wall, 1), "pictures_per_s": round(count / wall, 1), "cpu_s": round(cpu, 1),
        "pictures_per_s_on_two_free_cores": round(2 * count / cpu, 1), "recall": round(len(joined & set(truth)) / len(truth), 4),
        "precision": round(len(joined & set(truth)) / max(len(joined), 1), 4), "recall_by_kind": {kind: round(hits[kind] / n, 3) for kind, n in sorted(kinds.items())}, **more}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--nets", action="store_true")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.iterdir() if path.is_file())
    truth = {frozenset(pair[:2]): pair[2] for pair in json.loads(options.truth.read_text())["pairs"]}
    report("isocenter, hashes and thumbnails" if options.nets else "isocenter, complete", lambda: ours(paths, proof=not options.nets), len(paths), truth)
    for distance in (4, 10):
        report(f"phash <= {distance}", lambda distance=distance: phash(paths, distance), len(paths), truth)


if __name__ == "__main__":
    main()
