"""What leaves carries no id of a person, no date and no path of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pydicom
import pytest

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export import Wishes, export
from isocenter.curate.export_manifest import public_recipe
from isocenter.curate.export_names import NAMES
from isocenter.curate.pseudonym import key_path, open_pseudonyms
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

CLEAN = Wishes(identifying="clean")


def test_no_id_no_date_and_no_key_is_in_any_byte_of_an_export(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    rows = named.samples(workspace, ["patient_id", "study_id", "series_id"])
    secrets = [value for column in ("patient_id", "study_id", "series_id") for value in rows[column]] + ["18431010", "Lovelace", key_path(workspace).name, str(tmp_path)]
    export(workspace, named, folder=tmp_path / "out", wishes=CLEAN)
    secrets[-2] = key_path(workspace).read_text().strip()
    for path in (tmp_path / "out").rglob("*"):
        text = str(path.relative_to(tmp_path)).encode() + (path.read_bytes() if path.is_file() else b"")
        assert not [secret for secret in secrets if secret.encode() in text], path
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    assert manifest.select(pl.col("patient", "study", "series").n_unique()).row(0) == (2, 2, 2)
    assert "LOV" not in str(pydicom.dcmread(tmp_path / "out" / manifest["path"][0]).get("StudyDescription"))


def test_pixels_and_geometry_survive_the_pseudonyms_and_uids_stay_consistent(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, named, folder=tmp_path / "out", wishes=CLEAN)
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    ours = [[pydicom.dcmread(tmp_path / "out" / name) for name in files] for files in manifest["files"]]
    theirs = [sorted((pydicom.dcmread(path) for path in (tmp_path / "dicom" / case).iterdir()), key=lambda one: float(one.ImagePositionPatient[2])) for case in "ab"]
    assert [len({one.SeriesInstanceUID for one in series}) for series in ours] == [1, 1]
    assert len({one.SOPInstanceUID for series in ours for one in series}) == 6
    flat = {one.pixel_array.tobytes() for series in theirs for one in series}
    assert {one.pixel_array.tobytes() for series in ours for one in series} == flat
    for series in ours:
        assert [float(one.ImagePositionPatient[2]) for one in series] == sorted(float(one.ImagePositionPatient[2]) for one in series)


def test_dates_stay_when_asked(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, named, folder=tmp_path / "out", wishes=Wishes(identifying="clean", keep_dates=True))
    assert "18431010" in {pydicom.dcmread(path).get("StudyDate") for path in (tmp_path / "out").rglob("*.dcm")}


def test_pseudonyms_depend_on_the_key_and_lead_back_only_in_the_workspace(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, films, folder=tmp_path / "one")
    (tmp_path / "key").write_text("a key of some forty characters, kept safe")
    export(workspace, films, folder=tmp_path / "two", wishes=Wishes(pseudonym_key=tmp_path / "key"))
    one, two = (pl.read_parquet(tmp_path / name / "manifest.parquet")["patient"].to_list() for name in ("one", "two"))
    assert one[0] == one[1]
    assert len({*one, *two}) == 6
    names = read_table(workspace.root / "pseudonyms/all.parquet", NAMES)
    assert dict(names.select("patient", "patient_id").iter_rows()) == dict(zip(two, ["anna17", "anna17", "bert23", "carl42"]))
    assert key_path(workspace).stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("abc")
    with pytest.raises(BadInput, match="can be guessed"):
        open_pseudonyms(workspace, tmp_path / "short")
    with pytest.raises(NotFound, match="no key file"):
        open_pseudonyms(workspace, tmp_path / "nowhere")


def test_published_names_are_concealed_when_asked(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, films, folder=tmp_path / "out", wishes=Wishes(conceal_names=True))
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    patient = open_pseudonyms(workspace).of("films", "patient", "bert23")
    assert manifest.row(2, named=True)["path"] == f"images/films/{patient}_2.png"
    assert not [path for path in (tmp_path / "out").rglob("*") if "bert23" in path.name]


def test_a_recipe_leaves_without_the_folders_of_this_machine() -> None:
    text = '[[dataset]]\nname = "a"\nroot = "/home/me/ct data"\n[[dataset]]\nroot = "$B"\n  root = \'~/x\'\n'
    assert public_recipe(text) == '[[dataset]]\nname = "a"\nroot = "$CT_DATA"\n[[dataset]]\nroot = "$B"\n  root = "$X"\n'


def test_drawn_masks_go_out_on_their_volume_and_under_no_uid(extra_data: Path, workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "rt", extra_data / "dicom/rt_utils_ct_rtstruct", layout="dicom", license="MIT")
    scan(workspace, "rt")
    harmonize(workspace, "rt")
    merge(workspace, ["rt"], name="rt-all")
    export(workspace, Cohort.open(workspace, "rt-all"), folder=tmp_path / "files", wishes=CLEAN)
    marks = pl.read_parquet(tmp_path / "files/annotations.parquet")
    assert sorted(set(marks["raw"])) == ["ROI-1", "ROI-2", "ROI-3", "ROI-4"]
    assert all((tmp_path / "files" / uri).is_file() and "." not in uri.removesuffix(".nii.gz") for uri in marks["uri"])
    export(workspace, Cohort.open(workspace, "rt-all"), to="nnunet", folder=tmp_path / "nnunet", wishes=CLEAN)
    assert json.loads((tmp_path / "nnunet/dataset.json").read_text())["labels"] == {"background": 0, "ROI-1": 1, "ROI-2": 2, "ROI-3": 3, "ROI-4": 4}
