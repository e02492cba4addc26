"""isocenter reports: the reports of a dataset become annotations, from the columns of its tables or from text files."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, NotFound

REPORTS = {
    "1": ("The heart is enlarged. No pneumothorax.", "Cardiomegaly."),
    "2": ("Small left pleural effusion. Opacity may represent pneumonia.", ""),
}
BY_TABLE = """description = "films with reports"
evidence = "made by the test"
modality = "X-ray"
images = "images/{patient}_IM-{rest}.png"
[[tables]]
name = "reports"
file = "reports.csv"
on = "uid"
to = "{patient}"
"""
BY_FILE = """description = "films with reports"
evidence = "made by the test"
modality = "X-ray"
images = "images/{patient}_IM-{rest}.png"
"""


def run(*arguments):
    result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture
def data(tmp_path):
    """Two films of patient 1, one of patient 2, one of patient 3 who has no report."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "texts").mkdir()
    for number, name in enumerate(("1_IM-0001", "1_IM-0002", "2_IM-0001", "3_IM-0001")):
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (20, 20), dtype=np.uint8)).save(tmp_path / "data" / "images" / f"{name}.png")
    lines = ["uid,findings,impression"] + [f'{uid},"{findings}","{impression}"' for uid, (findings, impression) in REPORTS.items()]
    (tmp_path / "data" / "reports.csv").write_text("\n".join(lines))
    for uid, (findings, _) in REPORTS.items():
        (tmp_path / "data" / "texts" / f"s{uid}.txt").write_text(f"FINDINGS: {findings}")
    return tmp_path


def scanned(data, layout):
    (data / "films.toml").write_text(layout)
    where = ["--workspace", str(data / "work")]
    run("init", str(data / "work"))
    run("adopt", "films", str(data / "data"), "--layout", str(data / "films.toml"), *where)
    run("scan", "films", *where)
    return where


def annotations(data):
    return pl.read_parquet(data / "work" / "annotations" / "films.parquet").sort("sample_id", "term").to_dicts()


def test_columns_of_a_table_are_one_report_for_every_film_of_the_patient(data):
    where = scanned(data, BY_TABLE)
    result = run("reports", "films", "--json", *where)
    assert (json.loads(result.output)["reports"], json.loads(result.output)["without"], int(result.return_value)) == (3, 1, 3)
    found = {(row["sample_id"].rpartition("/")[2], row["term"]): row for row in annotations(data)}
    for film in ("1_IM-0001.png", "1_IM-0002.png"):
        assert found[film, "cardiomegaly"]["state"] == "present"
        assert found[film, "pneumothorax"]["state"] == "absent"
    doubt = found["2_IM-0001.png", "pneumonia"]
    said = json.loads(doubt["geometry"])
    text = REPORTS["2"][0]
    assert (doubt["state"], said["certainty"], text[said["span"][0]:said["span"][1]]) == ("uncertain", "possible", "pneumonia")
    assert (doubt["annotator"], doubt["machine_made"], doubt["uri"]) == ("isocenter report rules/1", True, "reports.csv#findings+impression")


def test_text_files_are_paired_by_their_tokens(data):
    where = scanned(data, BY_FILE)
    run("reports", "films", "--files", "texts/s{patient}.txt", *where)
    assert {(row["sample_id"].rpartition("/")[2], row["uri"]) for row in annotations(data)} == {
        ("1_IM-0001.png", "texts/s1.txt"), ("1_IM-0002.png", "texts/s1.txt"), ("2_IM-0001.png", "texts/s2.txt")}


def test_a_second_run_replaces_its_rows_and_a_dry_run_writes_none(data):
    where = scanned(data, BY_TABLE)
    run("reports", "films", "--dry-run", *where)
    assert annotations(data) == []
    run("reports", "films", *where)
    before = annotations(data)
    run("reports", "films", *where)
    assert annotations(data) == before


def test_a_labeller_of_ones_own_is_a_file(data):
    where = scanned(data, BY_TABLE)
    plugin = data / "work" / "plugins" / "report labeller" / "mine.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("from isocenter.harmonize.reports import Mention\nversion = '7'\ndef label(text):\n    return [Mention('pneumonia', 'absent', 0, 3)]\n")
    run("reports", "films", *where)
    run("reports", "films", "--by", "mine", *where)
    assert {row["annotator"] for row in annotations(data)} == {"isocenter report rules/1", "isocenter report mine/7"}


@pytest.mark.parametrize(("layout", "arguments", "message"), [
    (BY_TABLE, ["--column", "narrative"], "no table of this dataset holds reports"), (BY_FILE, [], "no table of this dataset holds reports"),
    (BY_FILE, ["--files", "nowhere/{patient}.txt"], "no file matches"), (BY_FILE, ["--files", "texts/{other}.txt"], "shares no token"),
])
def test_where_there_are_no_reports_the_command_says_so(data, layout, arguments, message):
    where = scanned(data, layout)
    with pytest.raises(BadInput, match=message):
        run("reports", "films", *arguments, *where)


def test_a_dataset_that_is_not_scanned_is_named(data):
    where = scanned(data, BY_FILE)
    run("adopt", "other", str(data / "data"), *where)
    with pytest.raises(NotFound, match="isocenter scan other"):
        run("reports", "other", *where)


@pytest.mark.parametrize("key", ['[reports]\nfiles = "texts/s{patient}.txt"\n', '[reports]\ncolumns = ["impression"]\n'])
def test_a_layout_says_where_its_reports_stand(data, key):
    where = scanned(data, BY_TABLE + key)
    assert json.loads(run("reports", "films", "--json", *where).output)["reports"] == (3 if "files" in key else 2)
    terms = {row["term"] for row in annotations(data)}
    assert ("pneumothorax" in terms) == ("files" in key)          # the findings deny it, the impression does not mention it
    assert "cardiomegaly" in terms
    assert json.loads(run("reports", "films", "--column", "findings", "--json", *where).output)["reports"] == 3


def test_reports_that_stand_in_two_places_are_refused(data):
    with pytest.raises(BadInput, match="one of them"):
        scanned(data, BY_TABLE + '[reports]\nfiles = "texts/s{patient}.txt"\ncolumns = ["impression"]\n')
