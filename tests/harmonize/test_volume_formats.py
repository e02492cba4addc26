"""NRRD, MetaImage and MINC volumes: read by content, stored as NIfTI in canonical orientation with the same values at the same places."""

from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest

from isocenter.core.workspace import Workspace
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

VALUES = np.random.default_rng(1).integers(-1000, 1000, (9, 8, 7)).astype(np.int16)
MINC = Path(nib.__file__).parent / "tests" / "data"


def stored(tmp_path, file):
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "one", file.parent)
    scan(workspace, "one")
    harmonize(workspace, "one")
    (row,) = [row for row in pl.read_parquet(workspace.samples("one")).to_dicts() if row["uri"] == file.name]
    assert row["issues"] == []
    return row, nib.load(workspace.root / row["stored"])


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.mhd"])
def test_itk_volumes_keep_values_and_places(tmp_path, name):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(VALUES)
    image.SetSpacing((0.8, 0.9, 2.5))
    image.SetOrigin((-10, -20, -30))
    image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    (tmp_path / "data").mkdir()
    sitk.WriteImage(image, str(tmp_path / "data" / name))
    row, found = stored(tmp_path, tmp_path / "data" / name)
    assert row["orientation"] == "RAS"
    for index in ((0, 0, 0), (3, 4, 5), (6, 7, 8)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        place = np.linalg.inv(found.affine) @ [-x, -y, z, 1]
        assert found.get_fdata()[tuple(np.round(place[:3]).astype(int))] == image[index]


@pytest.mark.parametrize("name", ["small.mnc", "tiny.mnc", "minc1_4d.mnc", "minc2_4d.mnc"])
def test_minc_volumes_keep_values_and_places_with_time_last(tmp_path, name):
    if not (MINC / name).exists():
        pytest.skip("nibabel came without its test data")
    if name.startswith("minc2") or name == "small.mnc":
        pytest.importorskip("h5py")
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / name
    file.write_bytes((MINC / name).read_bytes())
    row, found = stored(tmp_path, file)
    published = nib.load(file)
    values = published.get_fdata() if published.ndim == 3 else np.moveaxis(published.get_fdata(), 0, -1)
    expected = nib.as_closest_canonical(nib.Nifti1Image(values, published.affine))
    assert row["format"] == "minc"
    np.testing.assert_allclose(found.get_fdata(), expected.get_fdata(), atol=1e-4)
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-5)
