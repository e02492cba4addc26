"""An export keeps its books: licences and Croissant go along, a cut one goes on, and `verify` names what is missing, changed or extra."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import BadInput, Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.dedup import dedup
from isocenter.curate.export import export
from isocenter.curate.verify import verify
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


def test_licence_texts_and_attribution_go_along(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, films, folder=tmp_path / "out", use="share")
    assert (tmp_path / "out/licenses/CC-BY-4.0.txt").read_text().startswith("Creative Commons Attribution 4.0 International")
    assert "name their makers" in (tmp_path / "out/licenses/films/LICENSE").read_text()
    text = (tmp_path / "out/ATTRIBUTION.md").read_text()
    assert "CC-BY-4.0 → CC-BY-4.0, 4 samples" in text
    assert "licence file: licenses/films/LICENSE" in text


def test_croissant_validates_and_reads_the_manifest(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    export(workspace, films, folder=tmp_path / "out")
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "out/croissant.json"))
    assert not dataset.metadata.issues.errors
    paths = [record["samples/path"].decode() for record in dataset.records("samples")]
    assert paths == pl.read_parquet(tmp_path / "out/manifest.parquet")["path"].to_list()


def test_a_sample_that_cannot_be_read_is_left_out_and_named(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "films/bert23_2.png").unlink()
    done = export(workspace, films, folder=tmp_path / "out")
    assert (done.samples, done.unreadable, done.done) == (3, 1, {"left out": 1})
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet").to_dicts()
    assert [(row["sample_id"].rsplit("/", 1)[-1], row["why"]) for row in ledger] == [("bert23_2.png", "cannot be read: the file is not there any more")]
    assert verify(tmp_path / "out") == []


def test_verify_lists_what_is_missing_changed_and_extra_at_once(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(workspace, films, folder=out)
    (out / "images/films/anna17_0.png").unlink()
    (out / "images/films/anna17_1.png").write_bytes(b"x")
    (out / "licenses/CC-BY-4.0.txt").unlink()
    (out / "notes.txt").write_text("mine")
    found = verify(out)
    assert found == [
        "films@unversioned/anna17_0.png: images/films/anna17_0.png is missing", "films@unversioned/anna17_1.png: images/films/anna17_1.png has changed",
        "licenses/CC-BY-4.0.txt is missing", "notes.txt does not belong to the export"]


def test_verify_needs_no_workspace_and_sees_changed_lists(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(workspace, films, folder=out)
    out.rename(tmp_path / "elsewhere")
    assert verify(tmp_path / "elsewhere") == []
    mark = json.loads((tmp_path / "elsewhere/export.json").read_text())
    (tmp_path / "elsewhere/export.json").write_text(json.dumps({**mark, "samples": 5}))
    assert verify(tmp_path / "elsewhere") == ["the manifest has 4 samples, export.json says 5"]
    sums = tmp_path / "elsewhere/checksums.txt"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[1:]))
    assert "checksums.txt has changed" in verify(tmp_path / "elsewhere")


@pytest.mark.parametrize("to", ["files", "webdataset"])
def test_an_export_that_was_cut_goes_on_with_what_is_missing(to: str, films: Cohort, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isocenter.curate.exporters import webdataset

    monkeypatch.setattr(webdataset, "PER_SHARD", 1)
    whole, out = tmp_path / "whole", tmp_path / "out"
    export(workspace, films, to=to, folder=whole)
    made: list[str] = []
    from isocenter.curate.export_target import Target

    real = Target.write

    def cut(self, name, make):                                            # the power goes when the third file is to be made
        if len(made) == 2:
            raise KeyboardInterrupt
        if name not in self._known:
            made.append(name)
        return real(self, name, make)

    monkeypatch.setattr(Target, "write", cut)
    with pytest.raises(KeyboardInterrupt):
        export(workspace, films, to=to, folder=out)
    with (out / ".journal.jsonl").open("a") as journal:
        journal.write('{"file": "half a li')
    (out / ".x.png.1.draft").write_bytes(b"")
    assert verify(out) == ["the export was cut short: run the same export again"]
    done_before = {name: (out / name).stat().st_mtime_ns for name in made}
    monkeypatch.setattr(Target, "write", real)
    export(workspace, films, to=to, folder=out)
    assert {name: (out / name).stat().st_mtime_ns for name in made} == done_before
    assert verify(out) == []
    assert (out / "checksums.txt").read_text() == (whole / "checksums.txt").read_text()


def test_a_finished_export_is_left_as_it_is_and_a_stranger_s_file_is_never_removed(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(workspace, films, folder=out)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert export(workspace, films, folder=out).samples == 4
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"of no export \(first: thesis.txt\)"):
        export(workspace, films, to="parquet", folder=out, force=True)
    (out / "thesis.txt").unlink()
    export(workspace, films, to="parquet", folder=out, force=True)
    assert not (out / "images").exists()


def test_the_exporters_of_the_how_to_work_as_they_stand(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/write-an-exporter.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (workspace.plugins / "exporters").mkdir(parents=True)
    for number, text in enumerate(examples):
        (workspace.plugins / f"exporters/listing{number}.py").write_text(text)
        export(workspace, films, to=f"listing{number}", folder=tmp_path / str(number))
        assert verify(tmp_path / str(number)) == []
        assert len((tmp_path / str(number) / "list.txt").read_text().splitlines()) == 4
        assert pl.read_parquet(tmp_path / str(number) / "manifest.parquet").height == 4


def test_a_dataset_that_gave_labels_only_is_held_to_its_licence_and_named(workspace: Workspace, tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 255, (12, 16)).astype(np.uint8)
    for name, term, license_ in (("first", "pneumonia", "CC-BY-4.0"), ("second", "pleural effusion", "CC-BY-NC-4.0")):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "a.png")
        (tmp_path / name / "t.csv").write_text("file,f\na.png,yes\n")
        layout = tmp_path / f"{name}.toml"
        layout.write_text(tomli_w.dumps({"images": "{file}", "modality": "X-ray", "tables": [{"name": "t", "file": "t.csv", "on": "file"}],
                                         "labels": [{"table": "t", "column": "f", "mode": "mentions", "values": {"yes": term}}]}))
        adopt(workspace, name, tmp_path / name, layout=str(layout), license=license_)
        scan(workspace, name)
    merge(workspace, ["first", "second"], name="two")
    kept = dedup(workspace, Cohort.open(workspace, "two"), name="one", near=False).cohort
    assert (kept.table["dataset"].to_list(), len(kept.table["labels"][0])) == (["first"], 2)
    with pytest.raises(Refused, match="second: CC-BY-NC-4.0: forbids commercial use"):
        export(workspace, kept, folder=tmp_path / "out", use="commercial")
    export(workspace, kept, folder=tmp_path / "out")
    text = (tmp_path / "out/ATTRIBUTION.md").read_text()
    assert "labels or annotations of it go with 1 samples of other datasets" in text
    assert (tmp_path / "out/licenses/CC-BY-NC-4.0.txt").exists()
