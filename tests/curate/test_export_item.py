"""What an exporter decodes is the sample itself: the volume that its key names of several in one series, the array inside its file, the volume in its geometry."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.core.workspace import Workspace
from isocenter.curate.export_gather import Items
from isocenter.curate.pseudonym import open_pseudonyms
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.geometry.choice import choose
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
SERIES = np.random.default_rng(4).integers(0, 3000, (24, 20, 5, 3), dtype=np.int16)


def items(workspace: Workspace) -> Items:
    scan(workspace, "d")
    return Items(workspace, merge(workspace, ["d"], name="all"), open_pseudonyms(workspace, None))


def test_every_volume_of_a_series_is_decoded_by_its_own_key_under_its_pseudonym(workspace: Workspace, tmp_path: Path) -> None:
    def change(dataset, z, t):  # type: ignore[no-untyped-def]
        dataset.EchoTime = 5.0 * (t + 1)

    write_series(tmp_path / "data", SERIES, AXIAL, modality="MR", change=change)
    adopt(workspace, "d", tmp_path / "data", layout="dicom")
    found = list(items(workspace))
    assert len(found) == 3
    for item in found:
        echo = {"te5": 0, "te10": 1, "te15": 2}[item.sample_id.rsplit(".", 1)[1]]
        np.testing.assert_array_equal(item.pixels(), SERIES[..., echo].swapaxes(0, 1))


def test_a_picture_inside_a_file_of_arrays_is_that_picture(workspace: Workspace, tmp_path: Path) -> None:
    pictures = np.arange(2 * 8 * 9, dtype=np.uint8).reshape(2, 8, 9)
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data/x.npz", train_images=pictures, train_labels=np.zeros(2))
    adopt(workspace, "d", tmp_path / "data")
    np.testing.assert_array_equal([item.pixels() for item in items(workspace)], pictures)


def test_a_volume_in_its_geometry_is_the_stored_one(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    nib.Nifti1Image(SERIES[..., 0], AXIAL).to_filename(tmp_path / "data/v.nii")
    adopt(workspace, "d", tmp_path / "data")
    scan(workspace, "d")
    harmonize(workspace, "d", choose(spacing_mm=[2.0]))
    (item,) = items(workspace)
    assert (item.files[0][1], item.row["format"], item.row["spacing_mm"]) == ("v.nii.gz", "nifti", [2.0, 2.0, 2.0])
    assert list(item.pixels().shape) == list(item.row["shape"])
