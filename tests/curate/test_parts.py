"""Claims about patches of volumes, from the command line: what they are, what masks and predictions say of them, and that strategies choose from them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.ndimage import gaussian_filter

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, Exit, NotFound
from isocenter.core.workspace import Workspace
from isocenter.curate.explain import departures, explain
from isocenter.curate.parts_table import part_column
from isocenter.curate.predictions_volumes import PredictionFolders
from isocenter.embeddings.api import open_encoder, vectors
from isocenter.embeddings.samples import cohort_vectors, embed_cohort
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.part import Part, parse_part, part_grid

SHAPE = (12, 10, 8)
LAYOUT = """
images = "img/{case}.nii.gz"
[[masks]]
pattern = "lab/{case}.nii.gz"
labels = "own"
[[labels]]
name = "own"
mode = "exclusive"
values = { "1" = "liver", "2" = "spleen" }
"""


@pytest.fixture
def volumes(workspace: Workspace, tmp_path: Path) -> tuple[Workspace, Path]:
    """Three volumes with liver in one corner and spleen in another, and an ensemble of two that disagrees along the edge of the liver."""
    root, rng = tmp_path / "data", np.random.default_rng(0)
    for folder in ("img", "lab"):
        (root / folder).mkdir(parents=True)
    for case in "abc":
        label = np.zeros(SHAPE, np.uint8)
        label[:4, :4, :4], label[8:, 6:, 4:] = 1, 2
        for folder, array in (("img", rng.normal(size=SHAPE).astype(np.float32)), ("lab", label)):
            nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 4, 1])), root / folder / f"{case}.nii.gz")
        for member, reach in enumerate((4, 6)):
            p = np.full((3, *SHAPE), 0.005)
            liver = np.zeros(SHAPE, bool)
            liver[:reach, :4, :4] = True
            for at, mask in enumerate((~liver & (label != 2), liver, label == 2)):
                p[at][mask] = 0.99
            (tmp_path / f"fold{member}").mkdir(exist_ok=True)
            np.savez(tmp_path / f"fold{member}" / f"{case}.npz", probabilities=np.swapaxes(p, 1, 3).astype(np.float16))
    (tmp_path / "l.toml").write_text(LAYOUT)
    for line in (["adopt", "v", str(root), "--layout", str(tmp_path / "l.toml")], ["scan", "v"], ["merge", "v", "--as", "v"]):
        assert run(workspace, *line).exit_code == 0
    return workspace, tmp_path


def run(workspace: Workspace, *line: str) -> Result:
    return CliRunner().invoke(cli, [*line, "-w", str(workspace.root)], catch_exceptions=False)


def asked(workspace: Workspace, *line: str) -> dict[str, Any]:
    return json.loads(run(workspace, *line, "--json").output)


def test_the_id_of_a_part_names_its_box_and_can_be_read_back():
    part = Part("s@1/a.nii.gz", (0, 2, 4), (6, 8, 10))
    assert part.part_id == "s@1/a.nii.gz#0:6,2:8,4:10"
    assert parse_part(part.part_id) == part
    assert parse_part("s@1/a#b.nii.gz") is None


def test_every_voxel_lies_in_a_patch_and_none_reaches_beyond():
    seen = np.zeros((7, 5, 3), int)
    for part in part_grid("s", seen.shape, (4, 4, 4), (2, 4, 4)):
        seen[part.slices] += 1
        assert all(high <= side for high, side in zip(part.stop, seen.shape))
    assert seen.min() == 1


def test_patches_tell_which_terms_they_show_and_how_much_of_them_is_foreground(volumes):
    workspace, _ = volumes
    assert asked(workspace, "patches", "v", "--size", "4", "--stride", "4", "--as", "p")["patches"] == 3 * 3 * 3 * 2
    table = Cohort.open(workspace, "p")
    labels = dict(zip(table.table["sample_id"], table.table["labels"].to_list()))
    assert labels["v@unversioned/img/a.nii.gz#0:4,0:4,0:4"] == {"liver": "present", "spleen": "absent"}
    shown = dict(zip(table.table["sample_id"], part_column(workspace, table, "foreground")))
    assert shown["v@unversioned/img/a.nii.gz#0:4,0:4,0:4"] == 1.0
    assert shown["v@unversioned/img/a.nii.gz#8:12,4:8,4:8"] == 0.5


def test_sizes_in_millimetres_follow_the_spacing(volumes):
    asked(volumes[0], "patches", "v", "--size", "8", "--mm", "--number", "1", "--as", "p")
    part = parse_part(Cohort.open(volumes[0], "p").table["sample_id"][0])
    assert [high - low for low, high in zip(part.start, part.stop)] == [4, 4, 2]


@pytest.mark.parametrize("strategy", ["power-entropy", "power-bald", "softrank-bald", "clasp-pe", "kmeans-bald", "foreground-random", "random"])
def test_strategies_choose_patches_that_do_not_overlap(volumes, strategy):
    workspace, root = volumes
    folders = [word for member in (0, 1) for word in ("--predictions", str(root / f"fold{member}"))]
    asked(workspace, "patches", "v", "--size", "4", *folders, "--as", "p")
    found = asked(workspace, "select", "p", "--by", strategy, "--budget", "12", "--with", "thumbnail", "--as", "c")
    parts = [parse_part(one) for one in Cohort.open(workspace, "c").table["sample_id"]]
    assert found["samples"] == 12
    assert not any(one.overlaps(other) for at, one in enumerate(parts) for other in parts[:at])
    inside = sum(1 for part in parts for at in np.ndindex(4, 4, 4) if _foreground(*(low + step for low, step in zip(part.start, at))))
    assert found["beside"][strategy]["foreground"] == pytest.approx(inside / (3 * (64 + 64)))


def test_bald_finds_where_the_members_disagree_and_the_entropy_of_the_mean_is_there_too(volumes):
    workspace, root = volumes
    asked(workspace, "patches", "v", "--size", "2,4,4", "--stride", "2,4,4", "--predictions", str(root / "fold0"), "--predictions", str(root / "fold1"), "--as", "p")
    cohort = Cohort.open(workspace, "p")
    bald = part_column(workspace, cohort, "bald").astype(float)
    at = [one.partition("#")[2] for one in np.array(cohort.table["sample_id"].to_list())[bald > 0.1]]
    assert set(at) == {"4:6,0:4,0:4"}
    assert bald.max() == pytest.approx(np.log(2), abs=0.08)


def test_explain_counts_volumes_that_were_cut_and_names_patches_that_stayed(volumes):
    workspace, root = volumes
    asked(workspace, "patches", "v", "--size", "4", "--predictions", str(root / "fold0"), "--as", "p")
    asked(workspace, "select", "p", "--by", "random", "--budget", "3", "--as", "chosen")
    stages = {row["cohort"]: row for row in departures(workspace, Cohort.open(workspace, "chosen"))}
    assert stages["p"]["out"] == 0
    assert stages["p"]["kept"] > stages["p"]["in"]
    assert stages["chosen"]["out"] == stages["p"]["kept"] - 3
    volume = Cohort.open(workspace, "chosen").table["sample_id"][0].partition("#")[0]
    told = explain(workspace, Cohort.open(workspace, "chosen"), volume)
    assert told.kept
    assert any("in, as" in step and "patch" in step for step in told.steps)


def test_what_was_taken_in_a_round_before_is_not_offered_again(volumes):
    workspace, root = volumes
    asked(workspace, "patches", "v", "--size", "4", "--predictions", str(root / "fold0"), "--as", "p")
    asked(workspace, "select", "p", "--by", "clasp-pe", "--budget", "5", "--as", "first")
    asked(workspace, "patches", "v", "--size", "4", "--predictions", str(root / "fold0"), "--taken", "first", "--rounds", "3", "--as", "p2")
    taken = [parse_part(one) for one in Cohort.open(workspace, "first").table["sample_id"]]
    left = Cohort.open(workspace, "p2")
    assert not any(parse_part(one).overlaps(other) for one in left.table["sample_id"] for other in taken)
    assert set(part_column(workspace, left, "beta")) == {10.0}, "the second of three rounds"


def test_a_volume_without_a_prediction_is_left_out_and_named(volumes):
    workspace, root = volumes
    (root / "fold0/b.npz").unlink()
    line = ["patches", "v", "--size", "4", "--predictions", str(root / "fold0"), "--as", "p", "-w", str(workspace.root)]
    assert cli.main(line, standalone_mode=False) == Exit.ROWS_IN_ERROR
    assert "left out: v@unversioned/img/b.nii.gz no prediction b.npz" in run(workspace, *line[:-2]).output


def test_other_predictions_make_another_cohort(volumes):
    workspace, root = volumes
    line = ("patches", "v", "--size", "4", "--predictions", str(root / "fold0"), "--as", "p")
    asked(workspace, *line)
    first = Cohort.open(workspace, "p").fingerprint
    asked(workspace, *line)
    assert Cohort.open(workspace, "p").fingerprint == first
    (root / "fold0/a.npz").write_bytes((root / "fold1/a.npz").read_bytes())
    asked(workspace, *line)
    assert Cohort.open(workspace, "p").fingerprint != first


def test_features_of_a_patch_are_those_of_its_own_voxels(volumes):
    workspace, root = volumes
    asked(workspace, "patches", "v", "--size", "6", "--as", "p")
    cohort = Cohort.open(workspace, "p")
    done = embed_cohort(workspace, cohort, "thumbnail")
    assert (done.encoded, done.errors) == (len(cohort), {})
    assert embed_cohort(workspace, cohort, "thumbnail").encoded == 0
    whole = np.asarray(nib.load(root / "data/img/a.nii.gz").dataobj)
    ids, rows = cohort_vectors(workspace, cohort, done.key).read(["v@unversioned/img/a.nii.gz#3:9,0:6,2:8"])
    assert len(ids) == 1
    assert rows[0] == pytest.approx(vectors(open_encoder("thumbnail", "cpu"), [whole[3:9, 0:6, 2:8]], "xyz")[0], abs=1e-3)


def test_whole_samples_have_no_boxes_and_the_error_says_what_makes_them(volumes):
    done = CliRunner().invoke(cli, ["select", "v", "--by", "clasp-pe", "--budget", "2", "--as", "never", "-w", str(volumes[0].root)])
    assert isinstance(done.exception, BadInput)
    assert "isocenter patches" in str(done.exception.hint)


def test_predictions_are_found_by_name_read_in_every_form_and_refused_when_they_do_not_fit(tmp_path):
    truth = np.random.default_rng(1).dirichlet(np.ones(3), SHAPE).transpose(3, 0, 1, 2)
    folder = tmp_path / "p"
    (folder / "img").mkdir(parents=True)
    nib.save(nib.Nifti1Image(np.moveaxis(truth, 0, -1).astype(np.float32), np.eye(4)), folder / "n.nii.gz")
    np.save(folder / "img/d.npy", truth.astype(np.float32))
    np.savez(folder / "z.npz", probabilities=np.swapaxes(truth, 1, 3))
    nib.save(nib.Nifti1Image(truth[1].astype(np.float32), np.eye(4)), folder / "one.nii.gz")
    found = PredictionFolders([folder])
    for key in ("img/n_0000.nii.gz", "img/d.nii.gz", "other/z.nii.gz"):
        assert found.read(f"v@1/{key}", SHAPE)[0] == pytest.approx(truth, abs=1e-6)
    assert found.read("v@1/one.nii.gz", SHAPE)[0] == pytest.approx(np.stack([1 - truth[1], truth[1]]), abs=1e-6)
    with pytest.raises(BadInput, match="have one name"):
        found.read("v@1/again/z.nii.gz", SHAPE)
    with pytest.raises(BadInput, match="for a volume of"):
        found.read("v@1/one.nii.gz", (5, 5, 5))
    np.save(folder / "logits.npy", truth * 7)
    with pytest.raises(BadInput, match="sum to 1"):
        found.read("v@1/logits.nii.gz", SHAPE)
    with pytest.raises(NotFound, match="no prediction x.npz"):
        found.read("v@1/x.nii.gz", SHAPE)


def test_hippocampi_are_cut_and_uncertain_patches_lie_on_their_edge(workspace: Workspace, tmp_path: Path, extra_data: Path):
    """Real volumes; the predictions are their masks, blurred differently by two members, as nnU-Net writes them."""
    root = extra_data / "nifti/hippocampus"
    (tmp_path / "l.toml").write_text('modality = "MR"\nimages = "images/hippocampus_{case:\\\\d+}.nii.gz"\nmasks = [{ pattern = "labels/hippocampus_{case}.nii.gz", labels = "msd-hippocampus" }]\n')
    for line in (["adopt", "h", str(root), "--layout", str(tmp_path / "l.toml")], ["scan", "h"], ["merge", "h", "--as", "h"]):
        assert run(workspace, *line).exit_code == 0
    masked = sorted((root / "labels").glob("hippocampus_*.nii.gz"))[:6]
    for member, sigma in enumerate((0.8, 2.5)):
        (tmp_path / f"m{member}").mkdir()
        for file in masked:
            label = np.asarray(nib.load(file).dataobj)
            p = np.stack([gaussian_filter((label == one).astype(np.float32), sigma) for one in range(3)]) + 1e-3
            np.savez(tmp_path / f"m{member}" / file.name.replace(".nii.gz", ".npz"), probabilities=np.swapaxes(p / p.sum(0), 1, 3))
    found = asked(workspace, "patches", "h", "--size", "10", "--mm", "--predictions", str(tmp_path / "m0"), "--predictions", str(tmp_path / "m1"), "--as", "p")
    assert len(found["left_out"]) == 30 - 6
    shares = {}
    for strategy in ("clasp-pe", "softrank-bald", "foreground-random"):
        beside = asked(workspace, "select", "p", "--by", strategy, "--budget", "12", "--as", f"c-{strategy}")["beside"]
        shares[strategy] = beside[strategy]["foreground"] / max(beside["random"]["foreground"], 1e-6)
    assert shares["softrank-bald"] > 2
    assert shares["clasp-pe"] > 1.3
    assert shares["foreground-random"] > 1


def _foreground(x: int, y: int, z: int) -> bool:
    return (x < 4 and y < 4 and z < 4) or (x >= 8 and y >= 6 and z >= 4)


def test_the_commands_of_the_how_to_run_as_they_stand(volumes, monkeypatch):
    workspace, root = volumes
    monkeypatch.chdir(root)
    (root / "work").symlink_to(workspace.root)
    for number in range(3):
        (root / f"fold_{number}").symlink_to(root / f"fold{number % 2}")
    assert run(workspace, "merge", "v", "--as", "livers").exit_code == 0
    page = (Path(__file__).parents[2] / "docs/how-to/patches.md").read_text()
    lines = re.findall(r"^isocenter (.+)$", page, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        words = [word.replace("32,32,16", "4,4,4") for word in shlex.split(line.replace("--budget 40", "--budget 6").replace("--as cut ", "--as cut --force "))]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, f"{line}: {done.exception}"
    for code in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(code, {})
