"""What a person settles decides instead of the proof, is kept, and is never asked again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.ndimage import gaussian_filter

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, Conflict
from isocenter.core.workspace import Workspace
from isocenter.curate.dedup import dedup
from isocenter.curate.groups import Pair
from isocenter.curate.settled import apply, read_verdicts, settled, write_form
from isocenter.harmonize.cohort import Cohort


def verdicts(pairs: list[Pair]) -> dict[tuple[str, str], str]:
    return {(pair.a, pair.b): pair.verdict for pair in pairs}


def test_a_verdict_takes_the_place_of_the_proofs_and_names_a_person() -> None:
    found = apply([Pair("a", "b", "thumbnail", 0.6, "unsettled", "{}"), Pair("c", "d", "thumbnail", 0.9, "same", "{}")], {("a", "b"): "same", ("c", "d"): "different"})
    assert [(pair.net, pair.score, pair.verdict) for pair in found] == [("person", 1.0, "same"), ("person", 0.0, "different")]


def test_a_verdict_on_a_pair_that_no_net_found_counts_too() -> None:
    assert verdicts(apply([], {("a", "b"): "same"})) == {("a", "b"): "same"}


def test_what_is_said_of_a_picture_holds_for_its_exact_copies() -> None:
    pairs = [Pair("a", "a2", "file", 1.0, "same"), Pair("a", "b", "thumbnail", 0.6, "unsettled", "{}")]
    assert verdicts(apply(pairs, {("a2", "b"): "different"})) == {("a", "a2"): "same", ("a", "b"): "different"}
    with pytest.raises(Conflict, match="files or pixels are equal"):
        apply(pairs, {("a", "a2"): "different"})


def test_pictures_told_apart_are_not_joined_through_a_third_the_weakest_link_is_open_again() -> None:
    pairs = [Pair("a", "b", "thumbnail", 0.99, "same", "{}"), Pair("b", "c", "thumbnail", 0.95, "same", "{}")]
    assert verdicts(apply(pairs, {("a", "c"): "different"})) == {("a", "b"): "same", ("b", "c"): "unsettled", ("a", "c"): "different"}
    with pytest.raises(Conflict, match="by way of b"):
        apply(pairs, {("a", "b"): "same", ("b", "c"): "same", ("a", "c"): "different"})


def test_a_form_keeps_the_verdicts_that_were_entered_and_counts_pages_by_rows(tmp_path: Path) -> None:
    form = tmp_path / "unsettled.csv"
    pairs = [Pair(f"a{i}", f"b{i}", "thumbnail", 0.5, "unsettled", "{}") for i in range(6)]
    write_form(form, pairs, rows_on_page=4, shown=5)
    assert [line.split(",")[:2] for line in form.read_text().splitlines()[1:]] == [["1", "1"], ["1", "2"], ["1", "3"], ["1", "4"], ["2", "1"], ["", ""]]
    form.write_text(form.read_text().replace("a2,b2,", "a2,b2,Same "))
    write_form(form, pairs[1:], rows_on_page=4, shown=5)
    assert read_verdicts(form) == {("a2", "b2"): "same"}


def test_a_verdict_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("a,b,verdict\nx,y,same\nx,z,maybe\n")
    with pytest.raises(BadInput) as error:
        read_verdicts(tmp_path / "v.csv")
    assert str(error.value.where).endswith("line 3")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Four pictures, and a cropped JPEG copy of the first."""
    (tmp_path / "data").mkdir()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        field = sum(gaussian_filter(rng.normal(size=(160, 160)), s) * s for s in (1, 3, 9))
        pixels = ((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{seed}.png")
        if seed == 0:
            Image.fromarray(pixels[8:, :150]).save(tmp_path / "data" / "cut.jpg", quality=80)
    for words in (["init", str(tmp_path / "w")], ["adopt", "d", str(tmp_path / "data"), "-w", str(tmp_path / "w")], ["scan", "d", "-w", str(tmp_path / "w")],
                  ["merge", "d", "--as", "films", "-w", str(tmp_path / "w")]):
        assert CliRunner().invoke(cli, words).exit_code == 0
    return tmp_path


def test_settled_pairs_decide_on_the_next_run_stay_settled_and_stand_in_the_cohorts_header(films: Path) -> None:
    workspace = Workspace.open(films / "w")
    first = dedup(workspace, Cohort.open(workspace, "films"), name="unique")
    assert first.dropped == 1
    (films / "v.csv").write_text("a,b,verdict\nd@unversioned/cut.jpg,d@unversioned/0.png,different\nd@unversioned/1.png,d@unversioned/2.png,same\nd@unversioned/1.png,d@unversioned/9.png,same\n")
    words = ["dedup", "films", "--as", "unique", "--settle", str(films / "v.csv"), "-w", str(films / "w"), "--json"]
    dry = json.loads(CliRunner().invoke(cli, [*words, "--dry-run"]).stdout)
    assert settled(workspace) == {}
    body = json.loads(CliRunner().invoke(cli, words).stdout)
    assert body["pairs"] == dry["pairs"] == [{"net": "person", "verdict": "different", "pairs": 1}, {"net": "person", "verdict": "same", "pairs": 1}]
    assert len(settled(workspace)) == 3
    assert body["verdicts_elsewhere"] == 1
    again = dedup(workspace, Cohort.open(workspace, "films"), name="again")
    kept = set(again.cohort.table["sample_id"])
    assert {"d@unversioned/cut.jpg", "d@unversioned/0.png"} <= kept
    assert "d@unversioned/2.png" not in kept
    assert again.cohort.header["parameters"]["settled"] == [["d@unversioned/0.png", "d@unversioned/cut.jpg", "different"], ["d@unversioned/1.png", "d@unversioned/2.png", "same"]]


def test_the_same_search_is_not_made_twice(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.open(films / "w")
    first = dedup(workspace, Cohort.open(workspace, "films"), name="unique")
    monkeypatch.setattr("isocenter.curate.near.find", None)
    assert dedup(workspace, Cohort.open(workspace, "films"), name="again").pairs == first.pairs
    with pytest.raises(TypeError):
        dedup(workspace, Cohort.open(workspace, "films"), name="other", seed=1)
