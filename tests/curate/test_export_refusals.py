"""What an export refuses has a name, a reason and a way on."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pydicom
import pytest

from isocenter.core.errors import BadInput, Conflict, Refused, UsageError
from isocenter.core.tables import write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export import Wishes, export, preview
from isocenter.curate.verify import verify
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.cohort import Cohort

CLEAN = Wishes(identifying="clean")


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


def test_every_reason_is_told_at_once(films: Cohort, named: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    both = Cohort("both", pl.concat([films.table, named.table]).with_columns(pl.Series("split", ["train", "test", *["train"] * 4])), films.header).save(workspace)
    with pytest.raises(Refused, match="refused for 3 reasons") as caught:
        preview(workspace, both, to="coco", folder=tmp_path / "out")
    assert [name for name in ("leakage:", "identifying-tags:", "unfit:") if name in caught.value.what] == ["leakage:", "identifying-tags:", "unfit:"]
    assert re.search(r"ct@\S+ is no single picture \(dicom, 16×12×3\), like 1 more", caught.value.what)


def test_a_recipe_of_wrong_wishes_is_refused_by_name() -> None:
    assert Wishes.of({"to": "coco", "skip_unfit": True, "against": ["b"]}) == Wishes(skip_unfit=True, against=("b",))
    with pytest.raises(BadInput, match="identifying = 'wash'"):
        Wishes.of({"identifying": "wash"})


def test_an_option_of_another_format_is_a_usage_error(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="coco has no --by-annotation"):
        export(workspace, films, to="coco", folder=tmp_path / "out", wishes=Wishes(by_annotation=True))


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


def test_coco_of_pictures_without_a_mark_says_that_its_lists_are_empty(films: Cohort, workspace: Workspace, tmp_path: Path) -> None:
    bare = Cohort("bare", films.table.head(1), films.header).save(workspace)
    for dataset in bare.table["dataset"].unique():
        write_table(workspace.annotations(dataset), [], ANNOTATIONS)
    for _ in ("written", "left as it is"):
        warnings = export(workspace, bare, to="coco", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True)).warnings
        assert any(text.startswith("no sample has a box or a mask") for text in warnings)
