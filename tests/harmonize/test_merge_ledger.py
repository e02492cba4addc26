"""The merge ledger: every raw value of masks, cells and boxes is accounted for; copies that contradict each other are named and settled."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_ledger import MERGE_LEDGER, ledger_of, ledger_path
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


def volumes(workspace: Workspace, root: Path, labels: str, masks: list[dict[int, int]], extra: str = "") -> None:
    """Adopt and scan volumes whose masks hold so many voxels of each value (the rest is 0)."""
    root.mkdir()
    for number, counts in enumerate(masks):
        mask = np.zeros(64, np.uint8)
        mask[:sum(counts.values())] = np.repeat(list(counts), list(counts.values()))
        for name, array in ((f"c{number}.nii.gz", np.arange(64, dtype=np.int16) + number), (f"c{number}_seg.nii.gz", mask)):
            nibabel.save(nibabel.Nifti1Image(array.reshape(4, 4, 4), np.eye(4)), root / name)
    layout = root.with_suffix(".toml")
    layout.write_text(f'images = "{{case:c\\\\d}}.nii.gz"\nmasks = [{{ pattern = "{{case}}_seg.nii.gz", labels = "{labels}" }}]\n{extra}')
    adopt(workspace, root.name, root, layout=str(layout))
    scan(workspace, root.name)


def ledger(workspace: Workspace, name: str = "c") -> pl.DataFrame:
    return read_table(ledger_path(workspace, name), MERGE_LEDGER)


def test_voxels_are_counted_by_value_and_every_value_has_its_rules(workspace: Workspace, tmp_path: Path) -> None:
    volumes(workspace, tmp_path / "liver", "atlas", [{1: 20, 2: 3}, {1: 5}])
    merge(workspace, ["liver"], name="c")
    rows = ledger(workspace).select("raw_value", "rule", "terms", "samples", "voxels").rows()
    assert set(map(str, rows)) == {str(row) for row in [
        ("1", "identity", ["liver"], 2, 25), ("2", "identity", ["liver tumor"], 1, 3), ("2", "absorb", ["liver"], 1, 3), ("0", "background", None, 2, 100)]}


def test_values_nobody_met_stand_in_the_ledger_with_none(workspace: Workspace, tmp_path: Path) -> None:
    volumes(workspace, tmp_path / "hearts", "acdc", [{3: 4}])
    merge(workspace, ["hearts"], name="c")
    met = ledger(workspace).filter(pl.col("rule") == "identity").select("raw_value", "samples", "voxels").rows()
    assert sorted(met) == [("1", 0, 0), ("2", 0, 0), ("3", 1, 4)]


def test_a_mask_with_a_value_outside_its_map_is_refused_and_its_values_are_counted_as_refused(workspace: Workspace, tmp_path: Path) -> None:
    volumes(workspace, tmp_path / "odd", "acdc", [{3: 4, 9: 2}, {3: 1}])
    merge(workspace, ["odd"], name="c")
    table = ledger(workspace).filter(pl.col("raw_value").is_in(["3", "9"]) & (pl.col("rule") != "union"))
    assert table.select("raw_value", "rule", "fate", "samples", "refused", "voxels").rows() == [("3", "identity", "carried", 1, 1, 1), ("9", "unmapped", "nothing stated", 0, 1, 0)]


def test_only_the_samples_of_the_cohort_are_counted_and_terms_outside_the_space_are_named(workspace: Workspace, tmp_path: Path) -> None:
    volumes(workspace, tmp_path / "liver", "atlas", [{1: 20, 2: 3}, {1: 5}])
    space = tmp_path / "tumours.toml"
    space.write_text('terms = ["liver tumor"]')
    merge(workspace, ["liver"], name="c", space=str(space), where="labels['liver tumor'] = 'present'")
    assert ledger(workspace).select("raw_value", "rule", "fate", "samples", "voxels").rows() == [
        ("1", "identity", "outside the space", 1, 20), ("2", "identity", "carried", 1, 3), ("2", "absorb", "outside the space", 1, 3), ("0", "background", "nothing stated", 1, 41)]


def test_the_ledger_lies_beside_the_cohort_for_machines_and_for_people_and_is_found_from_any_later_cohort(workspace: Workspace, tmp_path: Path) -> None:
    volumes(workspace, tmp_path / "liver", "atlas", [{1: 20, 2: 3}])
    cohort = merge(workspace, ["liver"], name="c")
    path = ledger_path(workspace, "c")
    assert workspace.cohorts() == ["c"]
    assert ledger_of(workspace, cohort.next("d", cohort.table, "dedup")) == path
    with path.with_suffix(".csv").open(newline="") as stream:
        assert [row["targets"] for row in csv.DictReader(stream)] == ["liver", "liver tumor", "liver", ""]


def films(workspace: Workspace, root: Path, states: dict[str, str]) -> None:
    """Adopt and scan pictures whose content is their name, with `pneumonia` yes, no or nothing."""
    root.mkdir()
    for name in states:
        Image.fromarray(np.full((8, 8), sum(name.encode()) % 251, np.uint8)).save(root / f"{name}.png")
    (root / "t.csv").write_text("image,pneumonia\n" + "".join(f"{name}.png,{state}\n" for name, state in states.items()))
    layout = root.with_suffix(".toml")
    layout.write_text('images = "{image}.png"\n[[tables]]\nfile = "t.csv"\non = "image"\n[[labels]]\ncolumn = "pneumonia"\nmode = "exclusive"\nvalues = { yes = "pneumonia" }\nnegative = ["no"]\n')
    adopt(workspace, root.name, root, layout=str(layout))
    scan(workspace, root.name)


@pytest.fixture
def two(workspace: Workspace, tmp_path: Path) -> Workspace:
    films(workspace, tmp_path / "north", {"one": "yes", "two": "no", "three": "yes"})
    films(workspace, tmp_path / "south", {"one": "no", "two": "no", "four": ""})
    return workspace


def states(cohort: Cohort) -> dict[str, str | None]:
    return {f"{dataset}/{uri}": dict(labels).get("pneumonia") for dataset, uri, labels in cohort.table.select("dataset", "uri", "labels").iter_rows()}


NAME = "copies in north and south: pneumonia"


def test_copies_that_contradict_each_other_are_named_and_left_as_they_are(two: Workspace) -> None:
    cohort = merge(two, ["north", "south"], name="c")
    assert [text.startswith(f"{NAME} is present in one and absent in another, 1 time.") for text in cohort.header["warnings"]] == [True]
    assert (states(cohort)["north/one.png"], states(cohort)["south/one.png"]) == ("present", "absent")


@pytest.mark.parametrize(("answer", "state"), [("north", "present"), ("south", "absent"), ("present", "present"), ("withhold", None)])
def test_an_answer_settles_copies_and_nothing_else(two: Workspace, answer: str, state: str | None) -> None:
    cohort = merge(two, ["north", "south"], name="c", settle={NAME: answer})
    found = states(cohort)
    assert (found.pop("north/one.png"), found.pop("south/one.png")) == (state, state)
    assert found == {"north/two.png": "absent", "north/three.png": "present", "south/two.png": "absent", "south/four.png": None}
    assert cohort.header["warnings"] == []
    assert cohort.header["settled"] == {NAME: answer}


def test_an_answer_that_settles_nothing_is_refused_with_those_that_do(two: Workspace) -> None:
    with pytest.raises(BadInput, match="one of: north, south, present, absent, withhold"):
        merge(two, ["north", "south"], name="c", settle={NAME: "east"})


def test_the_command_prints_what_became_of_the_raw_values_and_where_the_ledger_lies(two: Workspace) -> None:
    run = CliRunner().invoke(cli, ["merge", "north", "south", "--as", "c", "--uncertain", "zeros", "--settle", f"{NAME}=withhold", "--workspace", str(two.root), "--json"])
    body = json.loads(run.output)
    assert body["ledger"] == str(ledger_path(two, "c"))
    assert [(row["dataset"], row["raw_values"], row["met"], row["carried"], row["unmapped"]) for row in body["raw_values"]] == [("north", 2, 2, 2, 0), ("south", 3, 2, 2, 0)]
    assert body["settled"] == {NAME: "withhold"}
    assert body["space"]["uncertain"] == {"default": "zeros"}
    text = CliRunner().invoke(cli, ["merge", "north", "south", "--as", "c", "--workspace", str(two.root)]).output
    assert "warning: copies in north and south" in text
    assert "merge_ledger.csv" in text


def test_what_nobody_annotates_and_policies_without_a_term_are_named(two: Workspace, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('terms = ["pneumonia", "fracture"]')
    warnings = merge(two, ["north", "north"], name="c", space=str(tmp_path / "s.toml"), uncertain={"pnumonia": "ones"}).header["warnings"]
    assert warnings == ["no member annotates fracture of the target space", "uncertain: there is no 'pnumonia' here to read as ones"]
    assert ledger(two)["raw_value"].to_list() == ["yes", "no"]


def test_members_that_share_sample_ids_are_refused(two: Workspace, tmp_path: Path) -> None:
    adopt(two, "again", tmp_path / "north", dataset="north", layout=str(tmp_path / "north.toml"))
    scan(two, "again")
    with pytest.raises(BadInput, match="again and north have 3 sample ids in common"):
        merge(two, ["north", "again"], name="c")
