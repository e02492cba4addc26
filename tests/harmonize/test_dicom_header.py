"""Header reading: the fast walk says what pydicom says, and what is no DICOM file is refused with its cause."""

import os
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_files

from isocenter.core.errors import Unreadable
from isocenter.core.progress import silence
from isocenter.harmonize.dicom.header import check, read_header
from isocenter.harmonize.dicom.index import index_files
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.dicom.tags import WANTED
from isocenter.harmonize.dicom.values import plain, published

SHARED = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared"))
AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])
PYDICOM_FILES = sorted({Path(path) for path in map(str, get_testdata_files()) if Path(path).is_file()})


def pydicom_header(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, stop_before_pixels=True)


def values_of(dataset, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {keyword: form(dataset[tag].value) for keyword, tag in WANTED.items() if tag in dataset}


def shared_dicom_files():
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the shared sample data are not on this machine")
    found = [path for path in folder.rglob("*") if path.is_file() and path.open("rb").read(132)[128:] == b"DICM"]
    return sorted(found)


def assert_same_as_pydicom(paths):
    for path in paths:
        try:
            expected = pydicom_header(path)
            texts, values = values_of(expected, published), values_of(expected, plain)
        except Exception:
            continue
        if not expected.file_meta.get("TransferSyntaxUID"):
            continue
        header = read_header(path)
        assert {keyword: header.get(keyword) for keyword in values} == values, path
        assert {keyword: header.text(keyword) for keyword in texts} == texts, path


def test_every_value_of_pydicoms_test_files_is_the_same():
    assert_same_as_pydicom(PYDICOM_FILES)


def test_every_value_of_the_shared_files_is_the_same():
    assert_same_as_pydicom(shared_dicom_files())


def test_no_file_is_read_that_pydicom_refuses():
    for path in PYDICOM_FILES:
        try:
            pydicom_header(path)
        except Exception:
            with pytest.raises(Unreadable):
                read_header(path)


def test_explicit_little_endian_files_take_the_fast_walk():
    assert read_header(next(path for path in PYDICOM_FILES if path.name == "CT_small.dcm")).fast
    assert not read_header(next(path for path in PYDICOM_FILES if path.name == "MR_small_bigendian.dcm")).fast


@pytest.mark.parametrize(("content", "cause"), [(b"", "empty"), (b"not a dicom file\n", "not DICOM"), (b"\x89PNG\r\n\x1a\n" + bytes(400), "not DICOM")])
def test_what_is_no_dicom_file_is_refused_with_its_cause(tmp_path, content, cause):
    path = tmp_path / "named.dcm"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=cause):
        read_header(path)


def test_a_data_set_without_file_header_is_recognised_and_refused(tmp_path):
    whole = write_series(tmp_path, np.zeros((8, 8, 1), np.int16), AFFINE)[0].read_bytes()
    end = 144 + int.from_bytes(whole[140:144], "little")
    path = tmp_path / "headless"
    path.write_bytes(whole[end:])
    with pytest.raises(Unreadable, match="file header is missing"):
        read_header(path)


def test_missing_pixels_are_counted(tmp_path):
    path = write_series(tmp_path, np.zeros((8, 8, 1), np.int16), AFFINE)[0]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Unreadable):
        check(read_header(path))


def test_long_private_elements_and_nested_sequences_are_skipped(tmp_path):
    def fill(dataset, z, t):
        block = dataset.private_block(0x0019, "ACME", create=True)
        block.add_new(1, "OB", bytes(40000))
        inner, outer = pydicom.Dataset(), pydicom.Dataset()
        inner.ReferencedSOPInstanceUID = "1.2.3"
        outer.ReferencedImageSequence = pydicom.Sequence([inner])
        outer["ReferencedImageSequence"].is_undefined_length = True
        dataset.ReferencedStudySequence = pydicom.Sequence([outer])
        dataset["ReferencedStudySequence"].is_undefined_length = True
        for item in (inner, outer):
            item.is_undefined_length_sequence_item = True

    path = write_series(tmp_path, np.ones((8, 8, 1), np.int16), AFFINE, change=fill)[0]
    header = read_header(path)
    check(header)
    assert header.fast
    assert header.numbers("PixelSpacing", 2) == (0.8, 0.8)
    assert header.get("Rows") == 8


def test_text_in_another_character_set_is_decoded(tmp_path):
    def name(dataset, z, t):
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.SeriesDescription = "Ærøskøbing^Åse", "Schädel"

    header = read_header(write_series(tmp_path, np.ones((8, 8, 1), np.int16), AFFINE, change=name)[0])
    assert header.text("PatientName") == "Ærøskøbing^Åse"
    assert header.text("SeriesDescription") == "Schädel"


def test_each_malformed_file_is_read_or_names_its_cause():
    if not (SHARED / "data/malformed").is_dir():
        pytest.skip("the shared malformed files are not on this machine")
    silence()
    table = index_files(sorted(path for path in (SHARED / "data/malformed").iterdir() if path.is_file())).to_pylist()
    causes = {Path(row["path"]).name: row["error"] for row in table}
    assert len(causes) == 20
    assert "empty" in causes["empty.dcm"]
    assert "cut short" in causes["cut_pixels.dcm"]
    assert "transfer syntax" in causes["meta_missing_tsyntax.dcm"]
    assert "no number" in causes["badVR.dcm"]
    assert causes["dicom_without_extension"] is None
    assert causes["bad name é [1].dcm"] is None
