"""harmonize --spacing/--orientation/--preset: images and masks come onto one grid, values stay what they are, and there is a way back."""

import json

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, UsageError
from isocenter.core.workspace import Workspace
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.geometry import Grid, resample_onto
from isocenter.harmonize.geometry.choice import choose
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

LPS = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
LAYOUT = """description = "made"
modality = "CT"
evidence = "made by the test"
seen_on_real_data = false
images = "images/{case}.nii.gz"
masks = [{ pattern = "labels/{case}.nii.gz", labels = "msd-hippocampus" }]
"""


def ball(shape=(40, 36, 16), radius=8.0):
    x, y, z = np.indices(shape)
    return (np.sqrt(((x - 20) * 0.8) ** 2 + ((y - 18) * 0.8) ** 2 + ((z - 8) * 2.5) ** 2) < radius).astype(np.uint8)


@pytest.fixture
def workspace(tmp_path):
    """Two CT volumes with a mask each; the second mask lies on another lattice than its image."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "labels").mkdir()
    for case, shift in (("a", 0.0), ("b", 0.4)):
        image = nib.Nifti1Image(ball().astype(np.int16) * 1000, LPS)
        image.header.set_slope_inter(1.0, -1024.0)
        image.to_filename(tmp_path / "data" / "images" / f"{case}.nii.gz")
        moved = LPS.copy()
        moved[0, 3] += shift
        nib.Nifti1Image(ball() * 2, moved).to_filename(tmp_path / "data" / "labels" / f"{case}.nii.gz")
    (tmp_path / "made.toml").write_text(LAYOUT)
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "made", tmp_path / "data", layout=str(tmp_path / "made.toml"))
    scan(workspace, "made")
    return workspace


def row_of(workspace, case):
    (row,) = [row for row in pl.read_parquet(workspace.samples("made")).to_dicts() if row["uri"].endswith(f"{case}.nii.gz")]
    return row


def masks_of(workspace, row):
    table = pl.read_parquet(workspace.annotations("made"))
    return table.filter((pl.col("sample_id") == row["sample_id"]) & (pl.col("state") == "present")).to_dicts()


def test_image_and_mask_share_a_grid_and_hounsfield_units_stay(workspace):
    done = harmonize(workspace, "made", choose(spacing_mm=[1.0], orientation="LPS"))
    row = row_of(workspace, "a")
    mask, *_ = masks_of(workspace, row)
    image, label = nib.load(workspace.root / row["stored"]), nib.load(workspace.root / mask["uri"])
    assert (row["spacing_mm"], row["orientation"], row["stored"]) == ([1.0, 1.0, 1.0], "LPS", str(workspace.root / "store/made/LPS-1x1x1/images/a.nii.gz"))
    assert image.shape == label.shape
    np.testing.assert_allclose(image.affine, label.affine)
    assert (image.get_fdata().min(), image.get_fdata().max()) == (-1024.0, -24.0)
    assert set(np.unique(label.get_fdata())) == {0, 2}
    assert (label.get_fdata() == 2).sum() == pytest.approx(ball().sum() * 0.8 * 0.8 * 2.5, rel=0.02)
    assert done.turned == 1


def test_a_mask_on_another_lattice_is_left_with_the_reason(workspace):
    done = harmonize(workspace, "made", choose(spacing_mm=[1.0]))
    assert done.left == {"labels/b.nii.gz": "the mask does not lie on the voxels of its image"}
    mask, *_ = masks_of(workspace, row_of(workspace, "b"))
    assert mask["uri"] == "labels/b.nii.gz"


def test_the_way_back_leads_onto_the_stored_volume(workspace):
    harmonize(workspace, "made", choose(preset="sat-ds"))
    row = row_of(workspace, "a")
    stored = workspace.root / row["stored"]
    way = json.loads((stored.parent / "a.inverse.json").read_text())
    mask, *_ = masks_of(workspace, row)
    label = nib.load(workspace.root / mask["uri"])
    back = resample_onto(np.asarray(label.dataobj), label.affine, Grid.from_json(way["grid"]), kind="mask")
    assert back.shape == (40, 36, 16)
    published = nib.as_closest_canonical(nib.Nifti1Image(ball() * 2, LPS))
    assert (back != np.asarray(published.dataobj)).mean() < 0.02


def test_without_a_geometry_the_published_masks_and_the_canonical_volume_are_named_again(workspace):
    before = pl.read_parquet(workspace.annotations("made"))
    harmonize(workspace, "made", choose(preset="sat-ds"))
    harmonize(workspace, "made", choose(preset="voco"))
    harmonize(workspace, "made")
    assert pl.read_parquet(workspace.annotations("made")).equals(before)
    assert row_of(workspace, "a")["stored"] == str(workspace.root / "store/made/images/a.nii.gz")


def test_the_presets_of_nnunet_take_the_datasets_own_spacing(workspace):
    harmonize(workspace, "made", choose(preset="nnu-net"))
    np.testing.assert_allclose(row_of(workspace, "a")["spacing_mm"], [0.8, 0.8, 2.5], rtol=1e-6)


def test_dicom_series_come_into_the_same_geometry(tmp_path):
    write_series(tmp_path / "data", ball().astype(np.int16) * 1000, LPS)
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "made", tmp_path / "data", layout="dicom")
    scan(workspace, "made")
    harmonize(workspace, "made", choose(spacing_mm=[2.0, 2.0, 2.0]))
    (row,) = pl.read_parquet(workspace.samples("made")).to_dicts()
    assert row["spacing_mm"] == [2.0, 2.0, 2.0]
    assert nib.load(workspace.root / row["stored"]).get_fdata().min() == -1024


@pytest.mark.parametrize(("asked", "error"), [
    ({"preset": "sat-ds", "spacing_mm": [1.0]}, UsageError), ({"spacing_mm": [1.0, 2.0]}, BadInput), ({"spacing_mm": [0.0]}, BadInput), ({"orientation": "RRS"}, BadInput),
])
def test_what_cannot_be_asked_is_refused(asked, error):
    with pytest.raises(error):
        choose(**asked)


def test_the_command_says_what_was_left(workspace):
    result = CliRunner().invoke(cli, ["harmonize", "made", "--spacing", "1,1,3", "--json", "--workspace", str(workspace.root)], standalone_mode=False)
    body = json.loads(result.output)
    assert (body["stored"], body["turned"], list(body["left"]), int(result.return_value)) == (2, 1, ["labels/b.nii.gz"], 3)
