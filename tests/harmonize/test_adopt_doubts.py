"""What a user states of a dataset and nobody knows is said, and nothing that is adopted is put out of sight unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import Conflict
from isocenter.core.workspace import Workspace
from isocenter.harmonize.adopt_doubts import doubts
from isocenter.harmonize.source import adopt, open_source

LAYOUT = 'images = "{finding}/{file}"\n[[labels]]\ntoken = "finding"\nmode = "exclusive"\nvalues = { a = "livr", b = "spleen" }\n'


@pytest.mark.parametrize(("stated", "told"), [
    ({"dataset": "nih-chest-x-ray-15"}, "no dataset 'nih-chest-x-ray-15' (did you mean nih-chest-x-ray-14?)"), ({"license": "CC-BUY-4.0"}, "did you mean CC-BY-4.0?"),
    ({"layout": "organs.toml"}, "classes of their own: livr (did you mean liver?)"),
])
def test_what_nobody_knows_is_said_with_what_was_meant(stated: dict[str, str], told: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("organs.toml").write_text(LAYOUT)
    (found,) = doubts(workspace, adopt(workspace, "mine", tmp_path, **stated))  # type: ignore[arg-type]
    assert told in found
    assert "spleen" not in found


def test_names_of_ones_own_and_known_statements_raise_no_doubt(workspace: Workspace, tmp_path: Path) -> None:
    assert doubts(workspace, adopt(workspace, "our-ward", tmp_path, license="cc by 4.0")) == []
    assert doubts(workspace, adopt(workspace, "mine", tmp_path, dataset="NIH-ChestXray14", license="see website")) == []


def test_another_folder_takes_no_name_unless_asked(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    call = ["adopt", "chest", str(tmp_path / "two"), "-w", str(workspace.root)]
    adopt(workspace, "chest", tmp_path / "one")
    assert isinstance(CliRunner().invoke(cli, call).exception, Conflict)
    assert open_source(workspace, "chest").root == tmp_path / "one"
    assert CliRunner().invoke(cli, [*call, "--force"]).exit_code == 0
    (tmp_path / "two").rename(tmp_path / "moved")
    assert CliRunner().invoke(cli, ["adopt", "chest", str(tmp_path / "moved"), "-w", str(workspace.root)]).exit_code == 0
