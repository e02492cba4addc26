"""Resample a 512 x 512 x 200 int16 volume to 1 mm: isocenter beside SimpleITK, TorchIO, MONAI and nibabel, each in its own process.

python benchmarks/resample.py [--repeats 3] [--json FILE]
A peer that is not installed is skipped with the reason. Arrays are made before the clock starts; nothing is read or written.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _peers import in_own_process, measure

SHAPE, SPACING = (512, 512, 200), (0.8, 0.8, 1.5)
PEERS = ("isocenter", "isocenter-plain", "SimpleITK", "TorchIO", "MONAI", "nibabel")


def volume() -> np.ndarray:
    """A smooth body with noise, in nibabel's order and memory layout."""
    rng = np.random.default_rng(1)
    x, y, z = (np.linspace(-1, 1, n, dtype=np.float32) for n in SHAPE)
    body = 1000 * np.exp(-2 * (x[:, None, None] ** 2 + y[None, :, None] ** 2)) * np.cos(3 * z)[None, None] - 900
    return np.asfortranarray((body + rng.normal(0, 20, SHAPE).astype(np.float32)).astype(np.int16))


def run(peer: str, repeats: int) -> dict[str, Any]:
    array, affine = volume(), np.diag([*SPACING, 1.0])
    if peer.startswith("isocenter"):
        from isocenter.harmonize.geometry import resample, to_canonical

        def job() -> Any:
            turned, new, _ = to_canonical(array, affine)
            return resample(turned, new, (1, 1, 1), antialias=peer == "isocenter")[0]
    elif peer == "SimpleITK":
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(array.T)
        image.SetSpacing(SPACING)
        size = [round(n * s) for n, s in zip(SHAPE, SPACING)]

        def job() -> Any:
            turned = sitk.DICOMOrient(image, "LPS")
            return sitk.Resample(turned, size, sitk.Transform(), sitk.sitkLinear, turned.GetOrigin(), (1, 1, 1), turned.GetDirection(), 0.0)
    elif peer == "TorchIO":
        import torchio

        both = torchio.Compose([torchio.ToCanonical(), torchio.Resample(1)])
        picture = torchio.ScalarImage(tensor=array[None].copy(), affine=affine)

        def job() -> Any:
            return both(picture).numpy()[0]
    elif peer == "MONAI":
        import torch
        from monai.data import MetaTensor
        from monai.transforms import Compose, Orientation, Spacing

        turn = Compose([Orientation("RAS"), Spacing((1, 1, 1), mode="bilinear", padding_mode="border")])
        tensor = MetaTensor(torch.from_numpy(array[None].copy()), affine=torch.from_numpy(affine))

        def job() -> Any:
            return turn(tensor).numpy()[0]
    else:
        import nibabel as nib
        from nibabel.processing import resample_to_output

        def job() -> Any:
            return np.asarray(resample_to_output(nib.Nifti1Image(array, affine), (1, 1, 1), order=1).dataobj)

    result = measure(job, repeats)
    found = job()
    if peer == "SimpleITK":
        found = sitk.GetArrayFromImage(found).T
    result["shape"] = list(found.shape)
    if peer.startswith("isocenter") or peer == "SimpleITK":
        np.save(sample_file(peer), np.asarray(found, dtype=np.float32)[50:350:3, 50:350:3, 20:280:3])
    return result


def sample_file(peer: str) -> Path:
    return Path(tempfile.gettempdir()) / f"isocenter-resample-{peer}.npy"


def agreement() -> dict[str, float]:
    """Differences of sampled values from SimpleITK's, in grey values (the noise has sigma 20)."""
    theirs = np.load(sample_file("SimpleITK"))
    found = {}
    for peer in ("isocenter-plain", "isocenter"):
        apart = np.abs(np.load(sample_file(peer)) - theirs)
        found |= {f"{peer} mean": float(apart.mean()), f"{peer} max": float(apart.max())}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=PEERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(run(options.peer, options.repeats)))
        return
    table = {peer: in_own_process(__file__, "--peer", peer, "--repeats", str(options.repeats)) for peer in PEERS}
    base = table["SimpleITK"]
    print(f"{'':17} {'wall s':>7} {'cpu s':>7} {'+MB':>6} {'wall/SimpleITK':>15}  shape")
    for peer, row in table.items():
        if "skipped" in row:
            print(f"{peer:17} skipped: {row['skipped']}")
        else:
            print(f"{peer:17} {row['wall_s']:7.2f} {row['cpu_s']:7.2f} {row['extra_mb']:6.0f} {row['wall_s'] / base['wall_s']:15.2f}  {row['shape']}")
    apart = agreement()
    print("difference from SimpleITK in grey values: " + ", ".join(f"{name} {value:.2f}" for name, value in apart.items()))
    if options.json:
        options.json.write_text(json.dumps({"table": table, "difference": apart}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
