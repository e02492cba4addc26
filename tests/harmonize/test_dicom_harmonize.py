"""adopt, scan, harmonize: the rows of the sample table say which series became which stored file, and why others did not."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import NotFound
from isocenter.core.workspace import Workspace
from isocenter.harmonize import store
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)
STACK = np.random.default_rng(3).integers(0, 3000, (40, 36, 6), dtype=np.int16)


@pytest.fixture
def workspace(tmp_path):
    """One good series, one with a missing slice, one of two echoes, and a NIfTI file in left-to-right order."""
    data = tmp_path / "data"
    write_series(data / "a", STACK, AXIAL, name="good")
    for path in write_series(data / "b", STACK, AXIAL, name="holed")[2:3]:
        path.unlink()

    def echo(dataset, z, t):
        dataset.EchoTime, dataset.SeriesNumber = 5.0 * (t + 1), 7

    write_series(data / "c", np.stack([STACK, STACK + 1], axis=3), AXIAL, modality="MR", name="echoes", change=echo)
    image = nib.Nifti1Image(STACK, AXIAL)
    image.header.set_slope_inter(2.0, -7.0)
    image.to_filename(data / "scan.nii.gz")
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "mini", data, layout="dicom")
    return workspace


def rows(workspace):
    return pl.read_parquet(workspace.samples("mini")).sort("sample_id").to_dicts()


def named(workspace, protocol):
    return [row for row in rows(workspace) if row["protocol"] == protocol]


def test_a_dataset_that_is_not_scanned_says_what_to_type(workspace):
    with pytest.raises(NotFound, match="isocenter scan mini"):
        harmonize(workspace, "mini")


def test_rows_name_series_and_stored_file_or_the_reason(workspace):
    scan(workspace, "mini")
    done = harmonize(workspace, "mini")
    assert (done.stored, done.kept, len(done.declined)) == (4, 0, 1)
    (good,) = named(workspace, "good")
    assert (good["series_number"], good["error"], good["orientation"]) == (1, None, "RAS")
    assert good["sample_id"] == f"mini@unversioned/{good['series_id']}"
    stored = nib.load(workspace.root / good["stored"])
    np.testing.assert_array_equal(stored.get_fdata(), nib.as_closest_canonical(nib.Nifti1Image(STACK - 1024.0, AXIAL)).get_fdata())
    (holed,) = named(workspace, "holed")
    assert holed["stored"] is None
    assert any("1 slice is missing" in issue for issue in holed["issues"])
    echoes = named(workspace, "echoes")
    assert [row["sample_id"].rsplit(".", 1)[1] for row in echoes] == ["te10", "te5"]
    assert [row["series_number"] for row in echoes] == [7, 7]
    assert np.array_equal(nib.load(workspace.root / echoes[0]["stored"]).get_fdata(), nib.load(workspace.root / echoes[1]["stored"]).get_fdata() + 1)


def test_a_volume_whose_last_slice_cannot_be_read_says_so(tmp_path):
    files = write_series(tmp_path / "data", STACK, AXIAL, name="cut")
    files[-1].write_bytes(files[-1].read_bytes()[:-100])
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "mini", tmp_path / "data", layout="dicom")
    scan(workspace, "mini")
    harmonize(workspace, "mini")
    broken, volume = sorted(rows(workspace), key=lambda row: row["error"] is None)
    assert (broken["series_id"], broken["protocol"], broken["stored"]) == (volume["series_id"], volume["protocol"], None)
    assert nib.load(volume["stored"]).shape[2] == 5
    assert any(f"{files[-1].name} was left out: pixel data cut short" in issue for issue in volume["issues"])


def test_a_nifti_file_is_turned_and_keeps_its_stored_values_and_slope(workspace):
    scan(workspace, "mini")
    harmonize(workspace, "mini")
    (row,) = [row for row in rows(workspace) if row["format"] == "nifti"]
    stored = nib.load(workspace.root / row["stored"])
    assert row["orientation"] == "RAS"
    assert (stored.dataobj.slope, stored.dataobj.inter) == (2.0, -7.0)
    np.testing.assert_array_equal(np.asarray(stored.dataobj.get_unscaled()), STACK[::-1, ::-1])


def test_harmonizing_again_converts_nothing_and_changes_nothing(workspace, monkeypatch):
    scan(workspace, "mini")
    harmonize(workspace, "mini")
    before = rows(workspace)

    def never(files, folder):
        raise AssertionError("converted again")

    monkeypatch.setattr(store, "convert_series", never)
    harmonize(workspace, "mini")
    assert rows(workspace) == before


def test_a_cut_run_goes_on_with_the_series_that_are_not_done(workspace, monkeypatch):
    scan(workspace, "mini")
    real, calls = store.convert_series, []

    def cut_after_one(files, folder):
        calls.append(files)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(files, folder)

    monkeypatch.setattr(store, "convert_series", cut_after_one)
    with pytest.raises(KeyboardInterrupt):
        harmonize(workspace, "mini")
    monkeypatch.setattr(store, "convert_series", lambda files, folder: calls.append(files) or real(files, folder))
    assert harmonize(workspace, "mini").stored == 4
    assert len(calls) == 4


def test_the_commands_print_and_exit_as_documented(workspace):
    run = CliRunner().invoke
    home = ["--workspace", str(workspace.root)]
    assert run(cli, ["scan", "mini", *home]).exit_code == 0
    asked = run(cli, ["harmonize", "mini", "--dry-run", "--json", *home])
    assert json.loads(asked.stdout) == {"series": 3, "volumes": 1, "done": 0, "geometry": None, "written": False}
    result = run(cli, ["harmonize", "mini", "--json", *home], standalone_mode=False)
    body = json.loads(result.stdout)
    assert (body["stored"], len(body["declined"]), int(result.return_value)) == (4, 1, 3)
    assert all(Path(row["stored"]).is_relative_to(workspace.root / "store" / "mini") and Path(row["stored"]).exists() for row in rows(workspace) if row["stored"])
