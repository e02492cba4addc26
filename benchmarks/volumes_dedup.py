"""Sensitivity and specificity of volume comparison on rotated, cropped, noisy, re-sliced and exported copies of real volumes.

Usage: volumes_dedup.py FOLDER [VOLUMES=16], FOLDER holding .nii.gz files. The construction follows arXiv 2312.07273 (near-duplicates
of real volumes by rotation, crop, noise and re-slicing; 0.9645 / 0.8559 there). Every copy is one positive; every other volume
near it in the index is a negative. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter, rotate, zoom

from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture, Verdict

Volume = np.ndarray
Spacing = tuple[float, ...] | None


def changed(volume: Volume, spacing: Spacing, kind: str, rng: np.random.Generator) -> tuple[Volume, Spacing]:
    if kind == "rotated":
        first, second = rng.choice(3, 2, replace=False)
        return rotate(volume, float(rng.uniform(-15, 15)), axes=(int(first), int(second)), reshape=False, order=1), spacing
    if kind == "turned":
        return np.rot90(volume, 1, (0, 1)).copy(), None if spacing is None else (spacing[1], spacing[0], spacing[2])
    if kind == "cropped":
        return volume[tuple(slice(int(rng.uniform(0, 0.12) * n), n - int(rng.uniform(0, 0.12) * n)) for n in volume.shape)], spacing
    if kind == "noisy":
        return volume + rng.normal(0, 0.15 * volume.std(), volume.shape).astype(np.float32), spacing
    if kind == "resliced" and spacing is not None:
        return zoom(gaussian_filter(volume, (0, 0, 0.6)), (1, 1, 0.5), order=1), (spacing[0], spacing[1], 2 * spacing[2])
    if kind == "exported":
        low, high = np.percentile(volume, [2, 98])
        return ((volume - low) / (high - low) * 255).clip(0, 255).astype(np.uint8).transpose(1, 0, 2)[:, :, ::-1].copy(), None
    for step in ("rotated", "cropped", "noisy"):
        volume, spacing = changed(volume, spacing, step, rng)
    return volume, spacing


KINDS = ("rotated", "turned", "cropped", "noisy", "resliced", "exported", "all at once")


def main(folder: Path, count: int = 16) -> None:
    rng = np.random.default_rng(4)
    pictures, source = [], {}
    for file in sorted(folder.rglob("*.nii.gz"))[:count]:
        image = nib.load(file)
        volume, spacing = np.asarray(image.dataobj, np.float32), tuple(float(v) for v in image.header.get_zooms()[:3])
        versions = {file.name: (volume, spacing)} | {f"{kind}:{file.name}": changed(volume, spacing, kind, rng) for kind in KINDS}
        for name, (pixels, step) in versions.items():
            source[name] = file.name
            pictures.append(Picture(name, "set", partial(np.copy, pixels), spacing_mm=step))
    before = os.times()
    found = find(pictures)
    after = os.times()
    truth = {frozenset((name, original)) for name, original in source.items() if name != original}
    joined = {frozenset((m.id, other.id)) for m in found.groups for other in found.groups if m.group == other.group and m.id != other.id}
    apart = [(a, b) for a in source for b in source if a < b and source[a] != source[b]]
    false = sum(frozenset(pair) in joined for pair in apart)
    compared = [pair for pair in found.pairs if source[pair.a] != source[pair.b]]
    hits = Counter(name.split(":")[0] for pair in truth if pair in joined for name in pair if ":" in name)
    print(json.dumps({
        "volumes": len(pictures), "cpu_s": round(after.user + after.children_user - before.user - before.children_user, 1),
        "sensitivity": round(len(truth & joined) / len(truth), 4), "specificity": round(1 - false / len(apart), 5),
        "specificity_among_near_pairs": round(1 - sum(p.verdict is Verdict.SAME for p in compared) / max(len(compared), 1), 4), "near_pairs": len(compared),
        "found_by_kind": {kind: f"{hits[kind]} of {len(truth) // len(KINDS)}" for kind in KINDS}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(value) for value in sys.argv[2:]))
