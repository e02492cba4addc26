"""Retrieval on a cohort, as the verb does it: other patients only, baselines beside, figures by group."""

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
from isocenter.curate.retrieval_cohorts import retrieve, verdict
from isocenter.harmonize.cohort import Cohort

KINDS, PATIENTS = 3, 8


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 pictures of 24 patients, three kinds of stripes; both pictures of a patient are nearly equal."""
    root = tmp_path_factory.mktemp("retrieval")
    (root / "data").mkdir()
    rows = []
    for number in range(KINDS * PATIENTS * 2):
        patient, kind = number // 2, number // 2 % KINDS
        rng = np.random.default_rng(patient)
        across = np.sin(np.arange(48) * (0.3 + 0.35 * kind) + rng.uniform(0, 6))
        picture = 120 + 60 * across[None] + rng.normal(0, 30, (48, 48)) + number % 2
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(root / f"data/{number:02d}.png")
        rows.append(f"{number:02d}.png,p{patient},{'abc'[kind]},{'FM'[patient % 2]}")
    (root / "data/t.csv").write_text("file,patient,kind,sex\n" + "\n".join(rows) + "\n")
    (root / "l.toml").write_text('images = "{file}.png"\n[[tables]]\nname = "t"\nfile = "t.csv"\non = "file"\ncolumns = { patient = "patient", sex = "sex" }\n'
                                 '[[labels]]\ntable = "t"\ncolumn = "kind"\nmode = "exclusive"\nvalues = { a = "nodule", b = "effusion", c = "fracture" }\n')
    for arguments in (["adopt", "d", str(root / "data"), "--layout", str(root / "l.toml")], ["scan", "d"], ["merge", "d", "--as", "all"], ["split", "all", "--as", "sides"]):
        done = CliRunner().invoke(cli, [*arguments, "-w", str(root / "w")])
        assert done.exception is None, done.output
    return root


def test_the_verb_prints_the_encoder_beside_pixels_and_chance_and_writes_every_figure(home: Path) -> None:
    shown = CliRunner().invoke(cli, ["retrieve", "all", "--with", "random-conv", "--out", str(home / "r.csv"), "-w", str(home / "w")]).output
    assert [line.split()[0] for line in shown.splitlines()[2:5]] == ["random-conv", "raw", "random"]
    assert "no patient on both sides" in shown
    assert "sex=F" in shown
    found = json.loads(CliRunner().invoke(cli, ["retrieve", "all", "--with", "random-conv", "-w", str(home / "w"), "--json"]).output)
    table = pl.read_csv(home / "r.csv")
    assert len(found["figures"]) == table.height
    assert set(table["features"]) == {"random-conv", "raw pixels", "random"}
    own, chance = (table.filter(features=name, group="all", figure="P@10")["mean"][0] for name in ("random-conv", "random"))
    assert own > chance + 0.2


def test_the_other_picture_of_the_patient_is_never_what_is_found(home: Path) -> None:
    workspace = Workspace.open(home / "w")
    cohort = Cohort.open(workspace, "all")
    own = cohort.next("own", cohort.table.with_columns(pl.Series("labels", [{f"p{at // 2}": "present"} for at in range(len(cohort))], dtype=cohort.table["labels"].dtype)), "made").save(workspace)
    with pytest.raises(BadInput, match="no query has a relevant sample"):
        retrieve(workspace, own, "thumbnail")


def test_a_side_of_the_split_asks_and_an_unknown_one_is_refused(home: Path) -> None:
    workspace = Workspace.open(home / "w")
    sides = Cohort.open(workspace, "sides")
    found = retrieve(workspace, sides, "thumbnail", side="test")
    assert (found.queries, found.gallery) == ((sides.table["split"] == "test").sum(), (sides.table["split"] != "test").sum())
    with pytest.raises(BadInput, match="side 'dev'"):
        retrieve(workspace, sides, "thumbnail", side="dev")


def test_the_verdict_claims_nothing_that_the_intervals_do_not_hold() -> None:
    def table(low: float, high: float) -> pl.DataFrame:
        rows = [("e", 0.5, low, high), ("raw pixels", 0.4, 0.3, 0.45), ("random", 0.1, 0.05, 0.2)]
        return pl.DataFrame([{"features": name, "group": "all", "figure": "P@10", "queries": 9, "mean": mean, "low": a, "high": b} for name, mean, a, b in rows])
    assert "better than raw pixels beyond both intervals" in verdict(table(0.46, 0.6), "e")
    assert "not told apart" in verdict(table(0.44, 0.6), "e")
