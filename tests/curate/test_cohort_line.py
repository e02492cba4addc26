"""A cohort that others came from is not replaced unasked, and what was made from it before is still explained."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from isocenter.core import progress
from isocenter.core.errors import Conflict, NotFound, UsageError
from isocenter.core.workspace import Workspace
from isocenter.curate.dedup import dedup
from isocenter.curate.demo import prepare
from isocenter.curate.explain import departures, explain
from isocenter.curate.select import select
from isocenter.curate.split import split
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.cohort_line import older_than
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_ledger import ledger_path
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt, open_source


@pytest.fixture
def line(workspace: Workspace) -> Workspace:
    """all → unique → sides → few, of the demo's two film collections."""
    recipe, data = prepare(workspace)
    for name in ("north", "south"):
        adopt(workspace, name, data[name], layout=str(recipe.parent / f"{name}.toml"))
        scan(workspace, name)
    steps(workspace)
    return workspace


def steps(workspace: Workspace) -> None:
    merge(workspace, ["north", "south"], name="all")
    dedup(workspace, Cohort.open(workspace, "all"), name="unique", near=False)
    split(workspace, Cohort.open(workspace, "unique"), name="sides")
    select(workspace, Cohort.open(workspace, "sides"), name="few", by="random", budget=9)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for folder in ("cohorts", "groups") for path in sorted((workspace.root / folder).glob("*.parquet"))}


def test_the_same_steps_again_change_nothing_and_say_nothing(line: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(line)
    progress.silence(False)
    steps(line)
    assert files(line) == before
    assert "replaces" not in capsys.readouterr().err


def test_what_others_came_from_is_replaced_only_by_force_and_a_leaf_with_a_word(line: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(line)
    with pytest.raises(Conflict, match=r"all \(51 samples by merge of north, south\) is there already, and few, sides, unique came from it"):
        merge(line, ["north"], name="all")
    with pytest.raises(Conflict, match="few came from it"):
        split(line, Cohort.open(line, "unique"), name="sides", ratio={"train": 0.5, "test": 0.5})
    assert files(line) == before
    progress.silence(False)
    select(line, Cohort.open(line, "sides"), name="few", by="random", budget=3)
    assert "replaces few (9 samples by select of sides)" in capsys.readouterr().err
    assert len(merge(line, ["north"], name="all", force=True)) == 24


def test_a_cohort_never_takes_the_place_of_its_own_input(line: Workspace) -> None:
    for force in (False, True):
        with pytest.raises(Conflict, match="cannot take the place of its own input"):
            dedup(line, Cohort.open(line, "unique"), name="unique", near=False, force=force)


def test_what_was_made_from_a_cohort_that_is_no_more_is_explained_from_there_on(line: Workspace) -> None:
    merge(line, ["north"], name="all", force=True)
    story = explain(line, Cohort.open(line, "few"), "copy05.png")
    assert story.steps[0] == "all: made anew or gone since unique came from it; what it held then is not known"
    assert story.steps[1].startswith("unique (dedup): in")
    assert [(row["cohort"], row["in"]) for row in departures(line, Cohort.open(line, "few"))] == [("unique", None), ("sides", 44), ("few", 44)]
    assert len(split(line, Cohort.open(line, "unique"), name="again")) == 44


def test_what_another_verb_left_under_the_name_goes(line: Workspace) -> None:
    dedup(line, Cohort.open(line, "all"), name="leaf", near=False)
    assert line.groups("leaf").exists()
    merge(line, ["south"], name="leaf")
    assert not line.groups("leaf").exists()
    assert ledger_path(line, "leaf").exists()
    dedup(line, Cohort.open(line, "all"), name="leaf", near=False)
    assert not ledger_path(line, "leaf").exists()


def test_two_samples_that_end_alike_are_told_apart_by_their_dataset(line: Workspace) -> None:
    with pytest.raises(UsageError, match=r"2 samples end in 'f009.png'") as error:
        explain(line, Cohort.open(line, "few"), "f009.png")
    assert "north/f009.png" in (error.value.hint or "")
    assert explain(line, Cohort.open(line, "few"), "south/f009.png").sample_id == "south@unversioned/films/f009.png"
    assert Path(explain(line, Cohort.open(line, "few"), "copy01.png").sample_id).name == "copy01.png"


def test_cohorts_older_than_their_dataset_are_told_and_the_work_from_them_warns(line: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("all", "unique", "sides", "few")
    assert [older_than(line, Cohort.open(line, name)) for name in names] == [[], [], [], []]
    root = open_source(line, "north").root
    next(root.rglob("*.png")).touch()
    scan(line, "north")
    assert [older_than(line, Cohort.open(line, name)) for name in names] == [[], [], [], []]          # another scan, the same content
    gone = Cohort.open(line, "few").samples(line, ["uri"]).filter(pl.col("dataset") == "north")["uri"][0]
    (root / gone).unlink()
    scan(line, "north")
    assert [older_than(line, Cohort.open(line, name)) for name in names] == [["dataset north has changed"]] * 4
    progress.silence(False)
    with pytest.raises(NotFound, match=f"{gone} is no longer in dataset north"):
        select(line, Cohort.open(line, "sides"), name="fewer", by="k-center", budget=3)
    assert "warning: sides is older than its data: dataset north has changed since" in capsys.readouterr().err
    merge(line, ["north", "south"], name="all", force=True)
    assert older_than(line, Cohort.open(line, "all")) == []
    assert older_than(line, Cohort.open(line, "few")) == ["dataset north has changed", "all was made anew"]
