"""Structures that `harmonize` draws from DICOM stand in the ledger of a merge with the voxels that they have."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_ledger import MERGE_LEDGER, ledger_path
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

STRUCTURES = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared")) / "data/dicom/rt_utils_ct_rtstruct"


@pytest.mark.skipif(not STRUCTURES.exists(), reason="the shared sample data are not on this machine (ISOCENTER_SHARED)")
def test_the_ledger_of_a_merge_counts_the_voxels_of_drawn_structures(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "rt", STRUCTURES, layout="dicom")
    scan(workspace, "rt")
    harmonize(workspace, "rt")
    merge(workspace, ["rt"], name="c")
    drawn = read_table(ledger_path(workspace, "c"), MERGE_LEDGER).filter(pl.col("medium") == "mask")
    marks = read_table(workspace.annotations("rt"), ANNOTATIONS).to_dicts()
    counted = pl.DataFrame({"raw": [row["raw"] for row in marks], "voxels": [int((np.asarray(nib.load(workspace.root / row["uri"]).dataobj) != 0).sum()) for row in marks]})
    assert dict(drawn.select("raw_value", "voxels").rows()) == dict(counted.group_by("raw").sum().rows())
    assert drawn["voxels"].min() > 0
