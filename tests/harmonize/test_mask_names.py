"""Masks whose values nothing names: scan and merge say which values and what to type, and what is typed gives them their meaning."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.mask_terms import MaskReader
from isocenter.harmonize.miniature import write_array
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.source import adopt

LAYOUT = 'image = "images/{case}.nii.gz"\nmask = "labels/{case}.nii.gz"\n'


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Two volumes with masks of 1 and 2, one whose mask has 1 only, one without a mask."""
    (tmp_path / "pairs.toml").write_text(LAYOUT)
    for number, values in enumerate(((1, 2), (1, 2), (1,), None)):
        write_array(tmp_path / f"data/images/v{number}.nii.gz", np.arange(512, dtype=np.int16).reshape(8, 8, 8) + number)
        if values is not None:
            mask = np.zeros((8, 8, 8), np.uint8)
            for value in values:
                mask[value * 2] = value
            write_array(tmp_path / f"data/labels/v{number}.nii.gz", mask)
    return tmp_path


def _run(workspace: Workspace, *words: str) -> str:
    result = CliRunner().invoke(cli, [*words, "-w", str(workspace.root)], catch_exceptions=False)
    return result.output


def _labels(workspace: Workspace) -> list[dict[str, str]]:
    return [dict(labels or {}) for labels in read_table(workspace.samples("v"), SAMPLES)["labels"]]


def test_values_without_names_are_told_with_a_command_that_names_them(workspace: Workspace, volumes: Path) -> None:
    adopt(workspace, "v", volumes / "data", layout=str(volumes / "pairs.toml"), license="CC-BY-4.0")
    told = _run(workspace, "scan", "v")
    assert "mask values 1, 2 of labels/{case}.nii.gz have no names" in told
    assert "the masks of 3 samples of v state nothing" in _run(workspace, "merge", "v", "--as", "c")
    command = shlex.split(re.search(r"isocenter (adopt .*) \(terms", told)[1])                    # type: ignore[index]
    assert "--license CC-BY-4.0" in " ".join(command)
    _run(workspace, *[word.replace("TERM", "hippocampus") for word in command])
    assert "no name" not in _run(workspace, "scan", "v")
    assert _labels(workspace) == [*[{"hippocampus": "present"}] * 3, {}]
    assert "state nothing" not in _run(workspace, "merge", "v", "--as", "d")


def test_one_structure_of_two_values_is_both_and_each_value_may_be_its_own(workspace: Workspace, volumes: Path) -> None:
    for terms, voxels in (({"1": "hippocampus", "2": "hippocampus"}, {"hippocampus": 128}), ({"1": "hippocampus", "2": "amygdala"}, {"hippocampus": 64, "amygdala": 64})):
        adopt(workspace, "v", volumes / "data", layout=str(volumes / "pairs.toml"), terms=terms)
        _run(workspace, "scan", "v")
        marks = [row for row in read_table(workspace.annotations("v"), ANNOTATIONS).to_dicts() if "v0" in row["uri"]]
        assert {term: int(mask.sum()) for term, mask in MaskReader(workspace, "v").read(marks).masks.items()} == voxels
    assert _labels(workspace)[2] == {"hippocampus": "present", "amygdala": "absent"}


def test_a_mask_with_a_value_that_is_still_unnamed_states_nothing(workspace: Workspace, volumes: Path) -> None:
    adopt(workspace, "v", volumes / "data", layout=str(volumes / "pairs.toml"), terms={"1": "hippocampus"})
    told = _run(workspace, "scan", "v")
    assert "mask value 2 of labels/{case}.nii.gz has no name" in told
    assert "--term 1=hippocampus --term 2=TERM" in told
    assert _labels(workspace) == [{}, {}, {"hippocampus": "present"}, {}]


def test_words_that_explain_nothing_are_refused_with_why(workspace: Workspace, volumes: Path) -> None:
    with pytest.raises(BadInput, match="the term 1=hippocampus explains nothing: layout folder reads no masks"):
        adopt(workspace, "v", volumes / "data", terms={"1": "hippocampus"})
    (volumes / "named.toml").write_text('image = "images/{case}.nii.gz"\n[[masks]]\npattern = "labels/{case}.nii.gz"\nterm = "liver"\n')
    with pytest.raises(BadInput, match="layout named says itself what its masks and boxes mean"):
        adopt(workspace, "v", volumes / "data", layout=str(volumes / "named.toml"), terms={"1": "hippocampus"})
