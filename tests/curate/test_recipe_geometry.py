"""A recipe's [geometry]: volumes and masks, with labels or without, go out on the grid that it names, and a nonsense is refused before anything is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli, main
from isocenter.core.errors import BadInput, IsocenterError, Refused
from isocenter.core.tables import read_header
from isocenter.core.workspace import Workspace
from isocenter.curate.build import Built, build
from isocenter.curate.export import MANIFEST, verify
from isocenter.curate.plan import plan_recipe
from isocenter.curate.recipe import read_recipe
from isocenter.harmonize.in_geometry import geometry_of

AFFINE = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
LAYOUT = """description = "made"
modality = "CT"
evidence = "made by the test"
images = "images/{case}.nii.gz"
masks = [{ pattern = "labels/{case}.nii.gz", term = "liver" }]
"""
RECIPE = """name = "{name}"
[[dataset]]
name = "made"
root = "data"
layout = "made.toml"
license = "MIT"
{geometry}
[export]
to = "{to}"
skip_unfit = true
"""
ASKED = '[geometry]\nspacing = [1, 1, 2]\norientation = "LPS"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three CT volumes; `b` has no mask, the mask of `c` lies between its image's voxels."""
    block = np.zeros((30, 28, 10), np.int16)
    block[8:20, 8:20, 3:8] = 1000
    for case, shift in (("a", 0.0), ("b", None), ("c", 0.4)):
        for folder in ("images", "labels"):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        nib.Nifti1Image(block, AFFINE).to_filename(tmp_path / f"data/images/{case}.nii.gz")
        if shift is not None:
            moved = AFFINE.copy()
            moved[0, 3] += shift
            nib.Nifti1Image((block > 0).astype(np.uint8), moved).to_filename(tmp_path / f"data/labels/{case}.nii.gz")
    (tmp_path / "made.toml").write_text(LAYOUT)
    return tmp_path


def built(home: Path, to: str, geometry: str = ASKED) -> Built:
    path = home / "r.toml"
    path.write_text(RECIPE.format(name=f"r-{to}", to=to, geometry=geometry))
    return build(Workspace.create(home / "w"), read_recipe(path))


def grids(folder: Path) -> set[tuple[tuple[float, ...], str]]:
    found = [nib.load(path) for path in folder.rglob("*.nii.gz")]
    return {(tuple(round(float(zoom), 3) for zoom in image.header.get_zooms()), "".join(nib.aff2axcodes(image.affine))) for image in found}


@pytest.mark.parametrize(("to", "number"), [("nnunet", 2), ("monai", 3), ("files", 3), ("sat-jsonl", 3)])
def test_volumes_with_and_without_labels_go_out_on_the_grid_that_was_asked_for(to: str, number: int, home: Path) -> None:
    done = built(home, to)
    folder = done.exported.folder
    assert grids(folder) == {((1.0, 1.0, 2.0), "LPS")}
    assert len(list(folder.rglob("*.nii.gz"))) == number
    assert read_header(folder / "manifest.parquet", MANIFEST)["geometry"] == {"made": {"name": "LPS-1x1x2", "orientation": "LPS", "spacing_mm": [1.0, 1.0, 2.0]}}
    assert 'name = "LPS-1x1x2"' in done.lock.read_text()


@pytest.mark.parametrize("to", ["monai", "files"])
def test_a_sample_whose_mask_cannot_come_along_stays_out_and_is_named(to: str, home: Path) -> None:
    done = built(home, to)
    assert done.left == ["made@unversioned/images/c.nii.gz is not in geometry LPS-1x1x2: a mask of it could not come along: the mask does not lie on the voxels of its image"]
    assert (done.exported.samples, done.exported.done) == (2, {"left out": 1})
    with pytest.raises(SystemExit) as left:
        main(["build", str(home / "r.toml"), "-w", str(home / "w"), "--json"])
    assert left.value.code == 3
    path = home / "r.toml"
    path.write_text(path.read_text().replace("skip_unfit = true", ""))
    with pytest.raises(Refused, match=r"is not in the geometry of its dataset[^|]*\[export\] skip_unfit = true leaves them out"):
        build(Workspace.open(home / "w"), read_recipe(path))


def test_the_same_recipe_without_geometry_exports_what_was_published(home: Path) -> None:
    built(home, "files")
    done = built(home, "files", geometry="")
    assert (done.exported.folder / "images/made/images/b.nii.gz").read_bytes() == (home / "data/images/b.nii.gz").read_bytes()
    assert (done.exported.folder / "masks/made/labels/a.nii.gz").read_bytes() == (home / "data/labels/a.nii.gz").read_bytes()
    assert geometry_of(Workspace.open(home / "w"), "made") is None
    assert "[geometry]" not in done.lock.read_text()


def test_a_second_build_resamples_nothing(home: Path) -> None:
    built(home, "monai")
    stamps = {path: path.stat().st_mtime_ns for path in (home / "w/store").rglob("*.nii.gz")}
    again = built(home, "monai")
    assert {path: path.stat().st_mtime_ns for path in (home / "w/store").rglob("*.nii.gz")} == stamps
    assert len(again.left) == 1                                # what is not in the geometry is told every time


def test_a_plan_and_a_dry_build_say_the_geometry_and_pictures_are_none_of_it(home: Path) -> None:
    Image.new("L", (8, 8)).save(home / "data/images/p.png")
    (home / "made.toml").write_text(LAYOUT.replace('"images/{case}.nii.gz"', '"images/{case}.{form:nii\\\\.gz|png}"', 1))
    path = home / "r.toml"
    path.write_text(RECIPE.format(name="r", to="monai", geometry=ASKED))
    plan = plan_recipe(Workspace.create(home / "w"), read_recipe(path))
    assert plan.geometry == {"name": "LPS-1x1x2", "orientation": "LPS", "spacing_mm": [1.0, 1.0, 2.0], "volumes": {"made": 3}}
    shown = CliRunner().invoke(cli, ["plan", str(path), "-w", str(home / "w")]).output
    assert "geometry LPS-1x1x2 (axes LPS, spacing 1 x 1 x 2 mm): 3 volumes of made" in shown
    assert "store/made/LPS-1x1x2/" in CliRunner().invoke(cli, ["build", str(path), "--dry-run", "-w", str(home / "w")]).output
    assert not (home / "w/store").exists()


@pytest.mark.parametrize(("text", "message"), [
    ("", r"\[geometry\] says nothing"), ('preset = "sat-sd"', "did you mean sat-ds"), ("spacing = 0", "spacing must be one or three numbers"), ("spacing = nan", "not nan"),
    ("spacing = [1, 1]", "is no number of millimetres or list of three"), ('spacing = "1"', "is no number of millimetres"), ('orientation = "RRS"', "'RRS' is not an orientation"),
    ('preset = "voco"\nspacing = 1', "a preset says spacing and orientation itself"), ("spacng = 1", "did you mean spacing"), ("spacing = 1000", "from 0.001 to 100"),
])
def test_a_geometry_that_cannot_be_is_refused_before_anything_is_scanned(text: str, message: str, home: Path) -> None:
    with pytest.raises(IsocenterError, match=message) as error:
        built(home, "monai", f"[geometry]\n{text}\n")
    assert str(home / "r.toml") in str(error.value)
    assert Workspace.open(home / "w").sources() == []


def test_an_export_that_only_names_files_takes_no_geometry(home: Path) -> None:
    with pytest.raises(IsocenterError, match="only names the published files"):
        built(home, "parquet")


def test_an_export_of_an_earlier_format_is_answered_by_what_to_type(home: Path) -> None:
    folder = built(home, "files").exported.folder
    (folder / "checksums.txt").unlink()                        # as exports were before they listed their files
    mark = json.loads((folder / "export.json").read_text())
    (folder / "export.json").write_text(json.dumps({key: mark[key] for key in ("cohort", "fingerprint", "finished")}))
    with pytest.raises(BadInput, match="an earlier isocenter wrote this export") as error:
        built(home, "files")
    assert f"rm -r {folder}" in str(error.value)
    shutil.rmtree(folder)
    assert verify(built(home, "files").exported.folder) == []


def test_a_table_of_an_earlier_format_is_written_anew(home: Path) -> None:
    folder = built(home, "files").exported.folder
    pl.DataFrame({"sample_id": ["old"]}).write_parquet(folder / "manifest.parquet")
    assert verify(folder) != []
    assert verify(built(home, "files").exported.folder) == []
