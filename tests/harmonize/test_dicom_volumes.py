"""Series become volumes by real geometry: equal to the array that was written, equal to the reference volumes, or declined with the reason."""

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from isocenter.harmonize.dicom.convert import convert_series
from isocenter.harmonize.dicom.index import read_headers
from isocenter.harmonize.dicom.miniature import leave_out, put, uid, write_series
from isocenter.harmonize.dicom.series import group_series

SHARED = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared"))
AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)
SAGITTAL = np.array([[0, 0, 3, -20], [-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 0, 1]], float)
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = nib.eulerangles.euler2mat(0.2, 0.3, -0.4) @ np.diag([-0.8, -0.8, 2.5])
OBLIQUE[:3, 3] = 10, 20, 30
RNG = np.random.default_rng(7)
STACK = RNG.integers(0, 3000, (48, 40, 8), dtype=np.int16)
SERIES = RNG.integers(0, 3000, (48, 40, 5, 4), dtype=np.int16)
COMPRESSED = {"rle": "1.2.840.10008.1.2.5", "jpeg 2000": "1.2.840.10008.1.2.4.90", "jpeg-ls": "1.2.840.10008.1.2.4.80"}
UNCOMPRESSED = {"implicit": "1.2.840.10008.1.2", "big-endian": "1.2.840.10008.1.2.2", "deflated": "1.2.840.10008.1.2.1.99"}


def converted(tmp_path, array, affine, **how):
    return convert_series(write_series(tmp_path / "in", array, affine, **how), tmp_path / "out")


def assert_holds(result, values, affine):
    """The stored file has these physical values at this place, in canonical orientation."""
    assert result.declined is None, result.declined
    stored = nib.load(result.stored)
    expected = nib.as_closest_canonical(nib.Nifti1Image(values.astype(np.float64), affine))
    assert "".join(nib.aff2axcodes(stored.affine)) == "RAS"
    np.testing.assert_allclose(stored.get_fdata(), expected.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(stored.affine, expected.affine, atol=1e-3)


@pytest.mark.parametrize("affine", [AXIAL, SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
def test_a_ct_series_keeps_place_and_hounsfield_units(tmp_path, affine):
    (result,) = converted(tmp_path, STACK, affine)
    assert_holds(result, STACK - 1024.0, affine)


@pytest.mark.parametrize("affine", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_time_series_is_one_volume_in_four_dimensions(tmp_path, affine):
    (result,) = converted(tmp_path, SERIES, affine, modality="MR")
    assert result.shape[3] == 4
    assert_holds(result, SERIES, affine)


def test_the_stored_header_tells_no_acquisition_time_and_no_comment(tmp_path):
    (result,) = converted(tmp_path, SERIES, AXIAL, modality="MR", change=put(ImageComments="for Dr Smith", AcquisitionTime="121314.5"))
    header = nib.load(result.stored).header
    assert (header["descrip"].item(), header["aux_file"].item(), int(header["dim_info"])) == (b"", b"", 0)


def test_slices_are_ordered_by_place_not_by_instance_number(tmp_path):
    order = [5, 3, 8, 1, 2, 7, 4, 6]
    (result,) = converted(tmp_path, STACK, AXIAL, change=put(InstanceNumber=lambda z, t: order[z]))
    assert_holds(result, STACK - 1024.0, AXIAL)


def test_slices_numbered_place_by_place_still_make_time_points(tmp_path):
    (result,) = converted(tmp_path, SERIES, AXIAL, modality="MR", change=put(InstanceNumber=lambda z, t: z * 4 + t + 1))
    assert_holds(result, SERIES, AXIAL)


@pytest.mark.parametrize("syntax", (COMPRESSED | UNCOMPRESSED).values(), ids=(COMPRESSED | UNCOMPRESSED).keys())
def test_transfer_syntaxes_make_the_same_volume(tmp_path, syntax):
    values = STACK.astype(np.uint16)
    (result,) = converted(tmp_path, values, AXIAL, syntax=syntax)
    assert_holds(result, values - 1024.0, AXIAL)


def test_unsigned_values_above_the_signed_range_stay_what_they_are(tmp_path):
    values = STACK.astype(np.uint16) + 40000
    (result,) = converted(tmp_path, values, AXIAL, modality="MR")
    assert_holds(result, values, AXIAL)


def test_a_rescale_of_each_slice_is_applied_to_that_slice(tmp_path):
    (result,) = converted(tmp_path, STACK, AXIAL, modality="PT", change=put(RescaleSlope=lambda z, t: 1 + z / 8, RescaleIntercept=0))
    assert_holds(result, STACK * (1 + np.arange(8) / 8), AXIAL)


def test_a_rescale_of_each_time_point_is_applied_to_that_time_point(tmp_path):
    (result,) = converted(tmp_path, SERIES, AXIAL, modality="PT", change=put(RescaleSlope=lambda z, t: 1 + t / 2, RescaleIntercept=0))
    assert_holds(result, SERIES * (1 + np.arange(4) / 2), AXIAL)


def test_monochrome1_turns_no_hounsfield_unit_around(tmp_path):
    (result,) = converted(tmp_path, STACK, AXIAL, change=put(PhotometricInterpretation="MONOCHROME1"))
    assert_holds(result, STACK - 1024.0, AXIAL)


def test_a_pixel_spacing_rounded_differently_in_every_slice_splits_nothing(tmp_path):
    (result,) = converted(tmp_path, STACK, AXIAL, change=put(PixelSpacing=lambda z, t: [0.8 + 1e-4 * (z % 2)] * 2))
    assert_holds(result, STACK - 1024.0, AXIAL)


def test_echoes_become_volumes_named_by_their_echo_time(tmp_path):
    results = converted(tmp_path, SERIES, AXIAL, modality="MR", change=put(EchoTime=lambda z, t: [2.5, 5, 7.5, 10][t], EchoNumbers=lambda z, t: t + 1))
    assert [result.key.rsplit(".", 1)[1] for result in results] == ["te10", "te2p5", "te5", "te7p5"]
    assert_holds(results[1], SERIES[..., 0], AXIAL)


def test_magnitude_and_phase_become_two_volumes(tmp_path):
    results = converted(tmp_path, SERIES[..., :2], AXIAL, modality="MR", change=put(Manufacturer="SIEMENS", ImageType=lambda z, t: ["ORIGINAL", "PRIMARY", "MP"[t], "ND"]))
    assert [result.key.rsplit(".", 1)[1] for result in results] == ["mag", "ph"]
    assert_holds(results[1], SERIES[..., 1], AXIAL)


def test_a_localizer_becomes_one_volume_per_direction(tmp_path):
    directions = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]]
    change = put(ImageOrientationPatient=lambda z, t: directions[z], ImagePositionPatient=lambda z, t: [[-10, -10, 0], [0, -10, 10], [-10, 0, 10]][z])
    results = converted(tmp_path, STACK[:, :, :3], AXIAL, modality="MR", change=change)
    assert [result.shape for result in results] == [(48, 40, 1), (1, 48, 40), (48, 1, 40)]


def test_two_stacks_of_two_acquisitions_become_two_volumes(tmp_path):
    change = put(ImagePositionPatient=lambda z, t: [-20, -18, z % 4 * 2.5 + (100 if z > 3 else 0)], AcquisitionNumber=lambda z, t: 1 + z // 4)
    results = converted(tmp_path, STACK, AXIAL, change=change)
    assert [result.key.rsplit(".", 1)[1] for result in results] == ["a1", "a2"]
    assert [result.shape for result in results] == [(48, 40, 4), (48, 40, 4)]


@pytest.mark.parametrize(("array", "how", "reason"), [
    (STACK, {"change": leave_out((3, 0))}, "1 slice is missing"),
    (SERIES, {"change": leave_out((2, 3)), "modality": "MR"}, "3 to 4 frames"),
    (STACK, {"change": put(ImagePositionPatient=lambda z, t: [0, 0, z * z])}, "unevenly spaced"),
    (STACK, {"change": put(ImagePositionPatient=lambda z, t: [0, 0.7 * z, 2.5 * z])}, "gantry tilt"),
    (STACK, {"change": put(ImageOrientationPatient=[1, 0, 0, 0, 0.5, 0])}, "perpendicular"),
], ids=["missing slice", "missing frame", "uneven", "tilt", "bad orientation"])
def test_what_cannot_be_converted_faithfully_is_declined_with_the_reason(tmp_path, array, how, reason):
    (result,) = converted(tmp_path, array, AXIAL, **how)
    assert result.stored is None
    assert reason in result.declined
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(("tiles", "down", "across"), [(14, 4, 4), (12, 3, 4)], ids=["square grid", "grid without its empty row"])
def test_a_united_imaging_grid_is_taken_apart(tmp_path, tiles, down, across):
    grid = RNG.integers(0, 3000, (across * 32, down * 32, 1, 2), dtype=np.uint16)

    def tile(dataset, z, t):
        dataset.Manufacturer, dataset.ImageType = "UIH", ["ORIGINAL", "PRIMARY", "M", "VFRAME"]
        dataset.InstanceNumber = t + 1
        items = []
        for number in range(tiles):
            item = pydicom.Dataset()
            item.ImagePositionPatient = [-20, -18, 4.0 * number]
            items.append(item)
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x50, "DS", str(tiles))
        block.add_new(0x51, "SQ", pydicom.Sequence(items))

    place = AXIAL.copy()
    place[:3, 2:] = [[0, 20], [0, 18], [4, 0]]
    (result,) = converted(tmp_path, grid, place, modality="MR", change=tile)
    volume = np.stack([grid[k % across * 32 : k % across * 32 + 32, k // across * 32 : k // across * 32 + 32, 0] for k in range(tiles)], axis=2)
    assert_holds(result, volume, place)


def test_a_copied_file_is_counted_once(tmp_path):
    files = write_series(tmp_path / "in", STACK, AXIAL)
    twin = tmp_path / "in" / "copy of a slice.dcm"
    twin.write_bytes(files[2].read_bytes())
    (result,) = convert_series([*files, twin], tmp_path / "out")
    assert_holds(result, STACK - 1024.0, AXIAL)
    assert result.issues == ("1 file is a copy of another and was left out",)


def twice(tmp_path, second):
    """A series written again under its own numbers, with other instance UIDs."""
    again = write_series(tmp_path / "again", second, AXIAL, change=put(SOPInstanceUID=lambda z, t: uid("again", z)))
    return convert_series([*write_series(tmp_path / "in", STACK, AXIAL), *again], tmp_path / "out")


def test_a_series_that_was_exported_twice_is_one_volume(tmp_path):
    (result,) = twice(tmp_path, STACK)
    assert_holds(result, STACK - 1024.0, AXIAL)
    assert result.issues == ("8 files are copies of others and were left out",)


def test_an_acquisition_repeated_under_the_same_numbers_is_declined(tmp_path):
    """Which slice belongs to which repetition only the names of the files would say; dcm2niix would follow them too."""
    (result,) = twice(tmp_path, STACK[::-1])
    assert result.declined == "places hold 2 frames each that no number tells apart: one acquisition repeated under the same numbers"


def test_a_series_in_two_folders_is_one_volume(tmp_path):
    files = write_series(tmp_path / "in", STACK, AXIAL)
    (tmp_path / "other").mkdir()
    moved = [path.rename(tmp_path / "other" / path.name) for path in files[::2]]
    (result,) = convert_series([*moved, *files[1::2]], tmp_path / "out")
    assert_holds(result, STACK - 1024.0, AXIAL)


def test_a_series_uid_that_climbs_out_of_the_folder_stays_inside(tmp_path):
    (result,) = converted(tmp_path, STACK, AXIAL, change=put(SeriesInstanceUID="../../up"))
    assert result.stored.parent == tmp_path / "out"
    assert_holds(result, STACK - 1024.0, AXIAL)


def test_an_unreadable_slice_is_named_and_leaves_a_hole_that_declines_the_volume(tmp_path):
    files = write_series(tmp_path / "in", STACK, AXIAL)
    files[4].write_bytes(files[4].read_bytes()[:-100])
    (result,) = convert_series(files, tmp_path / "out")
    assert "missing" in result.declined
    assert any(files[4].name in issue for issue in result.issues)


@pytest.mark.parametrize("modality", ["OT", "SC", "XA", "US"])
def test_slices_of_any_modality_that_state_their_place_make_a_volume(tmp_path, modality):
    (result,) = converted(tmp_path, STACK, AXIAL, modality="MR", change=put(Modality=modality))
    assert_holds(result, STACK, AXIAL)


@pytest.mark.parametrize("change", [put(Modality="DX"), put(Modality="US", ImagePositionPatient=lambda z, t: [0, 0, z * z])], ids=["projections", "a free hand"])
def test_projections_and_uneven_pictures_stay_pictures(tmp_path, change):
    results = converted(tmp_path, STACK, AXIAL, modality="MR", change=change)
    assert [result.shape for result in results] == [(48, 40, 1)] * 8
    assert {int(nib.load(result.stored).header["sform_code"]) for result in results} == {0}


def test_a_radiograph_becomes_a_picture_without_a_place(tmp_path):
    def plain(dataset, z, t):
        del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.RescaleIntercept = 0

    (result,) = converted(tmp_path, STACK[:, :, :1].astype(np.uint16), AXIAL, modality="CR", change=plain)
    stored = nib.load(result.stored)
    assert int(stored.header["sform_code"]) == 0
    np.testing.assert_array_equal(stored.get_fdata()[:, :, 0], 65535 - STACK[:, :, 0].astype(float))


def test_plan_keys_do_not_depend_on_the_order_of_files(tmp_path):
    files = write_series(tmp_path, SERIES, AXIAL, modality="MR", change=put(EchoTime=lambda z, t: 2.0 + t))
    keys = [[plan.key for plan in group_series(header for _, header, _ in read_headers(paths))] for paths in (files, files[::-1])]
    assert keys[0] == keys[1]


def test_the_reference_volumes_are_reproduced(tmp_path):
    root = SHARED / "data/dicom2nifti"
    if not root.is_dir():
        pytest.skip("the shared reference volumes are not on this machine")
    results = convert_series(sorted(root.rglob("*.dcm")), tmp_path)
    references = sorted(root.rglob("*.nii"))
    assert len(references) == 6
    assert all(_reproduced(path, results) for path in references)


def _reproduced(path, results):
    facts = json.loads(path.with_suffix(".json").read_text())
    theirs = nib.as_closest_canonical(nib.load(path))
    for result in results:
        if result.plan.header.number("SeriesNumber") == facts["SeriesNumber"] and result.stored and result.shape == theirs.shape:
            ours = nib.load(result.stored)
            if np.array_equal(ours.get_fdata(), theirs.get_fdata()) and np.abs(ours.affine - theirs.affine).max() < 1e-3:
                return True
    return False
