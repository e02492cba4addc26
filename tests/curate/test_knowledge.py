"""What the catalog knows of adopted datasets counts in splits and exports: contested licences, and datasets that show the same patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.export import export
from isocenter.curate.knowledge import known_of, shared_patients
from isocenter.curate.split import split
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import licence_entry


def adopted(workspace: Workspace, folder: Path, name: str, slug: str, patients: str, license: str | None = "CC-BY-4.0") -> None:
    root = folder / name
    root.mkdir()
    for patient in patients:
        Image.fromarray(np.random.default_rng(ord(patient)).integers(0, 255, (8, 8)).astype(np.uint8)).save(root / f"{patient}_{name}.png")
    layout = folder / f"{name}.toml"
    layout.write_text(tomli_w.dumps({"images": "{patient}_{n}.png", "modality": "CT"}))
    adopt(workspace, name, root, layout=str(layout), dataset=slug, license=license)
    scan(workspace, name)


@pytest.fixture
def livers(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Patients a to f of a dataset, and d to i of one that the catalog calls the same patients."""
    adopted(workspace, tmp_path, "challenge", "lits", "abcdef")
    adopted(workspace, tmp_path, "decathlon", "msd03-liver", "defghi")
    return merge(workspace, ["challenge", "decathlon"], name="livers")


def test_a_contested_licence_forbids_in_an_export_what_the_catalog_says_it_forbids(workspace: Workspace, tmp_path: Path) -> None:
    adopted(workspace, tmp_path, "abdomen", "amos22", "ab", license=None)
    known = known_of(workspace, ["abdomen"])["abdomen"]
    with catalog_query(workspace) as query:
        entry = licence_entry("amos22", query)
    assert known.license is not None
    assert known.license.flags() == entry["flags"]
    assert set(known.contested) == set(entry["contested"]) != set()
    with pytest.raises(Refused, match=r"abdomen: .*\(claimed in the catalog; sources disagree\): forbids commercial use"):
        export(workspace, merge(workspace, ["abdomen"], name="all"), folder=tmp_path / "out", use="commercial")


def test_one_patient_of_two_datasets_never_stands_on_two_sides(livers: Cohort, workspace: Workspace) -> None:
    relation = shared_patients(workspace, ["challenge", "decathlon"])[frozenset(("challenge", "decathlon"))]
    assert relation.certain
    for seed in range(4):
        sides = split(workspace, livers, name="sides", seed=seed, force=True).table.select(pl.col("sample_id").str.extract(r"/(\w)_"), "split")
        assert sides.unique().height == sides["sample_id"].n_unique() == 9


def test_a_patient_of_two_datasets_on_two_sides_is_refused_at_export(livers: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    by_dataset = Cohort("apart", livers.table.with_columns(pl.col("dataset").replace({"challenge": "train", "decathlon": "test"}).alias("split")), livers.header).save(workspace)
    with pytest.raises(Refused, match=r"refused \(leakage\): 3 patients on test and train"):
        export(workspace, by_dataset, folder=tmp_path / "out")


def test_a_relation_is_a_warning_where_nothing_has_sides_or_no_id_agrees(livers: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    warned = export(workspace, livers, folder=tmp_path / "whole").warnings
    assert any(text.startswith("challenge and decathlon show the same patients: ") for text in warned)
    others = livers.table.filter(~pl.col("sample_id").str.contains(r"/[def]_"))
    apart = Cohort("apart", others.with_columns(pl.col("dataset").replace({"challenge": "train", "decathlon": "test"}).alias("split")), livers.header).save(workspace)
    warned = export(workspace, apart, folder=tmp_path / "apart").warnings
    assert any(text.startswith("leakage in doubt: 1 lineage on two sides, the same patients: ") for text in warned)
