"""`export` and `verify` as they are typed: what they print, and the status that they leave with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

from isocenter.cli.main import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a cohort `all` of two films."""
    (tmp_path / "films").mkdir()
    for number in range(2):
        Image.fromarray(np.full((8, 8), number * 90 + np.arange(8), np.uint8)).save(tmp_path / f"films/{number}.png")
    (tmp_path / "films.toml").write_text(tomli_w.dumps({"images": "{name}.{kind}", "modality": "X-ray"}))
    monkeypatch.chdir(tmp_path)
    for words in ("init work", "adopt films films --layout films.toml -w work", "scan films -w work", "merge films --as all -w work"):
        assert _run(words) == 0
    return tmp_path


def _run(words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    return int(left.value.code or 0)


def test_a_dry_run_writes_nothing_and_the_export_says_what_to_type_next(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export all out -w work --dry-run") == 0
    assert "2 samples, 2 files" in capsys.readouterr().out
    assert not (home / "out").exists()
    assert not (home / "work/pseudonyms").exists()
    assert _run("export all out -w work") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: isocenter verify out"
    assert _run("verify out") == 0
    assert capsys.readouterr().out == "out: complete\n"


def test_a_refusal_names_itself_and_the_way_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("export all out --use share --to nnunet -w work") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: refused for 2 reasons:")
    assert "licence: use 'share' is not allowed" in error
    assert re.search(r"unfit: 2 of 2 samples do not fit this format: films@\S+ has no readable mask \(only test samples may have none\), like 1 more", error)
    assert "unfit: another --to (isocenter plugins exporters)" in error, "nothing would be left"


def test_the_ledger_is_told_with_its_reasons(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.zeros((6, 5), np.uint8)).save(home / "films/3.tif")
    assert [_run(text) for text in ("scan films -w work", "merge films --as all --force -w work")] == [0, 0]
    capsys.readouterr()
    for _ in range(2):
        assert _run("export all out --to webdataset -w work") == 0
        assert "\n  changed, 1 sample: written as PNG (tiff as published)\n" in capsys.readouterr().out, "also of an export that is there"


def test_a_broken_file_leaves_status_3_and_a_tampered_export_status_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "films/1.png").unlink()
    assert _run("export all out --json -w work") == 3
    body = json.loads(capsys.readouterr().out)
    assert (body["samples"], body["unreadable"], body["ledger"]) == (1, 1, {"left out": 1})
    (home / "out/LICENSES.md").write_text("mine now")
    assert _run("verify out --json") == 1
    assert json.loads(capsys.readouterr().out)["defects"] == ["LICENSES.md has changed"]
