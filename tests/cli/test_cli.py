"""The command line as scripts see it: exit status, one JSON object, help, and a how-to for every verb."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.workspace import Workspace
from isocenter.curate.demo import prepare

ROOT = Path(__file__).parents[2]
VERBS = cli.list_commands(None)  # type: ignore[arg-type]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = "from isocenter.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the demo's two film collections are adopted and scanned."""
    root = tmp_path_factory.mktemp("cli")
    recipe, data = prepare(Workspace.create(root / "ws"))
    for name in ("north", "south"):
        done = run("adopt", name, str(data[name]), "--layout", str(recipe.parent / f"{name}.toml"), "-w", str(root / "ws"))
        assert done.returncode == 0, done.stderr
        assert run("scan", name, "-w", str(root / "ws")).returncode == 0
    return root


def test_each_verb_takes_a_cohort_and_leaves_one(films: Path) -> None:
    steps = [
        ("merge", "north", "south", "--as", "all"), ("dedup", "all", "--exact", "--as", "unique"), ("split", "unique", "--as", "sides"),
        ("select", "sides", "--by", "stratified", "--budget", "9", "--as", "few"), ("export", "few", str(films / "out")), ("explain", "few", "f001.png"),
    ]
    for step in steps[:5]:
        done = run(*step, "-w", str(films / "ws"), "--json")
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), dict)
    assert json.loads(run("verify", str(films / "out"), "--json").stdout) == {"folder": str(films / "out"), "complete": True, "defects": []}
    assert json.loads(run("status", "-w", str(films / "ws"), "--json").stdout)["cohorts"][0]["name"] == "all"


def test_the_last_line_says_what_to_type_next(films: Path) -> None:
    done = run("merge", "north", "--as", "n", "--workspace", str(films / "ws"))
    assert done.stdout.splitlines()[-1] == f"next: isocenter dedup n --as n-unique --workspace {films / 'ws'}"


def test_a_dry_run_writes_nothing_says_so_and_sends_nobody_to_what_is_not_there(films: Path) -> None:
    before = sorted(path for path in (films / "ws").rglob("*"))
    assert run("merge", "north", "--as", "dry", "-w", str(films / "ws"), "--dry-run").stdout.splitlines()[-1] == "(dry run: nothing written)"
    assert run("harmonize", "north", "-w", str(films / "ws"), "--dry-run").stdout.splitlines()[-1] == f"next: isocenter harmonize north --workspace {films / 'ws'}"
    assert sorted(path for path in (films / "ws").rglob("*")) == before


@pytest.mark.parametrize(("arguments", "status"), [
    (("--help",), 0), (("--version",), 0), (("scan", "nothing"), 1), (("scan",), 2), (("serch", "x"), 2), (("merge", "north", "--colour", "red", "--as", "x"), 2),
    (("split", "few", "--ratio", "half", "--as", "x"), 2),
])
def test_exit_statuses(films: Path, arguments: tuple[str, ...], status: int) -> None:
    done = run(*arguments, cwd=films / "ws")
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_a_dataset_with_broken_files_is_done_with_status_3(films: Path) -> None:
    (films / "broken").mkdir(exist_ok=True)
    (films / "broken/x.png").write_bytes(b"nothing")
    run("adopt", "broken", str(films / "broken"), "-w", str(films / "ws"))
    done = run("scan", "broken", "-w", str(films / "ws"), "--json")
    assert (done.returncode, json.loads(done.stdout)["error_rows"]) == (3, [{"path": "x.png", "error": "named like an image, but no reader knows its content"}])


def test_an_expected_failure_is_three_lines_and_one_object(films: Path) -> None:
    done = run("scan", "north2", "-w", str(films / "ws"), "--json")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()] == ["error", "where", "try"]
    assert json.loads(done.stdout)["error"]["kind"] == "NotFound"


def test_the_current_folder_never_becomes_a_workspace_unasked(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path)
    assert done.returncode == 1
    assert "isocenter init" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_verb_is_guessed() -> None:
    assert "did you mean merge?" in run("merg").stderr


def test_a_table_beside_a_folder_is_enough(films: Path, tmp_path: Path) -> None:
    folder = films / "ws/demo/data/north"
    done = run("adopt", "easy", str(folder), "--table", "films.csv", "--label", "finding:exclusive", "-w", str(tmp_path / "w"))
    assert done.returncode == 0, done.stderr
    assert run("scan", "easy", "-w", str(tmp_path / "w")).returncode == 0
    merged = json.loads(run("merge", "easy", "--as", "m", "-w", str(tmp_path / "w"), "--json").stdout)
    assert merged["coverage"]["pneumonia"] == {"present": 8, "absent": 16, "uncertain": 0, "not_annotated": 0}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_a_how_to(verb: str) -> None:
    shown = CliRunner().invoke(cli, [verb, "--help"]).output
    assert re.search(r"^  [A-Z].{15,}", shown, re.MULTILINE), shown
    pages = [page.name for page in (ROOT / "docs/how-to").glob("*.md") if page.name != "README.md" and re.search(rf"^isocenter {verb}\b", page.read_text(), re.MULTILINE)]
    assert pages, f"no page of docs/how-to shows `isocenter {verb}`"


def test_the_index_of_how_tos_lists_every_page() -> None:
    pages = {page.name for page in (ROOT / "docs/how-to").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/how-to/README.md").read_text())) == pages


def test_every_link_of_the_docs_leads_somewhere() -> None:
    broken = [f"{page.relative_to(ROOT)}: {link}" for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
              for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()) if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_an_option_of_another_tool_suggests_ours(films: Path) -> None:
    shown = run("export", "all", "out", "--format", "coco", "--workspace", str(films / "ws"))
    assert shown.returncode == 2
    assert "no option --format; did you mean --to?" in shown.stderr


def test_one_kind_of_plug_in_may_be_asked_for_in_the_singular() -> None:
    assert run("plugins", "strategy").stdout == run("plugins", "strategies").stdout != ""
