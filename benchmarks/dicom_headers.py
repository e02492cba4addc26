"""Header indexing: CPU per file of `index_files` and of `pydicom.dcmread(stop_before_pixels=True)`, on the same files in the same run.

Usage: python benchmarks/dicom_headers.py [FILES=1000] [FOLDER]. Files are made (CT-like, 512 × 512, about 115 elements with private
ones and sequences) unless a folder of DICOM files is given. Values of both readers are compared on every file. One JSON line each.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from isocenter.core.progress import silence
from isocenter.harmonize.dicom.index import index_files
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.dicom.values import published

KEYWORDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Modality", "SeriesDescription", "InstanceNumber",
            "Rows", "Columns", "PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "BodyPartExamined")
PER_SERIES, REPEATS = 50, 3


def make(folder: Path, count: int) -> list[Path]:
    """CT-like files with 50 private elements and two sequences each."""
    pixels = np.random.default_rng(5).integers(-1000, 2000, (512, 512, 1), dtype=np.int16)

    def fill(dataset: Any, z: int, t: int) -> None:
        dataset.InstitutionName, dataset.BodyPartExamined, dataset.KVP, dataset.ConvolutionKernel = "HOSP", "CHEST", "120", "B30f"
        for keyword in ("ReferencedStudySequence", "ReferencedImageSequence"):
            item = pydicom.Dataset()
            item.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
            setattr(dataset, keyword, pydicom.Sequence([item, item, item]))
        block = dataset.private_block(0x0019, "ACME CT 01", create=True)
        for number in range(50):
            block.add_new(number, "LO", f"private value {number} of {t}")

    paths: list[Path] = []
    for series in range(-(-count // PER_SERIES)):
        stack = np.repeat(pixels, min(PER_SERIES, count - series * PER_SERIES), axis=2)
        paths += write_series(folder / f"{series:03d}", stack, np.eye(4), name=f"s{series}", change=fill)
    return paths


def by_pydicom(paths: Sequence[Path]) -> list[dict[str, str | None]]:
    datasets = (pydicom.dcmread(path, stop_before_pixels=True) for path in paths)
    return [{keyword: published(dataset.get(keyword)) for keyword in KEYWORDS} for dataset in datasets]


def by_us(paths: Sequence[Path]) -> list[dict[str, str | None]]:
    return index_files(paths, KEYWORDS).select(KEYWORDS).to_pylist()


def cpu_microseconds(read: Callable[[Sequence[Path]], Any], paths: Sequence[Path]) -> float:
    """The best of some runs, per file; the first run warms the cache."""
    read(paths[:20])
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        read(paths)
        best = min(best, time.process_time() - started)
    return best / len(paths) * 1e6


def main(count: int = 1000, folder: Path | None = None) -> None:
    silence()
    with tempfile.TemporaryDirectory() as made:
        paths = make(Path(made), count) if folder is None else sorted(path for path in folder.rglob("*") if path.is_file())
        equal = by_us(paths) == by_pydicom(paths)
        ours, theirs = cpu_microseconds(by_us, paths), cpu_microseconds(by_pydicom, paths)
    print(json.dumps({"benchmark": "dicom_headers", "files": len(paths), "isocenter_us": round(ours, 1), "pydicom_us": round(theirs, 1),
                      "times_less_cpu": round(theirs / ours, 1), "values_equal": equal}))


if __name__ == "__main__":
    main(*(int(argument) if number == 0 else Path(argument) for number, argument in enumerate(sys.argv[1:3])))
