"""Splits: nothing that belongs together is cut, what was placed stays, published tests are not trained on, and sides are even."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isocenter.core.errors import BadInput
from isocenter.core.tables import write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import PAIRS, Pair, pair_rows
from isocenter.curate.split import Terms, split
from isocenter.curate.split_assign import assign
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

THREE = {"train": 0.6, "val": 0.2, "test": 0.2}


def dataset(workspace: Workspace, name: str, rows: list[dict[str, object]]) -> None:
    """A scanned dataset whose sample table says what the rows say; labels are given as one term."""
    defaults = {"release": "1", "modality": "DX", "format": "png", "issues": [], "shape": [8, 8]}
    table = [defaults | {"sample_id": f"{name}@1/{number:04d}", "dataset": name, "uri": f"{number:04d}.png"} | row for number, row in enumerate(rows)]
    write_table(workspace.samples(name), [{**row, "labels": {str(row["labels"]): "present"} if "labels" in row else {}} for row in table], SAMPLES, {"layout": "made"})


def side_of(cohort: Cohort) -> dict[str, str]:
    return dict(cohort.table.select("sample_id", "split").iter_rows())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_component_gets_one_side_that_it_may_have_whatever_its_members_are(data: st.DataObject) -> None:
    owner = np.array(data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=60)), np.int64)
    owner = np.unique(owner, return_inverse=True)[1].astype(np.int64)
    traits = [tuple(data.draw(st.sets(st.sampled_from("abcd")))) for _ in owner]
    bound = data.draw(st.dictionaries(st.integers(0, int(owner.max())), st.sampled_from([("train",), ("val", "test"), ("test",)])))
    sides = assign(owner, traits, THREE, 3, allowed=bound)
    assert len(sides) == owner.max() + 1
    assert all(sides[component] in names for component, names in bound.items())
    free = [side for at, side in enumerate(sides) if at not in bound]
    assert len(free) < 5 or set(sides) == set(THREE), "no side is left empty when there are components to spare"


def test_sides_are_as_even_as_scikit_learn_makes_them_on_groups() -> None:
    folds = pytest.importorskip("sklearn.model_selection").StratifiedGroupKFold(5, shuffle=True, random_state=0)
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(4000), rng.geometric(0.35, 4000))[:4000].astype(np.int64)
    share = 1 / np.arange(1, 9) ** 1.3
    label = rng.choice(8, size=owner.max() + 1, p=share / share.sum())[owner]
    theirs = np.zeros(4000, int)
    for number, (_, test) in enumerate(folds.split(np.zeros(4000), label, owner)):
        theirs[test] = number
    names = assign(owner, [(str(one),) for one in label], {str(one): 0.2 for one in range(5)}, 0)
    ours = np.array([int(names[one]) for one in owner])

    def uneven(side: np.ndarray) -> float:
        return max(abs((label[side == one] == kind).mean() - (label == kind).mean()) for one in range(5) for kind in range(8))
    assert uneven(ours) <= uneven(theirs) + 1e-9
    assert uneven(ours) < 0.0015


@pytest.fixture
def clinic(workspace: Workspace) -> Cohort:
    """120 films of 60 patients: 3 sites, labels, sex and age that differ between patients."""
    dataset(workspace, "clinic", [{"patient_id": str(at // 2), "site": "ABC"[at // 2 % 3], "sex": "FM"[at // 2 % 2], "age": 20.0 + at // 2, "labels": ("sick", "well", "well")[at // 2 % 3]}
                                  for at in range(120)])
    return merge(workspace, ["clinic"], name="clinic")


def test_labels_and_subgroups_are_spread_at_once(workspace: Workspace, clinic: Cohort) -> None:
    result = split(workspace, clinic, name="sides", ratio=THREE)
    rows = result.samples(workspace, ["sex", "age"]).with_columns(pl.Series("sick", [(found or {}).get("sick") == "present" for found in result.table["labels"].to_list()]))
    for part in rows.partition_by("split"):
        assert abs(part["sick"].mean() - 1 / 3) < 0.1
        assert abs((part["sex"] == "F").mean() - 0.5) < 0.1
        assert abs((part["age"] < 40).mean() - 1 / 3) < 0.12
    assert result.header["sides"]["samples"] == {"train": 72, "val": 24, "test": 24}


def test_a_site_is_whole_and_a_named_one_goes_where_it_is_put(workspace: Workspace, clinic: Cohort) -> None:
    result = split(workspace, clinic, name="sides", ratio={"train": 0.7, "test": 0.3}, terms=Terms(by="site", put={"B": "test"}))
    rows = result.samples(workspace, ["site"])
    assert rows.group_by("site").agg(pl.col("split").n_unique())["split"].to_list() == [1, 1, 1]
    assert set(rows.filter(site="B")["split"]) == {"test"}
    with pytest.raises(BadInput, match="no sample has that site"):
        split(workspace, clinic, name="sides", terms=Terms(by="site", put={"Z": "test"}))
    with pytest.raises(BadInput, match="no sample states its manufacturer"):
        split(workspace, clinic, name="sides", terms=Terms(by="manufacturer"))


def test_nothing_that_is_trained_on_is_later_than_what_is_tested_on(workspace: Workspace, clinic: Cohort, tmp_path: Path) -> None:
    ids = clinic.table["sample_id"].to_list()
    pl.DataFrame({"sample_id": ids[:-2], "date": [f"20{10 + at * 7 % 13:02d}-0{1 + at % 9}-11" for at in range(118)]}).write_csv(tmp_path / "dates.csv")
    dates = dict(pl.read_csv(tmp_path / "dates.csv").iter_rows())
    result = split(workspace, clinic, name="sides", ratio=THREE, terms=Terms(by="date", supplied={"date": tmp_path / "dates.csv"}))
    patients = {sample: at // 2 for at, sample in enumerate(ids)}
    late = {name: {max(dates[one] for one in ids if patients[one] == patients[sample] and one in dates) for sample, side in side_of(result).items() if side == name and sample in dates} for name in THREE}
    assert max(late["train"]) < min(late["val"]) <= max(late["val"]) < min(late["test"])
    assert [side_of(result)[sample] for sample in ids[-2:]] == ["train", "train"], "without a date: never tested on"
    assert abs(result.header["sides"]["samples"]["test"] / 120 - 0.2) < 0.1
    pl.DataFrame({"sample_id": ids, "date": [None] * 120}, schema={"sample_id": pl.String, "date": pl.String}).write_parquet(tmp_path / "none.parquet")
    with pytest.raises(BadInput, match="no sample states its date"):
        split(workspace, clinic, name="sides", terms=Terms(by="date", supplied={"date": tmp_path / "none.parquet"}))


@given(st.integers(1, 60), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_a_kept_split_and_a_hash_hold_when_patients_are_added(more: int, seed: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "w")
        rng = np.random.default_rng(seed)
        dataset(workspace, "old", [{"patient_id": str(rng.integers(12)), "labels": "ab"[at % 2]} for at in range(40)])
        dataset(workspace, "new", [{"patient_id": str(rng.integers(20)), "labels": "abc"[at % 3]} for at in range(more)])
        first, grown = merge(workspace, ["old"], name="first"), merge(workspace, ["old", "new"], name="grown")
        for by in ("label", "hash"):
            before = side_of(split(workspace, first, name="before", seed=seed, terms=Terms(by=by)))
            after = side_of(split(workspace, grown, name="after", seed=seed, terms=Terms(by=by, keep="before" if by == "label" else None)))
            assert {sample: after[sample] for sample in before} == before


def test_a_new_sample_that_joins_two_kept_sides_takes_both_to_what_was_trained_on(workspace: Workspace) -> None:
    dataset(workspace, "old", [{"patient_id": str(at)} for at in range(30)])
    dataset(workspace, "new", [{"patient_id": "n"}])
    before = split(workspace, merge(workspace, ["old"], name="first"), name="before", ratio=THREE)
    sides = side_of(before)
    trained, tested = (next(sample for sample, side in sides.items() if side == name) for name in ("train", "test"))
    grown = merge(workspace, ["old", "new"], name="grown")
    write_table(workspace.pairs("grown"), pair_rows([Pair(trained, "new@1/0000", "pixel", 1.0, "same"), Pair(tested, "new@1/0000", "pixel", 1.0, "same")]), PAIRS)
    after = split(workspace, grown, name="after", ratio=THREE, terms=Terms(keep="before"))
    assert {side_of(after)[sample] for sample in (trained, tested, "new@1/0000")} == {"train"}
    assert after.header["sides"]["moved"] == {"test -> train": 1}
    assert {sample: side for sample, side in side_of(after).items() if sample in sides and sample != tested} == {sample: side for sample, side in sides.items() if sample != tested}
    with pytest.raises(BadInput, match="has the side val, which the ratio has not"):
        split(workspace, grown, name="after", ratio={"train": 0.5, "test": 0.5}, terms=Terms(keep="before"))


def test_a_published_test_sample_is_never_trained_on_unless_its_dataset_is_named(workspace: Workspace) -> None:
    dataset(workspace, "bench", [{"patient_id": str(at // 2), "published_split": "test" if at < 24 else "train"} for at in range(60)])
    cohort = merge(workspace, ["bench"], name="all")
    held = [f"bench@1/{at:04d}" for at in range(24)]
    assert {side_of(split(workspace, cohort, name="sides", ratio=THREE))[sample] for sample in held} == {"test"}
    named = split(workspace, cohort, name="sides", ratio=THREE, terms=Terms(allow_published_test=("bench",)))
    assert "train" in {side_of(named)[sample] for sample in held}
    with pytest.raises(BadInput, match="24 published test samples of bench would be trained on"):
        split(workspace, cohort, name="folds", ratio={"one": 0.5, "two": 0.5})
    with pytest.raises(BadInput, match="--allow-published-test bench"):
        split(workspace, cohort, name="again", ratio=THREE, terms=Terms(keep="sides"))


def test_a_dropped_copy_that_was_published_as_test_keeps_its_twin_from_training(workspace: Workspace) -> None:
    dataset(workspace, "bench", [{"patient_id": str(at), "published_split": "test"} for at in range(3)])
    dataset(workspace, "other", [{"patient_id": str(at)} for at in range(40)])
    cohort = merge(workspace, ["bench", "other"], name="all")
    write_table(workspace.pairs("unique"), pair_rows([Pair("bench@1/0000", "other@1/0007", "pixel", 1.0, "same")]), PAIRS)
    unique = cohort.next("unique", cohort.table.filter(pl.col("sample_id") != "bench@1/0000"), "dedup").save(workspace)
    result = split(workspace, unique, name="sides", ratio={"train": 0.9, "test": 0.1})
    assert side_of(result)["other@1/0007"] == "test"
    assert result.table.filter(sample_id="other@1/0007")["reason"].item() == "published as test by bench"


def test_dicom_studies_are_dated_by_their_headers(workspace: Workspace, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    from isocenter.harmonize.dicom.miniature import write_series

    for number in range(6):
        for path in write_series(tmp_path / f"d/{number}", np.full((8, 8, 1), number, np.int16), np.eye(4), name=f"s{number}") or (tmp_path / f"d/{number}").rglob("*.dcm"):
            found = pydicom.dcmread(path)
            found.StudyDate, found.PatientID, found.StudyInstanceUID = f"20{10 + number}0305", f"p{number}", f"1.2.{number + 1}"
            found.save_as(path)
    adopt(workspace, "dated", tmp_path / "d", layout="dicom")
    scan(workspace, "dated")
    result = split(workspace, merge(workspace, ["dated"], name="all"), name="sides", ratio={"train": 0.5, "test": 0.5}, terms=Terms(by="date"))
    assert result.header["sides"]["spans"] == {"train": ["2010-03-05", "2012-03-05"], "test": ["2013-03-05", "2015-03-05"]}


@pytest.mark.parametrize("where", ["table", "path"])
def test_other_studies_are_dated_by_the_tables_and_the_paths_of_their_dataset(where: str, workspace: Workspace, tmp_path: Path) -> None:
    in_words, folder = ["2020-03-01", "March 2, 2020", "20200303", "2020/03/04 10:11", "5 Mar 2020", "07.03.2020"], tmp_path / "dated"
    for number in range(6):
        path = folder / ("" if where == "table" else f"2020030{number + 1}") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9), 30 * number, np.uint8)).save(path)
    (folder / "t.csv").write_text("file,Study Date\n" + "".join(f'{number}.png,"{text}"\n{number}.png,2001\n' for number, text in enumerate(in_words)))
    table = 'images = "{n}.png"\n[[tables]]\nname = "t"\nfile = "t.csv"\non = "{file}"\nto = "{name}"\n'
    (tmp_path / "l.toml").write_text(table if where == "table" else 'images = "{date}/{n}.png"\n')
    adopt(workspace, "dated", folder, layout=str(tmp_path / "l.toml"))
    scan(workspace, "dated")
    result = split(workspace, merge(workspace, ["dated"], name="all"), name="sides", ratio={"train": 0.5, "test": 0.5}, terms=Terms(by="date"))
    late = {sample[-5] for sample, side in side_of(result).items() if side == "test"}
    assert late == ({"2", "3", "4"} if where == "table" else {"3", "4", "5"}), "7.3.2020 may be in July and is not read, so the other row counts: 2001"
    assert result.header["sides"]["spans"]["test"] == (["2020-03-03", "2020-03-05"] if where == "table" else ["2020-03-04", "2020-03-06"])


def test_a_cohort_of_one_patient_says_that_a_side_is_empty(workspace: Workspace, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from isocenter.cli.main import cli

    (tmp_path / "one").mkdir()
    for number in range(3):
        Image.fromarray(np.full((9, 9), 60 * number, np.uint8)).save(tmp_path / f"one/{number}.png")
    (tmp_path / "one/t.csv").write_text("file,patient\n" + "".join(f"{number}.png,p\n" for number in range(3)))
    for arguments in (["adopt", "one", str(tmp_path / "one"), "--table", "t.csv"], ["scan", "one"], ["merge", "one", "--as", "all"]):
        assert CliRunner().invoke(cli, [*arguments, "-w", str(workspace.root)], standalone_mode=False).exception is None
    shown = CliRunner().invoke(cli, ["split", "all", "--as", "sides", "-w", str(workspace.root)]).output
    assert "1 component, the largest of 3" in shown
    assert "warning: nothing stands on val, test" in shown
