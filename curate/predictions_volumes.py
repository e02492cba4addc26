"""Predictions for volumes: folders of class probabilities go in, one a member of the ensemble; (members, classes, x, y, z) of a sample comes out."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, NotFound, Unreadable

ENDINGS = (".npz", ".npy", ".nii.gz", ".nii")
IMAGE_ENDING = re.compile(r"(\.nii)?\.[A-Za-z0-9]{1,5}$")
CHANNEL = re.compile(r"_\d{4}$")
NNUNET = ("probabilities", "softmax")       # what nnU-Net calls them in version 2 and 1, axes classes, z, y, x
TOLERANCE = 0.01                            # of the sum over classes: float16 and 8-bit files are welcome


class PredictionFolders:
    """Finds and reads the predictions of samples; a file bears the name of its sample's image, with or without a channel number and folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        if missing := [folder for folder in folders if not folder.is_dir()]:
            raise NotFound("no folder of predictions here", where=str(missing[0]))
        self.folders = tuple(folders)
        self._owner: dict[tuple[Path, str], str] = {}      # (file, name) -> the sample it was found for

    def read(self, sample_id: str, shape: Sequence[int]) -> NDArray[np.float32]:
        """(members, classes, x, y, z), non-negative, summing to 1 over the classes. Raises NotFound without a file, BadInput or Unreadable for another array."""
        members = [_probabilities(self._file(folder, sample_id), tuple(shape)) for folder in self.folders]
        if len({one.shape for one in members}) > 1:
            raise BadInput(f"members of the ensemble differ in shape: {', '.join(str(one.shape) for one in members)}")
        return np.stack(members)

    def _file(self, folder: Path, sample_id: str) -> Path:
        key = sample_id.partition("/")[2]
        plain, stem = IMAGE_ENDING.sub("", key), PurePosixPath(IMAGE_ENDING.sub("", key)).name
        for name in dict.fromkeys((key, plain, PurePosixPath(key).name, stem, CHANNEL.sub("", stem))):
            for ending in ENDINGS:
                if (path := folder / f"{name}{ending}").is_file():
                    if "/" not in name and self._owner.setdefault((path, stem), plain) != plain:
                        raise BadInput(f"{self._owner[path, stem]} and {plain} have one name", where=str(path), hint=f"predictions in folders as the images: {plain}{ENDINGS[0]}")
                    return path
        raise NotFound(f"no prediction {stem}{ENDINGS[0]} (or {', '.join(ENDINGS[1:])}) in {folder}")


def _probabilities(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = _nifti(path) if ".nii" in path.name else _numpy(path, shape)
    if array.shape == shape:
        array = np.stack([1 - array, array])
    if array.ndim != 4 or array.shape[1:] != shape:
        raise BadInput(f"predictions of shape {array.shape} for a volume of {shape}", where=str(path), hint="classes first in .npz and .npy, last in NIfTI; the voxels of the image as published")
    if not np.isfinite(array).all() or array.min() < -1e-6 or np.abs(array.sum(0) - 1).max() > TOLERANCE:
        raise BadInput("no class probabilities: non-negative numbers that sum to 1 over the classes", where=str(path))
    return array.astype(np.float32)


def _nifti(path: Path) -> NDArray[np.floating]:
    try:
        values = nib.load(path).get_fdata(dtype=np.float32)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise Unreadable(f"cannot be read: {error}", where=str(path)) from error
    return np.moveaxis(values, -1, 0) if values.ndim == 4 else values


def _numpy(path: Path, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """The file's array; what nnU-Net wrote, or what fits only so, has its voxels in the order z, y, x."""
    try:
        loaded = np.load(path, allow_pickle=False)
        name = "" if isinstance(loaded, np.ndarray) else next((name for name in (*NNUNET, *loaded.files) if name in loaded.files), "")
        array = np.asarray(loaded if isinstance(loaded, np.ndarray) else loaded[name], np.float32)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Unreadable(f"cannot be read: {error}", where=str(path)) from error
    turned = array.shape[-3:] == shape[::-1]
    return np.swapaxes(array, -1, -3) if turned and (name in NNUNET or array.shape[-3:] != shape) else array
