"""Write small arrays in the format that a path's suffix names: pictures, NIfTI, NRRD, MetaImage, numpy and DICOM, for miniatures."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout_rules import MaskRule

SIDE = 48
DEPTH = 8
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
NIFTI = (".nii", ".nii.gz")
SIMPLEITK = (".nrrd", ".mha", ".mhd", ".nhdr")


def is_volume(path: str) -> bool:
    return path.lower().endswith((*NIFTI, *SIMPLEITK, ".npy", ".mat"))


def is_dicom(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name.lower().endswith((".dcm", ".dicom", ".ima")) or "." not in name


def write_image(path: Path, field: NDArray[np.float32], *, series: str | None = None, position: float = 0.0) -> None:
    """Write values in 0..1: pictures as 8 bit, volumes as int16, DICOM as uint16.

    series: text that all slices of one DICOM series share; position: millimetres along it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_volume(path.name):
        write_array(path, (field * 1000).astype(np.int16))
    elif is_dicom(path.name):
        _write_dicom(path, (field * 4000).astype(np.uint16), series or path.as_posix(), position)
    elif path.suffix.lower() in PICTURES:
        write_array(path, (field * 255).astype(np.uint8))
    else:
        raise BadInput(f"no miniature for files named {path.suffix!r}", where=str(path))


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write integers as they are; pictures take 8 bit, or 16 where the values need it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = array if array.dtype == np.int16 or array.max() > 255 else array.astype(np.uint8)
    if path.name.endswith(NIFTI):
        nib.save(nib.Nifti1Image(small, np.diag([-1.5, -1.5, 3.0, 1.0])), path)
    elif path.suffix.lower() in SIMPLEITK:
        _write_simpleitk(path, small)
    elif path.suffix == ".npy":
        np.save(path, small, allow_pickle=False)
    elif path.suffix == ".mat":
        from scipy.io import savemat

        savemat(path, {"array": small.swapaxes(0, 1)})
    elif path.suffix.lower() in PICTURES:
        Image.fromarray(small).save(path, quality=95)
    else:
        raise BadInput(f"no miniature for files named {path.suffix!r}", where=str(path))


def write_mask(path: Path, rule: MaskRule, array: NDArray[np.integer]) -> None:
    """Write a mask as the rule has it: plain, in colours, inverted, or as a sparse matrix of classes whose shape the name states."""
    if rule.sparse:
        from scipy import sparse

        classes = (1, 2)
        path = path.with_name(re.sub(r"\([^()]*\)\.npz$", f"({len(classes)}, {array.shape[0]}, {array.shape[1]}, 1).npz", path.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        sparse.save_npz(path, sparse.csr_matrix(np.stack([(array == value).ravel() for value in classes]).astype(np.uint8)))
    elif rule.colours:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.stack([array >> shift & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)).save(path)
    else:
        write_array(path, np.where(array, 0, 255).astype(np.uint8) if rule.inverted else array)


def _write_simpleitk(path: Path, array: NDArray[np.generic]) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array.T)
    image.SetSpacing([1.5, 1.5, 3.0][:array.ndim])
    sitk.WriteImage(image, str(path))


def _write_dicom(path: Path, array: NDArray[np.uint16], series: str, position: float) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    uid, group = generate_uid(entropy_srcs=[path.as_posix()]), generate_uid(entropy_srcs=[str(path.parent), series])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = CTImageStorage, uid, ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = CTImageStorage, uid, group, f"{group}.2"[:64]
    dataset.Modality, dataset.PatientID, dataset.PhotometricInterpretation = "CT", path.stem, "MONOCHROME2"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0.0, 0.0, 3.0 * position], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.InstanceNumber = [1.5, 1.5], int(position) + 1
    dataset.Rows, dataset.Columns = array.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 1, 16, 16, 15, 0
    dataset.PixelData = array.tobytes()
    dataset.save_as(path, enforce_file_format=True)
