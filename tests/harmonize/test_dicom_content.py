"""Reports and slides: what they hold stands in the inventory and the sample table, and the tiles of a slide make one picture."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isocenter.core.workspace import Workspace
from isocenter.harmonize.decode import decode_sample
from isocenter.harmonize.dicom.content import slide_of, slide_picture
from isocenter.harmonize.dicom.pixels import stored_samples
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

HOME = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared")) / "data/dicom/highdicom"
pytestmark = pytest.mark.skipif(not HOME.is_dir(), reason="the shared sample data are not on this machine")


def test_reports_and_annotations_are_recorded_with_what_they_hold(tmp_path):
    workspace = Workspace.create(tmp_path)
    adopt(workspace, "slides", HOME, layout="dicom")
    scan(workspace, "slides")
    reason = dict(pl.read_parquet(workspace.inventory("slides")).select("path", "reason").iter_rows())
    assert reason["sr_document_with_multiple_groups.dcm"] == "dicom Imaging Measurement Report: 13 codes, 4 images, 4 measurements, 3 regions, 4 texts (partial)"
    assert reason["sm_annotations.dcm"] == "dicom 2 annotations in 1 groups: nuclei"
    samples = {row["uri"]: row for row in pl.read_parquet(workspace.samples("slides")).to_dicts()}
    assert (samples["sm_image.dcm"]["shape"], samples["sm_image.dcm"]["frames"]) == ([50, 50], 25)
    assert samples["sm_image.dcm"]["spacing_mm"] == pytest.approx([0.000499, 0.000499])


def test_the_tiles_of_a_slide_make_one_picture():
    path = HOME / "sm_image_numbers.dcm"
    assert str(slide_of(path)) == "volume of 50 × 50 in 25 tiles of 10 × 10"
    tiles = stored_samples(path, as_picture=True)
    picture, axes = decode_sample((path,), "dicom")
    assert axes == "yxc"
    np.testing.assert_array_equal(picture[10:20, 20:30], tiles[7])
    np.testing.assert_array_equal(slide_picture(path, 20), picture[::3, ::3])
