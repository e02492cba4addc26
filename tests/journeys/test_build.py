"""From recipe to corpus: the demo's recipe, killed and run again, and the chest X-ray recipe on real films."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import tomli_w

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.build import FILES, build
from isocenter.curate.demo import prepare
from isocenter.curate.export import MANIFEST, verify
from isocenter.curate.groups import GROUPS, PAIRS
from isocenter.curate.plan import plan_recipe
from isocenter.curate.recipe import read_recipe
from isocenter.harmonize.cohort import Cohort

ROOT = Path(__file__).parents[2]
CHEST = ROOT / "examples/chest-xray/recipe.toml"
KILLS = 10


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over the demo's two film collections only, which builds in a second."""
    home = Workspace.create(tmp_path_factory.mktemp("films"))
    recipe, _ = prepare(home)
    text = recipe.read_text()
    head, _, rest = text.partition('[[dataset]]\nname = "pydicom"')
    recipe.write_text(head + "[merge]" + rest.partition("[merge]")[2].replace("budget = 60", "budget = 20"))
    return recipe


def content(folder: Path) -> list[dict[str, object]]:
    """The manifest without its pseudonyms, which every workspace makes with a key of its own."""
    return read_table(folder / "manifest.parquet", MANIFEST).drop("patient", "study", "series").to_dicts()


@pytest.fixture(scope="module")
def uninterrupted(films: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    workspace = Workspace.create(tmp_path_factory.mktemp("whole"))
    return content(build(workspace, read_recipe(films)).exported.folder)


def test_a_build_accounts_for_every_file_and_finds_the_planted_copies(films: Path, workspace: Workspace) -> None:
    built = build(workspace, read_recipe(films))
    assert built.cohorts == {"demo.merged": 51, "demo.unique": 42, "demo.split": 42, "demo.selected": 20}
    fates = read_table(workspace.root / "runs/demo.files.parquet", FILES)
    on_disk = sum(1 for path in (films.parent / "data").rglob("*") if path.is_file())
    assert fates.height == fates.unique(["dataset", "path"]).height == on_disk == sum(built.fates.values())
    assert fates.filter((pl.col("fate") == "dropped") & pl.col("reason").is_null()).height == 0
    pairs = read_table(workspace.pairs("demo.unique"), PAIRS)
    same = pairs.filter(pl.col("verdict") == "same")
    assert same.filter(pl.col("net").is_in(["file", "pixel"])).group_by("net").len().sort("net").rows() == [("file", 4), ("pixel", 3)]
    proven = same.filter(~pl.col("net").is_in(["file", "pixel"]))
    assert sorted(sample.rsplit("/", 1)[-1] for sample in proven["b"]) == ["copy08.jpg", "copy09.jpg"]      # stored again as JPEG
    assert verify(built.exported.folder) == []
    page = built.report.read_text()
    assert "data:image/jpeg;base64," in page
    assert ('alt="Map of the pool' in page) == (importlib.util.find_spec("matplotlib") is not None)
    assert "http://" not in page
    assert "https://" not in page


def test_the_same_recipe_gives_the_same_corpus_elsewhere(films: Path, workspace: Workspace, uninterrupted: list[dict[str, object]]) -> None:
    assert content(build(workspace, read_recipe(films)).exported.folder) == uninterrupted


def test_a_second_build_does_nothing_again(films: Path, workspace: Workspace) -> None:
    first = build(workspace, read_recipe(films))
    stamps = {path: path.stat().st_mtime_ns for path in (workspace.root / "cohorts").iterdir()}
    assert build(workspace, read_recipe(films)).cohorts == first.cohorts
    assert {path: path.stat().st_mtime_ns for path in (workspace.root / "cohorts").iterdir()} == stamps


def test_limits_lists_and_kept_splits_of_a_recipe_hold_when_it_grows(films: Path, workspace: Workspace) -> None:
    head, _, tail = films.read_text().partition("[select]")
    recipe = films.with_name("wishes.toml")
    (films.parent / "never.txt").write_text("north@unversioned/films/f012.png\n")
    split = '[split]\nratio = { train = 0.6, val = 0.2, test = 0.2 }\nkeep = "demo.split"\n'
    body = head.partition("[split]")[0] + split + '\n[select]\nlimits = ["dataset=south>=9", "label=pneumonia>=4"]\nexclude = "never.txt"\n' + tail
    small = body.replace('[[dataset]]\nname = "south"', '[[absent]]\nname = "south"').partition("[[absent]]")
    recipe.write_text(small[0] + "[merge]" + small[2].partition("[merge]")[2].replace('"dataset=south>=9", ', ""))
    build(workspace, read_recipe(recipe))
    before = dict(Cohort.open(workspace, "demo.split").table.select("sample_id", "split").iter_rows())
    recipe.write_text(body)
    build(workspace, read_recipe(recipe))
    after, chosen = Cohort.open(workspace, "demo.split"), Cohort.open(workspace, "demo.selected")
    assert {sample: side for sample, side in after.table.select("sample_id", "split").iter_rows() if sample in before}.items() <= before.items()
    assert (chosen.table["dataset"] == "south").sum() >= 9
    assert "north@unversioned/films/f012.png" in after.table["sample_id"].to_list()
    assert "north@unversioned/films/f012.png" not in chosen.table["sample_id"].to_list()
    stamp = workspace.cohort("demo.split").stat().st_mtime_ns
    build(workspace, read_recipe(recipe))
    assert workspace.cohort("demo.split").stat().st_mtime_ns == stamp


def test_killed_at_ten_random_moments_the_build_ends_as_if_nothing_had_been(films: Path, tmp_path: Path, uninterrupted: list[dict[str, object]]) -> None:
    chance = random.Random(5)
    command = [sys.executable, "-c", "from isocenter.cli.main import main; main()", "build", str(films), "--workspace", str(tmp_path / "w")]
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(chance.uniform(0.3, 2.5))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed >= 1
    subprocess.run(command, check=True, capture_output=True)
    assert content(tmp_path / "w/exports/demo") == uninterrupted
    assert verify(tmp_path / "w/exports/demo") == []
    drafts = list((tmp_path / "w/exports/demo").rglob("*.draft"))
    assert len(drafts) <= killed


def test_a_plan_says_what_is_in_and_out_and_writes_no_cohort(films: Path, workspace: Workspace) -> None:
    recipe = read_recipe(films, {"south": workspace.root / "nowhere"})
    plan = plan_recipe(workspace, recipe)
    assert [(row["dataset"], row["in"]) for row in plan.members] == [("north", True), ("south", False)]
    assert plan.samples == 24
    assert plan.coverage["pneumonia"] == {"present": 8, "uncertain": 0, "absent": 16, "not_annotated": 0}
    assert workspace.cohorts() == []
    assert plan_recipe(workspace, read_recipe(films)).verdicts["commercial"]["answer"] == "no"


def test_missing_datasets_are_all_named_at_once_with_what_to_type(films: Path, workspace: Workspace) -> None:
    recipe = read_recipe(films, {"south": Path("/nowhere/s"), "north": Path("/nowhere/n")})
    with pytest.raises(NotFound, match=r"--data north=/path/you/have --data south=/path/you/have"):
        build(workspace, recipe)


@pytest.mark.parametrize(("change", "message"), [
    ({"sed": 1}, "did you mean seed"), ({"use": "resale"}, "local, share or commercial"), ({"dataset": []}, "names no dataset"),
    ({"select": {"by": "random"}}, "lacks a budget"), ({"dedup": {"nears": True}}, "did you mean near"), ({"seed": "one"}, "seed = 'one'"),
])
def test_a_recipe_that_is_not_understood_is_refused_with_the_key(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(tomli_w.dumps({"name": "r", "dataset": [{"name": "a", "root": "a"}], **change}))
    with pytest.raises(BadInput, match=message):
        read_recipe(path)


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, pl.DataFrame]:
    """The tutorial's corpus; its films are two public collections that are not carried along."""
    if not (os.environ.get("CXR_A") and os.environ.get("CXR_B")):
        pytest.skip("set CXR_A and CXR_B to the two chest X-ray collections of docs/tutorials/chest-xray.md")
    workspace = Workspace.create(tmp_path_factory.mktemp("chest"))
    build(workspace, read_recipe(CHEST))
    return workspace, pl.read_parquet(workspace.cohort("chest-xray.merged"))


TRUTH = [
    # file, term, state; None: not annotated
    ("covid-19-pneumonia-12.jpg", "cohen", {"covid-19 infection": "present", "pneumonia": None, "no finding": None}),
    ("16660_5_1.jpg", "cohen", {"covid-19 infection": "present", "acute respiratory distress syndrome": "present", "pneumonia": None}),
    ("covid-19-pneumonia-12.jpg", "talo", {"covid-19 infection": "present", "pneumonia": "absent", "no finding": "absent", "atelectasis": None}),
    ("00001299_000.png", "talo", {"no finding": "present", "pneumonia": "absent", "atelectasis": "absent", "covid-19 infection": "absent", "lipoid pneumonia": "absent"}),
    ("00000061_012.png", "talo", {"pneumonia": "present", "pulmonary edema": "present", "pleural effusion": "present", "pneumothorax": "absent", "no finding": "absent",
                                  "covid-19 infection": "absent", "lipoid pneumonia": None}),
]


@pytest.mark.parametrize(("name", "dataset", "states"), TRUTH)
def test_the_unified_labels_follow_the_truth_table(chest: tuple[Workspace, pl.DataFrame], name: str, dataset: str, states: dict[str, str | None]) -> None:
    labels = chest[1].filter((pl.col("dataset") == dataset) & pl.col("uri").str.ends_with(name))["labels"].to_list()[0]
    assert {term: labels.get(term) for term in states} == states


def test_the_shared_films_are_found_and_every_file_has_a_fate(chest: tuple[Workspace, pl.DataFrame]) -> None:
    workspace, _ = chest
    pairs = read_table(workspace.pairs("chest-xray.unique"), PAIRS)
    assert pairs.filter(pl.col("net") == "file").height == 21
    fates = read_table(workspace.root / "runs/chest-xray.files.parquet", FILES)
    roots = [Path(os.environ["CXR_A"]), Path(os.environ["CXR_B"])]
    assert fates.height == sum(1 for root in roots for path in root.rglob("*") if path.is_file())
    groups = read_table(workspace.groups("chest-xray.unique"), GROUPS)
    assert groups.group_by("group").agg(pl.col("keeper").sum())["keeper"].unique().to_list() == [1]


def test_one_film_under_two_patients_stands_on_one_side(chest: tuple[Workspace, pl.DataFrame]) -> None:
    workspace, _ = chest
    final = pl.read_parquet(workspace.cohort("chest-xray.split"))
    side = {row["uri"].rsplit("/", 1)[-1]: row["split"] for row in final.iter_rows(named=True)}
    for number, day in (("2", "admission"), ("3", "day-1"), ("4", "day-2"), ("5", "day-3")):
        twins = {side.get(f"16660_{number}_1.jpg"), side.get(f"covid-19-rapidly-progressive-acute-respiratory-distress-syndrome-ards-{day}.jpg")} - {None}
        assert len(twins) == 1
    patients = pl.concat([pl.read_parquet(workspace.samples(name)).select("sample_id", "dataset", "patient_id") for name in ("cohen", "talo")])
    owned = final.join(patients.drop("dataset"), on="sample_id").with_columns(pl.col("patient_id").str.split("|")).explode("patient_id").drop_nulls("patient_id")
    assert owned.group_by("dataset", "patient_id").agg(pl.col("split").n_unique())["split"].max() == 1
