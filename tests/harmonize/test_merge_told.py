"""A merge says what it did: who went in, who did not and why, which terms fell, and what the values became; a wrong condition is answered by the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.curate.demo import prepare
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.create(tmp_path_factory.mktemp("told"))
    recipe, data = prepare(workspace)
    (data["south"] / "films/broken.png").write_bytes(b"nothing")
    for name in ("north", "south"):
        adopt(workspace, name, data[name], layout=str(recipe.parent / f"{name}.toml"))
        scan(workspace, name)
    return workspace


def test_every_sample_of_every_member_is_counted_once(films: Workspace) -> None:
    header = merge(films, ["north", "south"], name="adults", where="labels['pneumonia'] = 'present'").header
    assert [row["dataset"] for row in header["members"]] == ["north", "south"]
    assert all(row["samples"] == row["in_error"] + row["condition_fails"] + row["in"] for row in header["members"])
    assert header["members"][1]["in_error"] == 1


def test_a_member_of_which_nothing_is_left_and_terms_that_fall_are_named(films: Workspace) -> None:
    header = merge(films, ["north", "south"], name="north-only", where="dataset = 'north'", space="intersection").header
    assert header["dropped_terms"] == ["cardiomegaly", "infiltration"]
    assert "nothing of south is in: the condition holds for none of its samples" in header["warnings"]
    assert "the space intersection leaves out cardiomegaly, infiltration" in header["warnings"]


def test_what_the_values_became_is_printed(films: Workspace) -> None:
    done = CliRunner().invoke(cli, ["merge", "north", "south", "--as", "shown", "--space", "intersection", "-w", str(films.root)])
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines[:4] == ["shown: 51 samples", "dataset samples in error in", "north 24 0 24", "south 28 1 27"]
    assert "north normal 8 no finding present" in lines
    assert any(line.startswith("south Infiltration") and line.endswith("outside the space") for line in lines), done.output


@pytest.mark.parametrize(("condition", "message"), [
    ("labels['pnuemonia'] = 'present'", "did you mean pneumonia"), ("labels['Pneumonia'] = 'present'", "did you mean pneumonia"), ("modalty = 'CT'", "did you mean modality"),
    ('"pneumonia" = 1', r"labels\['pneumonia'\] = 'present'"), ("modality = CT", "'CT' if a text is meant"), ("this is", "the condition is not valid"),
    ("labels['liver'] = 'present'", "none of 51 samples(.|\n)*no member annotates"),
])
def test_a_wrong_condition_is_answered_by_what_was_meant(films: Workspace, condition: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        merge(films, ["north", "south"], name="x", where=condition)
    assert not Path(films.cohort("x")).exists()
