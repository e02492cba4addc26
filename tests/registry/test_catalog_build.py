"""The text facts become the catalog: the same rows every time, and the tracked file is what they build."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import duckdb
import pytest

from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.registry import catalog
from isocenter.registry.build import build, facts_files, load, read_facts, write_facts
from isocenter.registry.models import SCHEMA_VERSION, Base

ROOT = Path(catalog.__file__).resolve().parents[1]
DATASETS = [{"slug": "mine", "name": "Mine"}, {"slug": "other", "name": "Other"}]


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    build([catalog.SHIPPED_FACTS], target)
    return target


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in Base.metadata.tables}


def facts(folder: Path, **tables: list[dict[str, object]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        write_facts(name, rows, folder / f"{name}.csv")
    return folder


def test_the_tracked_catalog_is_what_the_facts_build(rebuilt: Path) -> None:
    assert contents(catalog.packaged()) == contents(rebuilt)


def test_building_twice_gives_equal_content(rebuilt: Path, tmp_path: Path) -> None:
    build([catalog.SHIPPED_FACTS], tmp_path / "again.duckdb")
    assert contents(tmp_path / "again.duckdb") == contents(rebuilt)


def test_the_tracked_catalog_stays_small() -> None:
    assert catalog.packaged().stat().st_size < 8_000_000


def test_reading_and_building_agree_on_the_schema() -> None:
    assert str(SCHEMA_VERSION) == catalog.SCHEMA


@pytest.mark.parametrize("path", sorted(catalog.SHIPPED_FACTS.glob("*.csv")), ids=lambda path: path.name)
def test_facts_are_text_with_one_row_a_line(path: Path) -> None:
    data = path.read_bytes()
    assert b"\r" not in data
    assert data.endswith(b"\n")


@pytest.mark.parametrize("table", Base.metadata.tables)
def test_facts_are_sorted_by_key(table: str) -> None:
    model = Base.metadata.tables[table]
    for path in facts_files(table, catalog.SHIPPED_FACTS):
        keys = [tuple(row[column.name] for column in model.primary_key.columns) for row in read_facts(model, path)]
        assert keys == sorted(keys), path.name


def test_a_later_folder_replaces_rows_of_the_same_key(tmp_path: Path) -> None:
    first = facts(tmp_path / "a", dataset=DATASETS)
    second = facts(tmp_path / "b", dataset=[{"slug": "mine", "name": "Renamed"}])
    assert [row["name"] for row in load([first, second])["dataset"]] == ["Renamed", "Other"]


def test_a_column_that_the_table_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_text("slug,name,colour\na,A,red\n")
    with pytest.raises(BadInput, match="no column colour"):
        load([tmp_path])


def test_a_value_of_the_wrong_type_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "corpus.csv").write_text("corpus_id,name,n_stated\na,A,many\n")
    with pytest.raises(BadInput) as caught:
        load([tmp_path])
    assert "line 2" in str(caught.value)


def test_two_rows_of_one_key_in_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_text("slug,name\na,A\na,B\n")
    with pytest.raises(BadInput, match="two rows a"):
        load([tmp_path])


def test_text_with_line_breaks_and_quotes_survives(tmp_path: Path) -> None:
    note = 'two\nlines, "quoted"'
    folder = facts(tmp_path, artifact=[{"artifact_id": "x", "title": note}])
    assert load([folder])["artifact"][0]["title"] == note
    assert len((folder / "artifact.csv").read_text().splitlines()) == 2


def test_a_workspace_without_facts_reads_the_packaged_catalog(tmp_path: Path) -> None:
    assert catalog.catalog_path(Workspace.create(tmp_path)) == catalog.packaged()


def test_a_workspace_catalog_is_the_shipped_facts_and_its_own_rebuilt_when_they_change(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    facts(workspace.facts, dataset=[{"slug": "mine", "name": "Mine"}])
    path = catalog.catalog_path(workspace)
    made = path.stat().st_mtime_ns
    with catalog.catalog_query(workspace) as query:
        assert {row["slug"] for row in query("SELECT slug FROM dataset WHERE slug IN ('mine', 'lits')")} == {"mine", "lits"}
    assert path.stat().st_mtime_ns == made                    # nothing changed: nothing was built
    facts(workspace.facts, dataset=DATASETS)
    with catalog.catalog_query(workspace) as query:
        assert query("SELECT name FROM dataset WHERE slug = 'other'") == [{"name": "Other"}]


def test_a_catalog_of_another_schema_is_refused(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "old.duckdb")) as connection:
        connection.execute("CREATE TABLE catalog_info AS SELECT 'schema' AS item, '0' AS value")
    with pytest.raises(BadInput, match="schema 0"), catalog.catalog_query(path=tmp_path / "old.duckdb"):
        pass


def test_a_wheel_made_from_the_source_distribution_and_installed_elsewhere_opens_its_catalog(tmp_path: Path) -> None:
    """Tracked files → sdist → wheel → unpacked, and run from another folder without this checkout on the path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    copy = tmp_path / "checkout"
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    _make("build_sdist", copy)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    source = next((tmp_path / "sdist").iterdir())
    _make("build_wheel", source)
    site = tmp_path / "site"
    zipfile.ZipFile(next((tmp_path / "sdist").glob("*.whl"))).extractall(site)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    code = (f"import sys; sys.path[:0] = [{str(site)!r}, {libraries!r}]\n"
            "import isocenter.registry.catalog as c\n"
            "with c.catalog_query() as query: print(c.packaged(), query('SELECT count(*) AS n FROM dataset')[0]['n'], len(list(c.SHIPPED_FACTS.glob('*.csv'))))")
    answer = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    path, datasets, files = answer.stdout.split()
    assert path.startswith(str(site))
    assert int(datasets) >= 1200
    assert int(files) >= 15


def _make(what: str, folder: Path) -> None:
    """Run one hook of the build backend in `folder`; the result lies beside it."""
    made = subprocess.run([sys.executable, "-c", f"from setuptools import build_meta; build_meta.{what}('..')"], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
