"""Remap the labels of 52 million voxels: isocenter beside SimpleITK's ChangeLabel and the loop that scripts share; and list labels.

python benchmarks/remap.py [--repeats 5]
"""

from __future__ import annotations

import argparse

import numpy as np
import SimpleITK as sitk
from _peers import measure

from isocenter.harmonize.remap import label_counts, remap

LABELS = 105


def mask(dtype: type) -> np.ndarray:
    """Blocky organs with values 0..104, 512 x 512 x 200."""
    small = np.random.default_rng(2).integers(0, LABELS, (64, 64, 25)).astype(dtype)
    return np.asfortranarray(small.repeat(8, axis=0).repeat(8, axis=1).repeat(8, axis=2))


def loop(array: np.ndarray, table: dict[int, int]) -> np.ndarray:
    result = np.zeros_like(array)
    for old, new in table.items():
        result[array == old] = new
    return result


def compare(dtype: type, repeats: int) -> None:
    array, table = mask(dtype), {value: LABELS - value for value in range(LABELS)}
    image, changes = sitk.GetImageFromArray(array.T), {float(old): float(new) for old, new in table.items()}
    assert np.array_equal(remap(array, table), sitk.GetArrayFromImage(sitk.ChangeLabel(image, changes)).T)
    jobs = {
        "isocenter remap": lambda: remap(array, table, dtype=array.dtype),
        "SimpleITK ChangeLabel": lambda: sitk.ChangeLabel(image, changes),
        "loop over labels": lambda: loop(array, table),
        "isocenter label_counts": lambda: label_counts(array),
        "numpy unique": lambda: np.unique(array, return_counts=True),
    }
    print(f"{np.dtype(dtype)}, {array.size / 1e6:.0f} million voxels, {LABELS} labels")
    for name, job in jobs.items():
        wall = measure(job, 1 if name.startswith(("loop", "numpy")) else repeats)["wall_s"]
        print(f"  {name:24} {wall:7.3f} s {array.size / wall / 1e6:8.0f} million voxels/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for dtype in (np.uint8, np.int16):
        compare(dtype, repeats)


if __name__ == "__main__":
    main()
