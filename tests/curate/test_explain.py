"""Explaining: every way out has its sentence, the nearest kept sample is named, and the pictures show what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.curate.contrast_sheet import contrasts
from isocenter.curate.explain import departures, explain, pool_of
from isocenter.curate.map import draw, map_of
from isocenter.harmonize.cohort import Cohort


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures in three looks, the last a copy of the first; merged, made unique, split, and chosen under wishes."""
    root = tmp_path_factory.mktemp("explain")
    (root / "data").mkdir()
    for number in range(29):
        look, rng = number % 3, np.random.default_rng(number)
        Image.fromarray((rng.random((24, 24)) * 60 + 60 * np.indices((24, 24))[look % 2] / 24 + 60 * look).astype(np.uint8)).save(root / f"data/{number:02d}.png")
    (root / "data/29.png").write_bytes((root / "data/00.png").read_bytes())
    (root / "data/t.csv").write_text("file,patient,sex,finding,license\n" + "".join(
        f"{number:02d}.png,p{number // 2},{'FM'[number % 2]},{'abc'[number % 3 * (number < 29)]},{'CC0-1.0' if number != 7 else 'CC-BY-NC-4.0'}\n" for number in range(30)))
    (root / "l.toml").write_text('images = "{file}.png"\n[[tables]]\nname = "t"\nfile = "t.csv"\non = "file"\ncolumns = { patient = "patient", sex = "sex", license = "license" }\n'
                                 '[[labels]]\ntable = "t"\ncolumn = "finding"\nmode = "exclusive"\nvalues = { a = "nodule", b = "effusion", c = "fracture" }\n')
    (root / "never.txt").write_text("d@unversioned/05.png\n")
    steps = (["adopt", "d", str(root / "data"), "--layout", str(root / "l.toml")], ["scan", "d"], ["merge", "d", "--as", "all", "--where", "uri <> '28.png'"],
             ["dedup", "all", "--exact", "--as", "unique"], ["split", "unique", "--as", "sides"],
             ["select", "sides", "--by", "k-center", "--with", "thumbnail", "--budget", "12", "--exclude", str(root / "never.txt"), "--only-license", "CC0-1.0",
              "--limit", "sex=F<=4", "--as", "few"])
    for arguments in steps:
        done = CliRunner().invoke(cli, [*arguments, "-w", str(root / "w")])
        assert done.exception is None, done.output
    return root


@pytest.fixture
def few(home: Path) -> tuple[Workspace, Cohort]:
    workspace = Workspace.open(home / "w")
    return workspace, Cohort.open(workspace, "few")


@pytest.mark.parametrize(("sample", "step", "sentence"), [
    ("28.png", 0, "the condition does not hold: uri <> '28.png' (here uri is '28.png')"), ("05.png", 3, "it is on the exclude list never.txt"),
    ("07.png", 3, "its licence CC-BY-NC-4.0 is not among CC0-1.0"),
])
def test_every_way_out_has_its_sentence(few: tuple[Workspace, Cohort], sample: str, step: int, sentence: str) -> None:
    story = explain(*few, sample)
    assert not story.kept
    assert sentence in [line for line in story.steps if not line.startswith("  ")][step]


def test_a_full_cap_and_a_spent_budget_are_told_apart(few: tuple[Workspace, Cohort]) -> None:
    workspace, cohort = few
    left = set(Cohort.open(workspace, "sides").table["sample_id"]) - set(cohort.table["sample_id"]) - {"d@unversioned/05.png", "d@unversioned/07.png"}
    women = sorted(one for one in left if int(one[-6:-4]) % 2 == 0)
    men = sorted(left - set(women))
    assert "the cap sex=F<=4 was full" in explain(workspace, cohort, women[0]).steps[-1]
    assert "k-center spent its budget of 12 samples on others" in explain(workspace, cohort, men[0]).steps[-1]


def test_a_copy_names_its_keeper_and_the_nearest_kept_sample_is_the_nearest(few: tuple[Workspace, Cohort]) -> None:
    workspace = few[0]
    unique = Cohort.open(workspace, "unique")
    dropped = next(one for one in ("d@unversioned/29.png", "d@unversioned/00.png") if one not in set(unique.table["sample_id"]))
    twin = ({"d@unversioned/29.png", "d@unversioned/00.png"} - {dropped}).pop()
    story = explain(workspace, unique, dropped, "thumbnail")
    assert f"a copy of {twin} (file" in "\n".join(story.steps)
    assert story.nearest is not None
    assert story.nearest[0] == twin
    assert story.nearest[1] == pytest.approx(1, abs=1e-3)


def test_kin_of_a_split_and_what_the_selection_looked_at_are_told_unasked(few: tuple[Workspace, Cohort]) -> None:
    workspace, cohort = few
    story = explain(workspace, cohort, "02.png")
    assert any("kin" in line and "03.png" in line for line in story.steps)
    assert story.encoder == "thumbnail"
    assert story.nearest is not None


def test_a_cohort_is_told_by_who_left_where(few: tuple[Workspace, Cohort]) -> None:
    rows = departures(*few)
    assert [(row["verb"], row["in"], row["kept"], row["out"]) for row in rows] == [("merge", 30, 29, 1), ("dedup", 29, 28, 1), ("split", 28, 28, 0), ("select", 28, 12, 16)]
    assert rows[3]["asked"]["wishes"]["limits"] == ["sex=F<=4"]


def test_sheets_show_the_worst_represented_first(few: tuple[Workspace, Cohort], home: Path) -> None:
    workspace, cohort = few
    found = contrasts(workspace, pool_of(workspace, cohort), cohort, "thumbnail")
    assert len(found) == 16
    assert [one.cosine for one in found] == sorted(one.cosine for one in found)
    assert {one.kept for one in found} <= set(cohort.table["sample_id"])
    shown = json.loads(CliRunner().invoke(cli, ["explain", "few", "--sheets", str(home / "sheets"), "-w", str(home / "w"), "--json"]).output)
    assert [Image.open(page).width > 900 for page in shown["sheets"]] == [True, True]


def test_a_map_holds_every_sample_once_and_other_endings_are_refused(few: tuple[Workspace, Cohort], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    workspace, cohort = few
    found = map_of(workspace, pool_of(workspace, cohort), cohort, "thumbnail")
    assert (found.places.shape, int(found.chosen.sum()), set(found.groups)) == ((28, 2), 12, {"nodule", "effusion", "fracture"})
    again = map_of(workspace, pool_of(workspace, cohort), cohort, "thumbnail")
    assert np.allclose(found.places, again.places)
    assert Image.open(draw(found, tmp_path / "m.png")).width > 1000
    page = draw(found, tmp_path / "m.html").read_text()
    assert page.count("<svg") == 1
    assert "http-equiv" not in page
    with pytest.raises(BadInput, match=r"a map ends in \.png"):
        draw(found, tmp_path / "m.gif")


def test_maps_of_many_groups_name_the_largest_and_call_the_rest_other() -> None:
    from isocenter.curate.map import COLOURS, OTHER, _largest

    groups = _largest([name for number, name in enumerate("abcdefghijk") for _ in range(20 - number)])
    assert len(set(groups)) == len(COLOURS)
    assert OTHER in groups
    assert pl.Series(groups).value_counts(sort=True)["count"].sum() == len(groups)
