"""The merge of a recipe: plan lists what it stops at, build stops there, an answer by name goes on and is written down."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from isocenter.core.errors import BadInput, Conflict
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.build import build
from isocenter.curate.export_terms import Terms
from isocenter.curate.plan import plan_recipe
from isocenter.curate.recipe import read_recipe
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge_ledger import MERGE_LEDGER
from isocenter.harmonize.space import space_of

NAME = "hearts: segbook-task013-acdc or acdc"
RECIPE = """name = "hearts"
[[dataset]]
name = "hearts"
root = "hearts"
dataset = "acdc"
layout = "hearts.toml"
license = "CC0-1.0"
[merge]
space = "space.toml"
uncertain = { myocardium = "ones" }
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "hearts").mkdir()
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[0, 0] = 3
    for name, array in (("a.nii.gz", np.arange(64, dtype=np.int16).reshape(4, 4, 4)), ("a_seg.nii.gz", mask)):
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "hearts" / name)
    (tmp_path / "hearts.toml").write_text('images = "{case:[a-z]}.nii.gz"\nmasks = [{ pattern = "{case}_seg.nii.gz", labels = "segbook-task013-acdc" }]\n')
    (tmp_path / "space.toml").write_text('terms = ["left ventricular myocardium"]\n')
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_plan_lists_the_disagreement_with_the_line_that_settles_it_and_build_stops_there(workspace: Workspace, recipe: Path) -> None:
    plan = plan_recipe(workspace, read_recipe(recipe))
    assert plan.conflicts[0].splitlines()[-1].endswith(f'[merge.settle]: "{NAME}" = "segbook-task013-acdc"')
    with pytest.raises(Conflict, match="left ventricular myocardium in map 'segbook-task013-acdc' and left heart ventricle in map 'acdc'"):
        build(workspace, read_recipe(recipe))


def test_an_answer_by_name_builds_and_stands_in_lock_and_ledger_of_the_export(workspace: Workspace, recipe: Path) -> None:
    recipe.write_text(f'{RECIPE}[merge.settle]\n"{NAME}" = "segbook-task013-acdc"\n')
    assert plan_recipe(workspace, read_recipe(recipe)).conflicts == []
    built = build(workspace, read_recipe(recipe))
    lock = tomllib.loads(built.lock.read_text())["merge"]
    assert (lock["terms"], lock["uncertain"], lock["settled"]) == (["left ventricular myocardium"], {"default": "keep", "myocardium": "ones"}, {NAME: "segbook-task013-acdc"})
    ledger = read_table(built.exported.folder / "merge_ledger.parquet", MERGE_LEDGER)
    row = ledger.row(by_predicate=(pl.col("raw_value") == "3") & (pl.col("fate") == "carried"), named=True)
    assert (row["targets"], row["voxels"], row["note"]) == (["left ventricular myocardium"], 4, f"settled: {NAME} = segbook-task013-acdc")


def test_the_other_answer_reads_the_masks_by_the_other_map(workspace: Workspace, recipe: Path) -> None:
    recipe.write_text(f'{RECIPE.replace("space.toml", "union")}[merge.settle]\n"{NAME}" = "acdc"\n')
    built = build(workspace, read_recipe(recipe))
    cohort = Cohort.open(workspace, "hearts.merged")
    assert dict(cohort.table["labels"][0])["left heart ventricle"] == "present"
    assert "left ventricular myocardium" not in dict(cohort.table["labels"][0])
    assert cohort.header["settled"] == {NAME: "acdc"}
    assert built.warnings == []
    ledger = read_table(built.exported.folder / "merge_ledger.parquet", MERGE_LEDGER)
    assert set(ledger["label_map"]) == {"acdc"}


@pytest.mark.parametrize("answer", ["segbook-task013-acdc", "acdc"])
def test_a_misspelt_answer_stops_plan_and_build_with_the_name_that_was_meant(workspace: Workspace, recipe: Path, answer: str) -> None:
    recipe.write_text(f'{RECIPE}[merge.settle]\n"{NAME.replace("task013", "task13")}" = "{answer}"\n')
    first = plan_recipe(workspace, read_recipe(recipe)).conflicts[0]
    assert first.startswith("[merge.settle]: there is no disagreement 'hearts: segbook-task13-acdc or acdc'")
    assert first.endswith(f"a build stops here; did you mean {NAME}?")
    with pytest.raises(BadInput, match="there is no disagreement"):
        build(workspace, read_recipe(recipe))
    assert workspace.cohorts() == []


def test_an_answer_for_a_dataset_that_is_not_here_is_only_mentioned_by_the_plan(workspace: Workspace, recipe: Path) -> None:
    recipe.write_text(f'{RECIPE}[merge.settle]\n"{NAME}" = "segbook-task013-acdc"\n"lungs: a or b" = "a"\n[[dataset]]\nname = "lungs"\nroot = "nowhere"\n')
    plan = plan_recipe(workspace, read_recipe(recipe))
    assert plan.conflicts == []
    assert "[merge.settle]: there is no disagreement 'lungs: a or b' among the datasets that are here" in plan.warnings


def test_another_space_in_the_same_file_makes_another_merge(workspace: Workspace, recipe: Path) -> None:
    recipe.write_text(f'{RECIPE}[merge.settle]\n"{NAME}" = "segbook-task013-acdc"\n')
    build(workspace, read_recipe(recipe), recipe.parent / "first")
    (recipe.parent / "space.toml").write_text('terms = ["heart ventricle"]\n')
    build(workspace, read_recipe(recipe), recipe.parent / "second")
    assert Cohort.open(workspace, "hearts.merged").header["space"]["terms"] == ["heart ventricle"]


@pytest.mark.parametrize(("lines", "message"), [("uncertain = 3", "uncertain = 3"), ("settled = {}", "did you mean settle")])
def test_a_wrong_key_of_the_merge_is_refused_when_the_recipe_is_read(recipe: Path, lines: str, message: str) -> None:
    recipe.write_text(RECIPE.replace("uncertain = { myocardium = \"ones\" }", lines))
    with pytest.raises(BadInput, match=message):
        read_recipe(recipe)


def test_the_voxels_of_a_structure_are_voxels_of_the_whole_that_was_asked_for_and_the_rest_is_not_known() -> None:
    terms = Terms.of({"space": space_of({"a": ["left heart ventricle", "spleen"]}, "ancestors:heart").plain()})
    assert terms.sources("heart", {"left heart ventricle", "spleen"}) == {"left heart ventricle"}
    assert terms.complete({"left heart ventricle"}) == frozenset()
