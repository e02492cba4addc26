"""What a user imports goes into the workspace's own facts, resolved against the catalog, and can be imported again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, NotFound
from isocenter.core.workspace import Workspace
from isocenter.registry.assemble import assemble
from isocenter.registry.catalog import catalog_query
from isocenter.registry.choose import choose
from isocenter.registry.importers import IMPORTERS, idc
from isocenter.registry.importing import import_source
from isocenter.registry.record import Claim, Record
from isocenter.registry.reg import reg_task
from isocenter.registry.resolve import Names
from isocenter.registry.vocabulary import load

TABLE = "Dataset;Imaging type;Organ;Cases;Licence\nMy Liver Set;CT;Liver;120;CC BY-NC 4.0\nLiTS;CT;Liver;201;\nBraTS;MR;Brain;5;\n"
MAPPING = 'name = "Dataset"\nmodality = "Imaging type"\nanatomy = "Organ"\nn_samples = "Cases"\nlicence = "Licence"\n'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TABLE)
    (tmp_path / "map.toml").write_text(MAPPING)
    return path


def options(table: Path) -> dict[str, str]:
    return {"map": str(table.with_name("map.toml"))}


def test_new_datasets_known_ones_and_ambiguous_names_are_told_apart(workspace: Workspace, table: Path) -> None:
    done = import_source(workspace, "table", table, options(table))
    assert done.new == ["my-liver-set"]
    assert done.known == ["lits"]
    assert [issue.code for issue in done.issues.all] == ["ambiguous-name"]


def test_an_imported_dataset_is_shown_with_its_licence(workspace: Workspace, table: Path) -> None:
    import_source(workspace, "table", table, options(table))
    entry: dict[str, Any] = json.loads(CliRunner().invoke(cli, ["show", "My Liver Set", "-w", str(workspace.root), "--json"], catch_exceptions=False).stdout)
    assert (entry["n_samples"], entry["licence"]["id"]) == (120, "CC-BY-NC-4.0")
    assert entry["licence"]["allows"]["commercial"] == "no"


def test_a_cell_that_cannot_be_read_is_told_and_kept_as_a_doubted_claim(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("name,modality,anatomy,n_samples,access,year\nX,Foo,Bar,abc,free,soon\n")
    done = import_source(workspace, "table", tmp_path / "odd.csv", {})
    assert {issue.path[-1] for issue in done.issues.all} == {"modality", "anatomy", "n_samples", "access", "year"}
    with catalog_query(workspace) as query:
        claims = {row["field"]: (row["value"], row["doubt"]) for row in query("SELECT field, value, doubt FROM assertion WHERE slug = 'x'")}
    assert claims["n_samples cell"] == ("abc", "'abc' is no number")
    assert claims["modality cell"][0] == "Foo"


def test_a_column_that_no_field_is_called_by_is_named_once(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("name,organ\nX,Liver\nY,Liver\n")
    assert [(issue.path[-1], "organ" in issue.message) for issue in import_source(workspace, "table", tmp_path / "odd.csv", {}).issues.all] == [("header", True)]


@pytest.mark.parametrize("importer", ["table", "croissant", "hf-card", "imaging-x", "idc"])
def test_a_file_that_is_not_there_is_called_so(workspace: Workspace, tmp_path: Path, importer: str) -> None:
    with pytest.raises(NotFound, match="there is no such file"):
        import_source(workspace, importer, tmp_path / "nothing", {})


def test_importing_again_replaces_and_does_not_double(workspace: Workspace, table: Path) -> None:
    first = import_source(workspace, "table", table, options(table))
    before = {path.name: path.read_bytes() for path in workspace.facts.glob("*.csv")}
    import_source(workspace, "table", table, options(table))
    assert {path.name: path.read_bytes() for path in workspace.facts.glob("*.csv")} == before
    table.write_text(TABLE.replace("120", "130"))
    import_source(workspace, "table", table, options(table))
    with catalog_query(workspace) as query:
        assert query(f"SELECT n_samples FROM dataset WHERE slug = '{first.new[0]}'") == [{"n_samples": 130}]


def test_a_dry_run_writes_nothing(workspace: Workspace, table: Path) -> None:
    done = CliRunner().invoke(cli, ["catalog", "import", "table", str(table), "--option", f"map={table.with_name('map.toml')}", "-w", str(workspace.root), "--dry-run"])
    assert "1 new dataset, further claims on 1 known one, 1 doubtful cell or name\n(dry run: nothing written)" in done.output
    assert not workspace.facts.exists()


def test_a_users_claim_does_not_hide_what_others_say(workspace: Workspace, table: Path) -> None:
    table.write_text(TABLE.replace("201", "7"))
    import_source(workspace, "table", table, options(table))
    with catalog_query(workspace) as query:
        assert query("SELECT n_samples FROM dataset WHERE slug = 'lits'") == [{"n_samples": 7}]       # read by the user: better than second-hand
        assert len(query("SELECT * FROM conflict WHERE slug = 'lits' AND field = 'n_samples'")) == 1


def test_an_impossible_cell_is_kept_and_not_believed(workspace: Workspace, tmp_path: Path) -> None:
    table = tmp_path / "skin.csv"
    table.write_text("name,modality,anatomy,finding\nNew skin set,Dermoscopy,Skin,Diabetic retinopathy\n")
    done = import_source(workspace, "table", table, {})
    assert [issue.code for issue in done.issues.all] == ["impossible"]
    with catalog_query(workspace) as query:
        terms = {row["term"] for row in query("SELECT term FROM dataset_term WHERE slug = 'new-skin-set'")}
    assert terms == {"dermoscopy", "skin"}


@pytest.mark.parametrize(("mapping", "said"), [('name = "No such"', "no column 'No such'"), ('colour = "Organ"', "no field 'colour'"), ("name = ", "cannot be read"), ("", "no column gives the name")])
def test_a_mapping_that_does_not_fit_is_explained(workspace: Workspace, table: Path, mapping: str, said: str) -> None:
    table.with_name("map.toml").write_text(mapping)
    with pytest.raises(BadInput, match=said):
        import_source(workspace, "table", table, options(table))


def test_a_new_importer_is_one_file_in_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    folder = workspace.plugins / "importers"
    folder.mkdir(parents=True)
    (folder / "one_name_a_line.py").write_text(
        "from isocenter.registry.record import Record\n"
        "SOURCE = {'source_id': 'lines', 'name': 'A list', 'rank': 9}\n"
        "def records(path, vocabulary, options):\n"
        "    for number, line in enumerate(path.read_text().splitlines(), 1):\n"
        "        yield Record('lines', f'line {number}', line)\n")
    (tmp_path / "list.txt").write_text("Brand New Set\nLiTS\n")
    done = import_source(workspace, "one-name-a-line", tmp_path / "list.txt", {})
    assert (done.new, done.known) == (["brand-new-set"], ["lits"])


def test_an_unknown_importer_is_answered_with_the_known_ones(workspace: Workspace, table: Path) -> None:
    done = CliRunner().invoke(cli, ["catalog", "import", "tabel", str(table), "-w", str(workspace.root)])
    assert "did you mean table" in str(done.exception)


def test_the_index_of_idc_is_read_from_its_distribution() -> None:
    pytest.importorskip("idc_index_data")
    found = {record.name: record for record in IMPORTERS.get("idc").records(idc.folder(), load())}
    claims = {claim.field: claim.value for claim in found["TCGA-GBM"].claims}
    assert len(found) > 190
    assert claims["access"] == "open"
    assert int(claims["n_series"]) > 100
    assert ("modality", "ct", "modality cell") in found["4D-Lung"].terms


def test_one_name_in_several_rows_is_one_dataset_with_all_their_claims() -> None:
    rows = [Record("s", "row 1", "One", (Claim("year", "2019"),)), Record("s", "row 2", "one", (Claim("year", "2019"), Claim("year", "2020")))]
    done = assemble(rows, Names())
    assert list(done.datasets) == ["one"]
    assert {(row["value"], row["evidence"]) for row in done.assertions.values()} == {("2019", "row 1; row 2"), ("2020", "row 2")}


def test_the_chosen_claim_follows_confidence_then_source_and_never_a_doubted_one() -> None:
    def claim(value: str, source: str, confidence: str, doubt: str | None = None) -> dict[str, Any]:
        return {"slug": "a", "field": "year", "value": value, "source": source, "confidence": confidence, "doubt": doubt, "chosen": False}

    dataset: dict[str, Any] = dict.fromkeys(("homepage", "doi", "access", "how_to_get", "year"), None) | {"slug": "a"}
    claims = [claim("2001", "best", "second-hand"), claim("2002", "worse", "read"), claim("2003", "best", "read", "impossible"), claim("2004", "worst", "read")]
    choose({"source": [{"source_id": name, "rank": rank} for rank, name in enumerate(("best", "worse", "worst"))], "assertion": claims, "dataset": [dataset], "access_rule": []})
    assert dataset["year"] == 2002
    assert [row["chosen"] for row in claims] == [False, True, False, False]


def test_access_that_nobody_states_comes_from_the_rule_of_the_host() -> None:
    with catalog_query() as query:
        rows = query("SELECT slug, access, how_to_get FROM dataset WHERE homepage LIKE '%openneuro.org%'")
    assert {row["access"] for row in rows} == {"open"}
    assert all(row["how_to_get"] for row in rows)


@pytest.mark.parametrize(("row", "cell", "task"), [
    ("Learn2Reg Lung CT https://learn2reg.grand-challenge.org", "Reg", "registration"), ("x", "Reg/lmk", "registration"), ("HRF Quality Assessment", "Reg", "regression"),
    ("AOMIC-ID1000 https://openneuro.org", "Reg", None), ("Bone age registration", "Reg", None),
])
def test_reg_is_read_from_the_words_beside_it(row: str, cell: str, task: str | None) -> None:
    assert reg_task(row, cell) == task
