"""A small synthetic DICOM series from an array and an affine: what tests, benchmarks and miniatures of layouts are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.files import blake2b

SOP_CLASS = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128", "CR": "1.2.840.10008.5.1.4.1.1.1"}
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
ROOT = "1.2.826.0.1.3680043.8.498"
Change = Callable[[Any, int, int], None]


def write_series(folder: Path, array: NDArray[Any], affine: NDArray[np.float64], *, modality: str = "CT", name: str = "series",
                 change: Change | None = None, syntax: str = "1.2.840.10008.1.2.1") -> list[Path]:
    """Write one file per slice and time point of `array` (x, y, z[, t]), 16-bit integers placed by `affine` (RAS mm).

    change(dataset, z, t) may edit each data set before it is written; a deleted SOPInstanceUID leaves the slice out.
    UIDs follow from `name`. Returns the written paths.
    """
    volume = array if array.ndim == 4 else array[..., None]
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for t in range(volume.shape[3]):
        for z in range(volume.shape[2]):
            dataset = _slice(volume[:, :, z, t], affine, modality, name, z, t, volume.shape[2])
            if change is not None:
                change(dataset, z, t)
            if "SOPInstanceUID" in dataset:
                paths.append(_save(dataset, folder / f"{name}-{t:03d}-{z:03d}.dcm", syntax))
    return paths


def put(**elements: Any) -> Change:
    """A change that sets elements, each to a value or to what a function of slice and time gives."""
    def change(dataset: Any, z: int, t: int) -> None:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value(z, t) if callable(value) else value)

    return change


def leave_out(*places: tuple[int, int]) -> Change:
    """A change that writes no file for these (slice, time)."""
    def change(dataset: Any, z: int, t: int) -> None:
        if (z, t) in places:
            del dataset.SOPInstanceUID

    return change


def uid(*parts: object) -> str:
    """A UID that follows from its parts."""
    return f"{ROOT}.{int(blake2b(repr(parts).encode())[:24], 16)}"


def _slice(plane: NDArray[Any], affine: NDArray[np.float64], modality: str, name: str, z: int, t: int, slices: int) -> Any:
    from pydicom.dataset import Dataset

    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = SOP_CLASS[modality], uid(name, z, t)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uid(name, "study"), uid(name, "series"), uid(name, "frame")
    dataset.ImageType, dataset.Modality, dataset.Manufacturer = ["ORIGINAL", "PRIMARY", "AXIAL"], modality, "Miniature"
    dataset.PatientID, dataset.PatientName = "miniature", "Miniature"
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = 1, t + 1, t * slices + z + 1
    dataset.SeriesDescription = dataset.ProtocolName = name
    dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionTime, dataset.ContentTime = "20200101", "120000", f"{120000 + t}", f"{120000 + t}"
    _place(dataset, affine, z)
    if modality == "MR":
        dataset.EchoTime, dataset.RepetitionTime, dataset.ScanningSequence, dataset.SequenceVariant = 20.0, 2000.0, "GR", "NONE"
        dataset.MagneticFieldStrength = 3.0
    else:
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane.shape[1], plane.shape[0]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(plane.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(plane.T).astype("<u2" if plane.dtype.kind == "u" else "<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _place(dataset: Any, affine: NDArray[np.float64], z: int) -> None:
    axes = RAS_TO_LPS @ affine[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    position = RAS_TO_LPS @ affine[:3, 3] + z * axes[:, 2]
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
    dataset.ImageOrientationPatient = [f"{value:.8f}"[:16] for value in [*(axes[:, 0] / spacing[0]), *(axes[:, 1] / spacing[1])]]
    dataset.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[0]:.6f}"]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = f"{spacing[2]:.6f}"


def _save(dataset: Any, path: Path, syntax: str) -> Path:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    wanted = UID(syntax)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if wanted.is_compressed and not wanted.is_deflated else wanted
    dataset.file_meta = meta
    if not wanted.is_little_endian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    if wanted.is_compressed and not wanted.is_deflated:
        dataset.compress(wanted, generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=True, implicit_vr=dataset.file_meta.TransferSyntaxUID.is_implicit_VR,
                    little_endian=dataset.file_meta.TransferSyntaxUID.is_little_endian)
    return path
