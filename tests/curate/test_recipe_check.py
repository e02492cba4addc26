"""A recipe that cannot be built is refused before anything is read, with all of its faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, IsocenterError, NotFound, Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.build import build
from isocenter.curate.demo import prepare
from isocenter.curate.plan import plan_recipe
from isocenter.curate.recipe import read_recipe
from isocenter.curate.shares import shares_of

HEAD = '[[dataset]]\nname = "a"\nroot = "a"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    return tmp_path / "r.toml"


@pytest.mark.parametrize(("text", "message"), [
    ('[split]\nratio = { train = "0.8" }', r"\[split\]: ratio = {'train': '0.8'} is no table of side = number"), ("[split]\nratio = 0.8", r"ratio = \{ train = 0.8"),
    ("[split]\nratio = { train = 0.0 }", "is no table of side = number"), ('[split]\nput = { test = [["x"]] }', "is no table of side = values"),
    ('[select]\nbudget = "10"', "is no number above 0"), ("[select]\nbudget = -1", "is no number above 0"), ("[select]\nbudget = 0.5", "selects nothing"),
    ('[select]\nbudget = 5\nlimits = ["sex>5"]', "'sex>5' is no limit"), ("[select]\nbudget = 5\nlimits = [5]", "list of texts"), ("[select]\nbudget = true", "number"),
    ('[select]\nbudget = "0%"', "is no number above 0, or share"), ('[select]\nbudget = "10%"\nspend = "bytes"', "a budget of 10% counts samples, not bytes"),
    ('[merge]\nuncertain = "maybe"', "uncertain: default = 'maybe'"), ("[merge]\nsettle = { x = 1 }", "table of name = text"), ('use = "resale"', "use = 'resale'"),
])
def test_what_is_no_value_is_refused_when_the_recipe_is_read(text: str, message: str, path: Path) -> None:
    path.write_text(f"{text}\n{HEAD}" if text.startswith("use") else f"{HEAD}{text}\n")
    with pytest.raises(IsocenterError, match=message):
        read_recipe(path)


@pytest.mark.parametrize(("text", "message"), [
    ('[dataset]\nname = "a"\nroot = "a"\n', r"\[\[dataset\]\] with two brackets"), ("dataset = 3\n", "with name and root"), (f"merge = 3\n{HEAD}", r"\[merge\] on a line of its own"),
])
def test_a_section_that_is_none_is_told_how_to_write_it(text: str, message: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_recipe(path)


@pytest.mark.parametrize(("text", "message"), [
    ('[select]\nbudget = 5\nby = "k-centre"', "did you mean k-center"), ('[select]\nbudget = 5\nencoder = "thumbnial"', "no encoder named 'thumbnial'"),
    ('[select]\nbudget = 5\non = "sexx"', "did you mean sex"), ('[select]\nbudget = 5\nlimits = ["modalty=CT>=1"]', "did you mean modality"),
    ('[select]\nbudget = 5\ninclude = "ids.txt"', "no file ids.txt"), ('[split]\nkeep = "old.split"', "no cohort 'old.split'"), ('[split]\nstratify = ["laebl"]', "did you mean label"),
    ('[export]\nto = "file"', "no exporter named 'file'"), ('[export]\nidentifying = "keeep"', "identifying = 'keeep'"), ('[export]\nagainst = ["bench"]', "no cohort 'bench'"),
    ('[merge]\nspace = "s.toml"', "no label space"), ("[merge]\nwhere = \"modalty = 'CT'\"", r"\[merge\] where: samples have no column 'modalty'[^|]*did you mean modality"),
    ('[merge]\nwhere = "age >"', r"\[merge\] where: the condition is not valid"),
])
@pytest.mark.parametrize("verb", [plan_recipe, build])
def test_names_are_looked_up_before_anything_is_scanned(verb, text: str, message: str, path: Path, workspace: Workspace) -> None:  # type: ignore[no-untyped-def]
    path.write_text(f"{HEAD}{text}\n")
    with pytest.raises(IsocenterError, match=message):
        verb(workspace, read_recipe(path))
    assert workspace.sources() == []


def test_all_faults_are_told_at_once(path: Path, workspace: Workspace) -> None:
    path.write_text('seed = "one"\nuse = "x"\n[select]\nby = 3\n')
    with pytest.raises(BadInput) as error:
        read_recipe(path)
    assert [word in str(error.value) for word in ("5 things", "seed = 'one'", "local, share", "by = 3", "lacks a budget", "names no dataset")] == [True] * 6
    path.write_text('[[dataset]]\nname = "a"\nroot = "nowhere"\nlayout = "nort"\n[select]\nbudget = 5\nby = "k-centre"\n[export]\nto = "parkett"\n')
    with pytest.raises(BadInput, match="did you mean parquet") as error:
        build(workspace, read_recipe(path))
    assert [word in str(error.value) for word in ("4 things", "no layout 'nort'", "did you mean k-center", "nowhere, which is not there")] == [True] * 4


def test_wrong_types_and_names_that_nobody_has_are_told_together(path: Path, workspace: Workspace) -> None:
    path.write_text('seed = "one"\n[[dataset]]\nname = "a"\nroot = "a"\nlayout = "nort"\n[[dataset]]\nname = "b"\nroot = "a"\nlayout = "nort"\nterms = { 1 = "livr" }\n'
                    '[merge]\nwhere = "modalty is null"\n[split]\nratio = { train = 0.8, val = 0.1, test = 0.3 }\n[select]\nbudget = 5\nlimits = ["sex>5"]\nby = "k-centre"\n[export]\nto = "parkett"\n')
    for verb in ("plan", "build"):
        told = CliRunner().invoke(cli, [verb, str(path), "-w", str(workspace.root)]).exception
        said = ("9 things", "seed = 'one'", "dataset a: no layout", "dataset b: no layout", "dataset b: the vocabulary has no term 'livr'", "samples have no column 'modalty'", "sum to 1.2", "sex>5", "did you mean k-center", "did you mean parquet")
        assert [text for text in said if text not in str(told)] == [], str(told)
    assert workspace.sources() == []


@pytest.mark.parametrize(("ratio", "shares"), [({"train": 8, "val": 1, "test": 1}, [0.8, 0.1, 0.1]), ({"one": 0.33, "two": 0.33, "three": 0.33}, [1 / 3] * 3), ({"train": 1.0}, [1.0])])
def test_shares_sum_to_one_and_whole_numbers_are_weights(ratio: dict[str, float], shares: list[float]) -> None:
    assert list(shares_of(ratio).values()) == pytest.approx(shares)
    for wrong in ({"train": 0.8, "val": 0.1, "test": 0.3}, {"train": 0.5, "test": 0.4}, {"train": 1.5, "test": 1}, {"train": -1, "test": 2}, {}):
        with pytest.raises(BadInput):
            shares_of(wrong)


def test_a_folder_that_is_looked_for_in_vain_is_named(path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text('[[dataset]]\nname = "a"\nroot = "$ISOCENTER_TRY"\n')
    with pytest.raises(NotFound, match=r"a \(\$ISOCENTER_TRY is not set\)"):
        build(workspace, read_recipe(path))
    monkeypatch.setenv("ISOCENTER_TRY", "/nowhere")
    with pytest.raises(NotFound, match=r"a \(\$ISOCENTER_TRY is /nowhere, which is not there\)"):
        build(workspace, read_recipe(path))
    assert plan_recipe(workspace, read_recipe(path)).members[0]["reason"] == "no local copy ($ISOCENTER_TRY is /nowhere, which is not there)"


def test_a_recipe_that_is_not_there_is_answered_by_the_one_beside_it(path: Path) -> None:
    path.write_text(HEAD)
    with pytest.raises(NotFound, match=r"isocenter plan .*r\.toml"):
        read_recipe(path.with_name("rr.toml"))
    with pytest.raises(NotFound, match="a folder, not a recipe"):
        read_recipe(path.parent)


def test_a_licence_stops_a_build_before_copies_are_looked_for_and_stands_in_the_plan(workspace: Workspace) -> None:
    recipe, _ = prepare(workspace)
    head, _, rest = recipe.read_text().partition('[[dataset]]\nname = "pydicom"')
    text = (head + "[merge]" + rest.partition("[merge]")[2]).replace('use = "local"', 'use = "commercial"')
    recipe.write_text(text)
    with pytest.raises(Refused, match="south: CC-BY-NC-4.0"):
        build(workspace, read_recipe(recipe))
    assert workspace.cohorts() == ["demo.merged"]
    assert "use 'commercial' is not allowed" in plan_recipe(workspace, read_recipe(recipe)).conflicts[0]
    recipe.write_text(text.replace("budget = 60", 'budget = 6\nonly_license = ["CC-BY-4.0"]'))
    assert plan_recipe(workspace, read_recipe(recipe)).conflicts == []


def test_a_budget_may_be_a_share_of_what_is_left_to_select_from(path: Path, workspace: Workspace) -> None:
    for number in range(10):
        Image.new("L", (8, 8), 20 * number).save(path.parent / f"a/{number}.png")
    path.write_text(f'{HEAD}[select]\nbudget = "30%"\nby = "random"\n[export]\nto = "parquet"\n')
    assert build(workspace, read_recipe(path)).cohorts["r.selected"] == 3


def test_a_plan_tells_licences_by_sample_what_a_build_lacks_and_whose_findings_it_cites(path: Path, workspace: Workspace) -> None:
    Image.new("L", (8, 8)).save(path.parent / "a/1.png")
    Image.new("L", (8, 8), 9).save(path.parent / "a/2.png")
    (path.parent / "a/t.csv").write_text("file,license\n1.png,CC0-1.0\n2.png,CC BY 4.0\n")
    path.with_name("l.toml").write_text('images = "{file}"\n[[tables]]\nname = "t"\nfile = "t.csv"\non = "{file}"\ncolumns = { license = "license" }\n')
    path.write_text('[[dataset]]\nname = "a"\nroot = "a"\nlayout = "l.toml"\ndataset = "covid-chestxray-dataset"\n[[dataset]]\nname = "b"\nroot = "nowhere"\n')
    plan = plan_recipe(workspace, read_recipe(path))
    assert plan.members[0]["license"] == "per sample: 2 licences"
    assert all(text.startswith("a: published about ") for text in plan.warnings if "leakage-report" in text)
    shown = CliRunner().invoke(cli, ["plan", str(path), "-w", str(workspace.root)]).output
    assert shown.splitlines()[-1] == f"next: isocenter build {path} --data b=/path/you/have --workspace {workspace.root}"


@pytest.mark.parametrize("verb", [plan_recipe, build])
def test_members_that_would_be_one_dataset_by_their_layout_are_told_before_the_scan(verb, path: Path, workspace: Workspace) -> None:  # type: ignore[no-untyped-def]
    path.with_name("l.toml").write_text('images = "{file}.png"\ndataset = "lits"\n')
    two = HEAD + 'layout = "l.toml"\n[[dataset]]\nname = "b"\nroot = "a"\nlayout = "l.toml"\n'
    path.write_text(two)
    with pytest.raises(BadInput, match=r"b and a would both be lits.*") as error:
        verb(workspace, read_recipe(path))
    assert 'dataset = "b"' in str(error.value)
    assert workspace.sources() == []
    path.write_text(two + 'dataset = "b"\n[export]\nto = "parquet"\n')
    Image.new("L", (8, 8)).save(path.parent / "a/1.png")
    verb(workspace, read_recipe(path))
    assert workspace.sources() == ["a", "b"]


def test_a_recipe_that_names_no_layout_recognises_the_form_as_adopt_does(path: Path, workspace: Workspace) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (path.parent / "a" / folder).mkdir()
    for case in ("one", "two"):
        Image.new("L", (8, 8), 100).save(path.parent / f"a/imagesTr/{case}_0000.png")
        Image.new("L", (8, 8), 1).save(path.parent / f"a/labelsTr/{case}.png")
    (path.parent / "a/dataset.json").write_text('{"labels": {"background": 0, "liver": 1}}')
    path.write_text(HEAD)
    plan = plan_recipe(workspace, read_recipe(path))
    assert (plan.members[0]["layout"], plan.coverage["liver"]["present"]) == ("nnunet", 2)
    path.write_text(HEAD + 'layout = "folder"\n')
    assert plan_recipe(workspace, read_recipe(path)).members[0]["samples"] == 4
    done = build(workspace, read_recipe(path))
    assert done.cohorts == {"r.merged": 4}
    path.write_text(HEAD)
    assert build(workspace, read_recipe(path)).cohorts == {"r.merged": 2}


def test_a_recipe_is_told_which_published_dataset_its_folder_looks_like(path: Path, workspace: Workspace) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (path.parent / "a" / folder).mkdir()
        (path.parent / "a" / folder / "spleen_2.nii.gz").write_bytes(b"")
    path.write_text(HEAD)
    assert 'a: looks like layout msd09-spleen, which the recipe can name: layout = "msd09-spleen"' in plan_recipe(workspace, read_recipe(path)).warnings
