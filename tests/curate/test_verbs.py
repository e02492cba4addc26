"""Dedup, split, select, explain and export on small real files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomli_w
from PIL import Image
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import BadInput, NotFound, Refused
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.dedup import dedup
from isocenter.curate.explain import explain
from isocenter.curate.export import MANIFEST, export, verify
from isocenter.curate.groups import GROUPS, PAIRS, Pair, components, pair_rows
from isocenter.curate.pseudonym import open_pseudonyms
from isocenter.curate.select import select
from isocenter.curate.split import split
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


def picture(seed: int, side: int = 40) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), 2)
    return ((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def layout(path: Path, mode: str, values: dict[str, str]) -> str:
    path.write_text(tomli_w.dumps({
        "images": "img/{file}", "tables": [{"name": "t", "file": "t.csv", "on": "file", "columns": {"patient": "patient", "license": "license"}}],
        "labels": [{"table": "t", "column": "finding", "mode": mode, "separator": "|", "values": values}],
    }))
    return str(path)


@pytest.fixture
def corpus(workspace: Workspace, tmp_path: Path) -> Cohort:
    """North (exclusive) and south (list) share two pictures: one file under another name, one stored with other compression."""
    north, south = tmp_path / "north", tmp_path / "south"
    for root in (north, south):
        (root / "img").mkdir(parents=True)
    for number in range(8):
        Image.fromarray(picture(number)).save(north / f"img/n{number}.png")
    shutil.copyfile(north / "img/n0.png", south / "img/copy.png")
    Image.fromarray(picture(1)).save(south / "img/stored.png", compress_level=0)
    Image.fromarray(picture(50)).save(south / "img/own.png")
    (north / "t.csv").write_text("file,patient,finding,license\n" + "".join(f"n{i}.png,{i // 2},{'sick' if i % 2 else 'well'},CC-BY-4.0\n" for i in range(8)))
    (south / "t.csv").write_text("file,patient,finding,license\ncopy.png,0,Pneumonia|Effusion,CC-BY-NC-4.0\nstored.png,s1,Effusion,CC-BY-NC-4.0\nown.png,s1,,\n")
    adopt(workspace, "north", north, layout=layout(tmp_path / "n.toml", "exclusive", {"sick": "pneumonia", "well": "no finding"}))
    adopt(workspace, "south", south, layout=layout(tmp_path / "s.toml", "list", {"Pneumonia": "pneumonia", "Effusion": "pleural effusion"}))
    scan(workspace, "north")
    scan(workspace, "south")
    return merge(workspace, ["north", "south"], name="all")


def of(cohort: Cohort, end: str) -> dict[str, object]:
    return cohort.table.filter(pl.col("sample_id").str.ends_with(end)).to_dicts()[0]


def test_merge_sees_labels_in_the_common_space(workspace: Workspace, corpus: Cohort) -> None:
    sick = merge(workspace, ["north", "south"], name="sick", where="labels['pneumonia'] = 'present' and dataset = 'north'")
    assert len(sick) == 4
    assert of(corpus, "own.png")["labels"] == {}
    with pytest.raises(BadInput, match="not valid"):
        merge(workspace, ["north"], name="x", where="no such column")


def test_the_condition_cannot_reach_the_machine(workspace: Workspace, corpus: Cohort) -> None:
    with pytest.raises(BadInput, match=r"disabled|Permission"):
        merge(workspace, ["north"], name="x", where="(select count(*) from read_csv('/etc/passwd')) > 0")


def test_equal_bytes_and_equal_pixels_are_copies_and_labels_complete_each_other(workspace: Workspace, corpus: Cohort) -> None:
    found = dedup(workspace, corpus, name="unique", near=False)
    pairs = read_table(workspace.pairs("unique"), PAIRS)
    assert sorted(pairs.select("net", "verdict").iter_rows()) == [("file", "same"), ("pixel", "same")]
    assert (len(found.cohort), found.dropped, found.groups) == (9, 2, 2)
    groups = read_table(workspace.groups("unique"), GROUPS)
    assert groups.columns == ["group", "sample_id", "dataset", "uri", "keeper", "evidence"]
    assert groups.group_by("group").agg(pl.col("keeper").sum())["keeper"].to_list() == [1, 1]
    kept = found.cohort.table.filter(pl.col("sample_id").is_in(groups.filter("keeper")["sample_id"].to_list()))
    labels = sorted(kept["labels"].to_list(), key=len)
    assert labels[0] == {"no finding": "present", "pleural effusion": "present"}      # well against Pneumonia: withheld
    assert labels[1] == {"no finding": "absent", "pleural effusion": "present"}       # sick against Effusion alone: withheld
    assert sorted(found.withheld.values()) == [["pneumonia"], ["pneumonia"]]
    assert "contradicted and withheld: pneumonia" in str(kept["reason"].to_list())


def test_patients_count_within_their_dataset_and_copies_bind_across(workspace: Workspace, corpus: Cohort) -> None:
    unique = dedup(workspace, corpus, name="unique", near=False).cohort
    result = split(workspace, unique, name="sides", ratio={"train": 0.5, "test": 0.5}, seed=3)
    side = {row["uri"]: row["split"] for row in result.table.iter_rows(named=True)}
    sides = [value for uri, value in side.items() if uri in ("img/n0.png", "img/copy.png")]
    assert {side["img/n2.png"]} == {side["img/n3.png"]}
    assert sides[0] == side.get("img/n1.png", side.get("img/stored.png"))     # n0 and n1 are patient 0 of north, by way of their copies too
    assert side["img/own.png"] == side.get("img/stored.png", side.get("img/n1.png"))   # s1 by way of a dropped copy
    assert result.header["parameters"]["components"] == 4
    assert set(result.table["split"].unique()) == {"train", "test"}


def test_an_unsettled_pair_stands_on_one_side(workspace: Workspace, corpus: Cohort) -> None:
    from isocenter.core.tables import write_table

    ids = corpus.table["sample_id"].to_list()
    unique = dedup(workspace, corpus, name="unique", near=False).cohort
    write_table(workspace.pairs("unique"), pair_rows([Pair(ids[2], ids[4], "phash", 0.9, "unsettled"), Pair(ids[4], ids[6], "phash", 0.1, "different")]), PAIRS)
    result = split(workspace, unique, name="sides", ratio={"train": 0.5, "test": 0.5})
    side = dict(result.table.select("sample_id", "split").iter_rows())
    assert side[ids[2]] == side[ids[4]]
    assert result.header["parameters"]["components"] == 4      # five without the pair, three if "different" bound


def test_components_are_numbered_by_their_first_member() -> None:
    assert components(5, [(3, 1), (4, 0)]).tolist() == [0, 1, 2, 1, 0]


def test_select_ranks_and_prints_random_beside(workspace: Workspace, corpus: Cohort) -> None:
    chosen = select(workspace, corpus, name="few", by="k-center", budget=4, seed=1)
    assert chosen.table["rank"].to_list() == [1, 2, 3, 4]
    assert set(chosen.header["beside"]) == {"k-center", "random", "stratified"}
    assert chosen.header["beside"]["k-center"]["farthest"] <= chosen.header["beside"]["random"]["farthest"] + 1e-6
    again = select(workspace, corpus, name="again", by="k-center", budget=2, seed=1)
    assert again.table["sample_id"].to_list() == chosen.table["sample_id"].to_list()[:2]


def test_a_strategy_of_ones_own_is_one_new_file(workspace: Workspace, corpus: Cohort) -> None:
    folder = workspace.plugins / "strategies"
    folder.mkdir(parents=True)
    (folder / "last_first.py").write_text(
        "import numpy as np\nfrom isocenter.curate.api import Picks\nneeds = ('uri',)\nuses_features = False\n"
        "def pick(pool, budget, *, seed):\n    order = np.argsort(pool.columns['uri'])[::-1][:budget]\n    return Picks(order, np.ones(len(order)))\n")
    assert select(workspace, corpus, name="few", by="last-first", budget=1).table["uri"].to_list() == ["img/stored.png"]


def test_a_budget_of_nothing_and_an_unknown_strategy_are_refused(workspace: Workspace, corpus: Cohort) -> None:
    with pytest.raises(BadInput, match="selects nothing"):
        select(workspace, corpus, name="few", budget=0)
    with pytest.raises(NotFound, match="did you mean k-center"):
        select(workspace, corpus, name="few", by="kcenter", budget=2)


def test_explain_tells_where_a_copy_went(workspace: Workspace, corpus: Cohort) -> None:
    unique = dedup(workspace, corpus, name="unique", near=False).cohort
    dropped = read_table(workspace.groups("unique"), GROUPS).filter(~pl.col("keeper"))["sample_id"][0]
    story = explain(workspace, unique, dropped)
    assert not story.kept
    assert "a copy of" in story.steps[1]


def test_an_export_is_complete_and_verify_sees_what_is_not(workspace: Workspace, corpus: Cohort, tmp_path: Path) -> None:
    done = export(workspace, corpus, folder=tmp_path / "out")
    manifest = read_table(tmp_path / "out/manifest.parquet", MANIFEST)
    assert (done.samples, manifest.height) == (11, 11)
    row = manifest.filter(pl.col("sample_id").str.ends_with("n0.png")).to_dicts()[0]
    assert (row["path"], row["patient"], row["labels"]) == ("images/north/img/n0.png", open_pseudonyms(workspace).of("north", "patient", "0"), {"no finding": "present", "pneumonia": "absent"})
    assert row["patient"] != manifest.filter(pl.col("sample_id").str.ends_with("copy.png"))["patient"].item()
    assert verify(tmp_path / "out") == []
    (tmp_path / "out/images/north/img/n1.png").unlink()
    (tmp_path / "out/images/north/img/n2.png").write_bytes(b"x")
    assert [defect.split(" ", 1)[1] for defect in verify(tmp_path / "out")] == ["images/north/img/n1.png is missing", "images/north/img/n2.png has changed"]


def test_an_export_cut_short_goes_on_and_a_foreign_folder_is_left_alone(workspace: Workspace, corpus: Cohort, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(workspace, corpus, folder=out)
    (out / "manifest.parquet").unlink()
    mark = json.loads((out / "export.json").read_text())
    (out / "export.json").write_text(json.dumps({**mark, "finished": False}))
    assert verify(out) == ["the export was cut short: run the same export again"]
    export(workspace, corpus, folder=out)
    assert verify(out) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="not empty"):
        export(workspace, corpus, folder=tmp_path / "mine")


def test_a_licence_that_forbids_or_is_silent_is_named_and_refused_for_commerce(workspace: Workspace, corpus: Cohort, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="CC-BY-NC-4.0") as caught:
        export(workspace, corpus, folder=tmp_path / "out", use="commercial")
    assert "south: not stated" in str(caught.value)
    free = merge(workspace, ["north"], name="free")
    assert export(workspace, free, folder=tmp_path / "free", use="commercial").warnings == []


def test_an_exporter_of_ones_own_is_one_new_file(workspace: Workspace, corpus: Cohort, tmp_path: Path) -> None:
    folder = workspace.plugins / "exporters"
    folder.mkdir(parents=True)
    (folder / "listing.py").write_text(
        "def write(items, folder):\n    rows = [item.row['sample_id'] for item in items]\n    (folder / 'list.txt').write_text('\\n'.join(rows))\n    return {row: ['list.txt'] for row in rows}\n")
    export(workspace, corpus, to="listing", folder=tmp_path / "out")
    assert len((tmp_path / "out/list.txt").read_text().splitlines()) == 11
