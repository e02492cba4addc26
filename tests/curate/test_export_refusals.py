"""What an export refuses has a name, a reason and a way on; what leaves carries no id of a person, no date and no path of this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import BadInput, Conflict, NotFound, Refused, UsageError
from isocenter.core.tables import read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.dedup import dedup
from isocenter.curate.export import Wishes, export, preview
from isocenter.curate.export_manifest import public_recipe
from isocenter.curate.export_names import NAMES
from isocenter.curate.pseudonym import key_path, open_pseudonyms
from isocenter.curate.verify import verify
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

AFFINE = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)
CLEAN = Wishes(identifying="clean")


@pytest.fixture
def films(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Four films of three patients; the first two are one patient's."""
    root = tmp_path / "films"
    root.mkdir()
    rng = np.random.default_rng(0)
    for number, patient in enumerate(("anna17", "anna17", "bert23", "carl42")):
        Image.fromarray(rng.integers(0, 255, (12, 16)).astype(np.uint8)).save(root / f"{patient}_{number}.png")
    (root / "LICENSE").write_text("You may use these films and name their makers.")
    layout = tmp_path / "films.toml"
    layout.write_text(tomli_w.dumps({"images": "{patient}_{n}.png", "modality": "X-ray"}))
    adopt(workspace, "films", root, layout=str(layout), license="CC-BY-4.0")
    scan(workspace, "films")
    merge(workspace, ["films"], name="all")
    return Cohort.open(workspace, "all")


@pytest.fixture
def named(workspace: Workspace, tmp_path: Path) -> Cohort:
    """A series whose header names its patient, and one that does not."""
    def name(dataset, z, t):
        dataset.PatientName, dataset.PatientID, dataset.StudyDate = "Lovelace^Ada", "LOV-1815", "18431010"
        dataset.StudyDescription = "follow-up of LOV-1815"

    def nameless(dataset, z, t):
        dataset.PatientName, dataset.PatientID = "ANON-0001", "ANON-0001"

    stack = np.random.default_rng(1).integers(0, 900, (16, 12, 3), dtype=np.int16)
    write_series(tmp_path / "dicom/a", stack, AFFINE, name="a", change=name)
    write_series(tmp_path / "dicom/b", stack + 1, AFFINE, name="b", change=nameless)
    adopt(workspace, "ct", tmp_path / "dicom", layout="dicom", license="CC0-1.0")
    scan(workspace, "ct")
    merge(workspace, ["ct"], name="ct-all")
    return Cohort.open(workspace, "ct-all")


def _sides(cohort: Cohort, workspace: Workspace, sides: list[str]) -> Cohort:
    return Cohort("sides", cohort.table.with_columns(pl.Series("split", sides)), cohort.header).save(workspace)


def test_a_patient_on_two_sides_is_refused_until_it_is_accepted(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    leaking = _sides(films, workspace, ["train", "test", "train", "test"])
    with pytest.raises(Refused, match=r"refused \(leakage\): 1 patient on test and train") as caught:
        export(workspace, leaking, folder=tmp_path / "out")
    assert "--accept-leakage" in str(caught.value.hint)
    assert not (tmp_path / "out").exists()
    done = export(workspace, leaking, folder=tmp_path / "out", wishes=Wishes(accept_leakage=True))
    assert any(warning.startswith("leakage accepted: 1 patient on test and train") for warning in done.warnings)
    clean = _sides(films, workspace, ["train", "train", "test", "test"])
    assert export(workspace, clean, folder=tmp_path / "clean").samples == 4


def test_a_benchmark_that_shares_a_patient_is_named(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    mine = Cohort("mine", films.table[:1], films.header).save(workspace)
    benchmark = Cohort("benchmark", films.table[1:2], films.header).save(workspace)
    with pytest.raises(Refused, match="1 patient on benchmark and mine") as caught:
        export(workspace, mine, folder=tmp_path / "out", wishes=Wishes(against=(benchmark.name,)))
    assert str(caught.value.hint).startswith("isocenter leakage mine --against benchmark --list leaking.txt, then isocenter select mine"), "a split does not mend it"
    other = Cohort("other", films.table[2:], films.header).save(workspace)
    assert export(workspace, mine, folder=tmp_path / "out", wishes=Wishes(against=(other.name,))).samples == 1


def test_a_header_that_names_a_person_is_refused_cleaned_or_kept(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"refused \(identifying-tags\): 1 DICOM samples name a person.*PatientName") as caught:
        export(workspace, named, folder=tmp_path / "out")
    assert "--identifying clean" in str(caught.value.hint)
    export(workspace, named, folder=tmp_path / "clean", wishes=CLEAN)
    assert not any("Lovelace" in str(pydicom.dcmread(path).PatientName) for path in (tmp_path / "clean").rglob("*.dcm"))
    export(workspace, named, folder=tmp_path / "kept", wishes=Wishes(identifying="keep"))
    assert "Lovelace^Ada" in {str(pydicom.dcmread(path).PatientName) for path in (tmp_path / "kept").rglob("*.dcm")}


def test_no_id_no_date_and_no_key_is_in_any_byte_of_an_export(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    rows = named.samples(workspace, ["patient_id", "study_id", "series_id"])
    secrets = [value for column in ("patient_id", "study_id", "series_id") for value in rows[column]] + ["18431010", "Lovelace", key_path(workspace).name, str(tmp_path)]
    export(workspace, named, folder=tmp_path / "out", wishes=CLEAN)
    secrets[-2] = key_path(workspace).read_text().strip()
    for path in (tmp_path / "out").rglob("*"):
        text = str(path.relative_to(tmp_path)).encode() + (path.read_bytes() if path.is_file() else b"")
        assert not [secret for secret in secrets if secret.encode() in text], path
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    assert manifest.select(pl.col("patient", "study", "series").n_unique()).row(0) == (2, 2, 2)
    assert "LOV" not in str(pydicom.dcmread(tmp_path / "out" / manifest["path"][0]).get("StudyDescription"))


def test_pixels_and_geometry_survive_the_pseudonyms_and_uids_stay_consistent(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, named, folder=tmp_path / "out", wishes=CLEAN)
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    ours = [[pydicom.dcmread(tmp_path / "out" / name) for name in files] for files in manifest["files"]]
    theirs = [sorted((pydicom.dcmread(path) for path in (tmp_path / "dicom" / case).iterdir()), key=lambda one: float(one.ImagePositionPatient[2])) for case in "ab"]
    assert [len({one.SeriesInstanceUID for one in series}) for series in ours] == [1, 1]
    assert len({one.SOPInstanceUID for series in ours for one in series}) == 6
    flat = {one.pixel_array.tobytes() for series in theirs for one in series}
    assert {one.pixel_array.tobytes() for series in ours for one in series} == flat
    for series in ours:
        assert [float(one.ImagePositionPatient[2]) for one in series] == sorted(float(one.ImagePositionPatient[2]) for one in series)


def test_dates_stay_when_asked(named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, named, folder=tmp_path / "out", wishes=Wishes(identifying="clean", keep_dates=True))
    assert "18431010" in {pydicom.dcmread(path).get("StudyDate") for path in (tmp_path / "out").rglob("*.dcm")}


def test_pseudonyms_depend_on_the_key_and_lead_back_only_in_the_workspace(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, films, folder=tmp_path / "one")
    (tmp_path / "key").write_text("a key of some forty characters, kept safe")
    export(workspace, films, folder=tmp_path / "two", wishes=Wishes(pseudonym_key=tmp_path / "key"))
    one, two = (pl.read_parquet(tmp_path / name / "manifest.parquet")["patient"].to_list() for name in ("one", "two"))
    assert one[0] == one[1]
    assert len({*one, *two}) == 6
    names = read_table(workspace.root / "pseudonyms/all.parquet", NAMES)
    assert dict(names.select("patient", "patient_id").iter_rows()) == dict(zip(two, ["anna17", "anna17", "bert23", "carl42"]))
    assert key_path(workspace).stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("abc")
    with pytest.raises(BadInput, match="can be guessed"):
        open_pseudonyms(workspace, tmp_path / "short")
    with pytest.raises(NotFound, match="no key file"):
        open_pseudonyms(workspace, tmp_path / "nowhere")


def test_published_names_are_concealed_when_asked(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, films, folder=tmp_path / "out", wishes=Wishes(conceal_names=True))
    manifest = pl.read_parquet(tmp_path / "out/manifest.parquet")
    patient = open_pseudonyms(workspace).of("films", "patient", "bert23")
    assert manifest.row(2, named=True)["path"] == f"images/films/{patient}_2.png"
    assert not [path for path in (tmp_path / "out").rglob("*") if "bert23" in path.name]


def test_every_reason_is_told_at_once(films: Cohort, named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    both = Cohort("both", pl.concat([films.table, named.table]).with_columns(pl.Series("split", ["train", "test", *["train"] * 4])), films.header).save(workspace)
    with pytest.raises(Refused, match="refused for 3 reasons") as caught:
        preview(workspace, both, to="coco", folder=tmp_path / "out")
    assert [name for name in ("leakage:", "identifying-tags:", "unfit:") if name in caught.value.what] == ["leakage:", "identifying-tags:", "unfit:"]
    assert re.search(r"ct@\S+ is no single picture \(dicom, 16×12×3\), like 1 more", caught.value.what)


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


def test_a_recipe_leaves_without_the_folders_of_this_machine() -> None:
    text = '[[dataset]]\nname = "a"\nroot = "/home/me/ct data"\n[[dataset]]\nroot = "$B"\n  root = \'~/x\'\n'
    assert public_recipe(text) == '[[dataset]]\nname = "a"\nroot = "$CT_DATA"\n[[dataset]]\nroot = "$B"\n  root = "$X"\n'


def test_a_recipe_of_wrong_wishes_is_refused_by_name() -> None:
    assert Wishes.of({"to": "coco", "skip_unfit": True, "against": ["b"]}) == Wishes(skip_unfit=True, against=("b",))
    with pytest.raises(BadInput, match="identifying = 'wash'"):
        Wishes.of({"identifying": "wash"})


def test_an_option_of_another_format_is_a_usage_error(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="coco has no --by-annotation"):
        export(workspace, films, to="coco", folder=tmp_path / "out", wishes=Wishes(by_annotation=True))


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


def test_an_export_is_replaced_by_another_cohort_or_format_only_by_force(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    out, half = tmp_path / "out", films.next("half", films.table.head(2), "select").save(workspace)
    export(workspace, films, folder=out)
    with pytest.raises(Conflict, match=f"holds the export of {films.name} as files \\(4 samples\\); this one is of half as files"):
        export(workspace, half, folder=out)
    with pytest.raises(Conflict, match=f"this one is of {films.name} as coco"):
        preview(workspace, films, to="coco", folder=out)
    assert verify(out) == []
    changed = Cohort(films.name, films.table.head(3), films.header).save(workspace)
    assert export(workspace, changed, folder=out).samples == 3
    assert export(workspace, half, folder=out, force=True).samples == 2


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


def test_drawn_masks_go_out_on_their_volume_and_under_no_uid(extra_data: Path, workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "rt", extra_data / "dicom/rt_utils_ct_rtstruct", layout="dicom", license="MIT")
    scan(workspace, "rt")
    harmonize(workspace, "rt")
    merge(workspace, ["rt"], name="rt-all")
    export(workspace, Cohort.open(workspace, "rt-all"), folder=tmp_path / "files", wishes=CLEAN)
    marks = pl.read_parquet(tmp_path / "files/annotations.parquet")
    assert sorted(set(marks["raw"])) == ["ROI-1", "ROI-2", "ROI-3", "ROI-4"]
    assert all((tmp_path / "files" / uri).is_file() and "." not in uri.removesuffix(".nii.gz") for uri in marks["uri"])
    export(workspace, Cohort.open(workspace, "rt-all"), to="nnunet", folder=tmp_path / "nnunet", wishes=CLEAN)
    assert json.loads((tmp_path / "nnunet/dataset.json").read_text())["labels"] == {"background": 0, "ROI-1": 1, "ROI-2": 2, "ROI-3": 3, "ROI-4": 4}


def test_coco_of_pictures_without_a_mark_says_that_its_lists_are_empty(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    bare = Cohort("bare", films.table.head(1), films.header).save(workspace)
    for dataset in bare.table["dataset"].unique():
        write_table(workspace.annotations(dataset), [], ANNOTATIONS)
    for _ in ("written", "left as it is"):
        warnings = export(workspace, bare, to="coco", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True)).warnings
        assert any(text.startswith("no sample has a box or a mask") for text in warnings)
