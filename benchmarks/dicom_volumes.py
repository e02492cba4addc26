"""DICOM → NIfTI: reference volumes reproduced, and made-up series in awkward forms converted right, wrong or declined; dcm2niix beside us.

Usage: python benchmarks/dicom_volumes.py [FOLDER of a set with In/ and Ref/ below it …]. A reference is a .nii with its BIDS .json;
it is reproduced when a stored volume of its series number has equal voxels and an affine within 1e-3 mm after canonical
reorientation, wrong when the series has stored volumes and none is equal, declined when it has none. One JSON line per set.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from isocenter.harmonize.dicom.convert import convert_series
from isocenter.harmonize.dicom.dcm2niix import program
from isocenter.harmonize.dicom.miniature import leave_out, put, write_series

AFFINE_MM = 1e-3
AFFINE = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
RNG = np.random.default_rng(11)
STACK = RNG.integers(0, 3000, (64, 48, 10), dtype=np.int16)
TIMES = RNG.integers(0, 3000, (64, 48, 6, 5), dtype=np.int16)
MANY = RNG.integers(0, 3000, (16, 12, 150), dtype=np.int16)
TWICE = np.stack([STACK, STACK], axis=3)
THIRDS = AFFINE.copy()
THIRDS[2, 2] = 2.5 / 3
JUMBLED = RNG.permutation(30).reshape(6, 5)
ONE_MOMENT: dict[str, Any] = {"AcquisitionNumber": 1, "AcquisitionTime": "120000", "ContentTime": "120000"}
Found = list[tuple[int | None, Path]]


def ours(files: list[Path], out: Path) -> Found:
    return [(int(one.plan.header.number("SeriesNumber") or 0), one.stored) for one in convert_series(files, out) if one.stored]


def dcm2niix(files: list[Path], out: Path) -> Found:
    """The bare program on the same files, in one folder of links."""
    inside = out / "in"
    inside.mkdir(parents=True)
    for number, path in enumerate(files):
        (inside / f"{number:06d}.dcm").symlink_to(path.resolve())
    subprocess.run([str(program()), "-b", "y", "-z", "n", "-f", "%s_%p_%t", "-o", str(out), str(inside)], capture_output=True, check=False)
    return [(_series_number(path), path) for path in sorted(out.glob("*.nii"))]


def _series_number(path: Path) -> int | None:
    beside = path.with_suffix(".json")
    return json.loads(beside.read_text()).get("SeriesNumber") if beside.exists() else None


def equal(one: Path, other: nib.Nifti1Image) -> bool:
    try:
        mine = nib.as_closest_canonical(nib.load(one))
    except nib.orientations.OrientationError:
        return False
    theirs = nib.as_closest_canonical(other)
    return mine.shape == theirs.shape and np.array_equal(mine.get_fdata(), theirs.get_fdata()) and bool(np.abs(mine.affine - theirs.affine).max() <= AFFINE_MM)


def verdict(found: Found, series: int | None, expected: nib.Nifti1Image) -> str:
    same_series = [path for number, path in found if series is None or number == series]
    if not same_series:
        return "declined"
    return "right" if any(equal(path, expected) for path in same_series) else "wrong"


def reference_set(folder: Path, convert: Callable[[list[Path], Path], Found]) -> Counter[str]:
    """Verdicts on the references of one set."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.open("rb").read(132)[128:] == b"DICM")
    with tempfile.TemporaryDirectory() as out:
        found = convert(files, Path(out))
        return Counter(verdict(found, json.loads(path.with_suffix(".json").read_text())["SeriesNumber"], nib.load(path)) for path in sorted(folder.rglob("*.nii")))


def philips(dataset: Any, z: int, t: int) -> None:
    """Instance numbers tell nothing; the private numbers of b-value and direction do."""
    put(**ONE_MOMENT, Manufacturer="Philips", InstanceNumber=lambda z, t: int(JUMBLED[z, t]) + 1)(dataset, z, t)
    dataset.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
    dataset.add_new(0x20051412, "IS", 1 + (t > 0))
    dataset.add_new(0x20051413, "IS", max(1, t))


SITUATIONS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "plain": (STACK, STACK - 1024.0, {}),
    "shuffled numbers": (STACK, STACK - 1024.0, {"change": put(InstanceNumber=lambda z, t: [5, 3, 8, 1, 9, 2, 10, 4, 7, 6][z])}),
    "time series": (TIMES, TIMES, {"modality": "MR"}),
    "time series, numbered by place": (TIMES, TIMES, {"modality": "MR", "change": put(InstanceNumber=lambda z, t: z * 5 + t + 1)}),
    "rescale per slice": (STACK, STACK * np.float32(0.5) * (1 + np.arange(10)), {"modality": "PT", "change": put(RescaleSlope=lambda z, t: 0.5 * (1 + z), RescaleIntercept=0)}),
    "unsigned": (STACK.astype(np.uint16) + 40000, STACK + 40000.0, {"modality": "MR"}),
    "implicit": (STACK, STACK - 1024.0, {"syntax": "1.2.840.10008.1.2"}),
    "big-endian": (STACK, STACK - 1024.0, {"syntax": "1.2.840.10008.1.2.2"}),
    "deflated": (STACK, STACK - 1024.0, {"syntax": "1.2.840.10008.1.2.1.99"}),
    "rle": (STACK, STACK - 1024.0, {"syntax": "1.2.840.10008.1.2.5"}),
    "jpeg 2000": (STACK.astype(np.uint16), STACK - 1024.0, {"syntax": "1.2.840.10008.1.2.4.90"}),
    "positions in hundredths": (MANY, MANY - 1024.0, {"affine": THIRDS, "change": put(ImagePositionPatient=lambda z, t: [-20, -18, f"{-30 + 2.5 / 3 * z:.2f}"])}),
    "Siemens, numbered by place": (TIMES, TIMES, {"modality": "MR", "change": put(Manufacturer="SIEMENS", AcquisitionNumber=1, InstanceNumber=lambda z, t: z * 5 + t + 1)}),
    "Philips diffusion, numbers jumbled": (TIMES, TIMES, {"modality": "MR", "change": philips}),
    "exported twice": (TWICE, STACK - 1024.0, {"change": put(**ONE_MOMENT, InstanceNumber=lambda z, t: z + 1)}),
    "last time point cut": (TIMES, TIMES[..., :4], {"modality": "MR", "change": leave_out((4, 4), (5, 4))}),
    "repeated under the same numbers": (TIMES[..., :2], None, {"modality": "MR", "change": put(**ONE_MOMENT, InstanceNumber=lambda z, t: z + 1)}),
    "missing slice": (STACK, None, {"change": leave_out((4, 0))}),
    "missing frame": (TIMES, None, {"modality": "MR", "change": leave_out((4, 4))}),
    "uneven": (STACK, None, {"change": put(ImagePositionPatient=lambda z, t: [0, 0, z * z])}),
    "gantry tilt": (STACK, None, {"change": put(ImagePositionPatient=lambda z, t: [0, z * 0.7, z * 2.5], GantryDetectorTilt=15.6)}),
}
"""name: array written, physical values expected (None: no volume says this faithfully), how it is written (`affine`: placed so)."""


def situation(name: str, convert: Callable[[list[Path], Path], Found]) -> str:
    array, expected, how = SITUATIONS[name]
    affine = how.get("affine", AFFINE)
    with tempfile.TemporaryDirectory() as folder:
        found = convert(write_series(Path(folder, "in"), array, name="made", **{"affine": affine} | how), Path(folder, "out"))
        if expected is None:
            return "wrong" if found else "declined"
        return verdict(found, None, nib.Nifti1Image(np.asarray(expected, np.float64), affine))


def report(what: str, by: str, counts: Counter[str], seconds: float) -> None:
    print(json.dumps({"benchmark": "dicom_volumes", "set": what, "by": by, **{name: counts[name] for name in ("right", "wrong", "declined")}, "seconds": round(seconds, 1)}))


def main(folders: Iterable[Path]) -> None:
    peers = {"isocenter": ours} | ({"dcm2niix": dcm2niix} if program() else {})
    for by, convert in peers.items():
        for folder in folders:
            started = time.perf_counter()
            report(folder.name, by, reference_set(folder, convert), time.perf_counter() - started)
        started = time.perf_counter()
        verdicts = {name: situation(name, convert) for name in SITUATIONS}
        report("situations", by, Counter(verdicts.values()), time.perf_counter() - started)
        print(json.dumps({"by": by, "situations": verdicts}))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
