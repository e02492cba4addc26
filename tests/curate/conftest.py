"""Films and a DICOM series that name persons, for tests of what leaves a workspace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

AFFINE = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)


@pytest.fixture
def films(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Four films of three patients; the first two are one patient's."""
    root = tmp_path / "films"
    root.mkdir()
    rng = np.random.default_rng(0)
    for number, patient in enumerate(("anna17", "anna17", "bert23", "carl42")):
        Image.fromarray(rng.integers(0, 255, (12, 16)).astype(np.uint8)).save(root / f"{patient}_{number}.png")
    (root / "LICENSE").write_text("You may use these films and name their makers.")
    layout = tmp_path / "films.toml"
    layout.write_text(tomli_w.dumps({"images": "{patient}_{n}.png", "modality": "X-ray"}))
    adopt(workspace, "films", root, layout=str(layout), license="CC-BY-4.0")
    scan(workspace, "films")
    merge(workspace, ["films"], name="all")
    return Cohort.open(workspace, "all")


@pytest.fixture
def named(workspace: Workspace, tmp_path: Path) -> Cohort:
    """A series whose header names its patient, and one that does not."""
    def name(dataset, z, t):
        dataset.PatientName, dataset.PatientID, dataset.StudyDate = "Lovelace^Ada", "LOV-1815", "18431010"
        dataset.StudyDescription = "follow-up of LOV-1815"

    def nameless(dataset, z, t):
        dataset.PatientName, dataset.PatientID = "ANON-0001", "ANON-0001"

    stack = np.random.default_rng(1).integers(0, 900, (16, 12, 3), dtype=np.int16)
    write_series(tmp_path / "dicom/a", stack, AFFINE, name="a", change=name)
    write_series(tmp_path / "dicom/b", stack + 1, AFFINE, name="b", change=nameless)
    adopt(workspace, "ct", tmp_path / "dicom", layout="dicom", license="CC0-1.0")
    scan(workspace, "ct")
    merge(workspace, ["ct"], name="ct-all")
    return Cohort.open(workspace, "ct-all")
