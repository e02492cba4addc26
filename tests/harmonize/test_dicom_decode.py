"""Decoding samples of DICOM series: the volume that geometry gives, in whatever files it lies, and pictures and clips as they are."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isocenter.core.errors import Unreadable
from isocenter.core.workspace import Workspace
from isocenter.harmonize.decode import Decoder, decode_sample, load_sample
from isocenter.harmonize.dicom.decode import WORKER
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.dicom.pixels import stored_samples
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

SHARED = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared"))
AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
SERIES = np.random.default_rng(4).integers(0, 3000, (24, 20, 5, 3), dtype=np.int16)


def test_a_time_series_numbered_by_place_decodes_to_four_dimensions(tmp_path):
    def change(dataset, z, t):
        dataset.InstanceNumber = z * 3 + t + 1

    files = write_series(tmp_path, SERIES, AXIAL, modality="MR", change=change)
    pixels, axes = decode_sample(tuple(files[::-1]), "dicom")
    assert axes == "yxzt"
    np.testing.assert_array_equal(pixels, SERIES.swapaxes(0, 1))


def test_a_single_slice_is_a_picture_and_a_holed_series_a_stack_as_it_lies(tmp_path):
    files = write_series(tmp_path, SERIES[..., 0], AXIAL)
    pixels, axes = decode_sample(tuple(files[:1]), "dicom")
    assert (axes, pixels.shape) == ("yx", (20, 24))
    pixels, axes = decode_sample((*files[:2], *files[3:]), "dicom")
    assert (axes, pixels.shape) == ("yxz", (20, 24, 4))


def test_slices_of_unequal_size_do_not_decode(tmp_path):
    files = write_series(tmp_path / "a", SERIES[..., 0], AXIAL) + write_series(tmp_path / "b", SERIES[:10, :, :2, 0], AXIAL, name="other")
    with pytest.raises(Unreadable, match="hold 2 volumes"):
        load_sample(tuple(files), "dicom")


def test_the_volumes_of_one_series_decode_each_by_its_own_key(tmp_path):
    def change(dataset, z, t):
        dataset.EchoTime = 5.0 * (t + 1)

    write_series(tmp_path / "data", SERIES, AXIAL, modality="MR", change=change)
    workspace = Workspace.create(tmp_path / "workspace")
    adopt(workspace, "mini", tmp_path / "data", layout="dicom")
    scan(workspace, "mini")
    decoder = Decoder(workspace, "mini")
    for sample_id in pl.read_parquet(workspace.samples("mini"))["sample_id"]:
        t = {"te5": 0, "te10": 1, "te15": 2}[sample_id.rsplit(".", 1)[1]]
        np.testing.assert_array_equal(decoder.pixels(sample_id), SERIES[..., t].swapaxes(0, 1))


def test_a_decoder_process_that_died_is_replaced():
    path = SHARED / "data/dicom/pydicom_data/JPEG-LL.dcm"
    if not path.exists():
        pytest.skip("the shared sample data are not on this machine")
    pytest.importorskip("gdcm")
    before = stored_samples(path, as_picture=False)
    WORKER.child.kill()
    WORKER.child.wait()
    np.testing.assert_array_equal(stored_samples(path, as_picture=False), before)
