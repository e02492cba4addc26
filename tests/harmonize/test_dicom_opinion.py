"""What a second conversion says of a series: it confirms, keeps apart, stacks, disagrees, is refuted by positions, or is not there."""

import nibabel as nib
import numpy as np
import pytest

from isocenter.harmonize.dicom import convert, dcm2niix
from isocenter.harmonize.dicom.convert import convert_series
from isocenter.harmonize.dicom.dcm2niix import program
from isocenter.harmonize.dicom.miniature import leave_out, put, write_series

AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)
RNG = np.random.default_rng(7)
STACK = RNG.integers(0, 3000, (48, 40, 8), dtype=np.int16)
SERIES = RNG.integers(0, 3000, (48, 40, 5, 4), dtype=np.int16)
ONE_MOMENT = {"AcquisitionNumber": 1, "AcquisitionTime": "120000", "ContentTime": "120000"}
installed = pytest.mark.skipif(program() is None, reason="dcm2niix, the second conversion, is not installed")


class Given:
    """A second opinion that is given, not asked for."""

    def __init__(self, paths=(), silence=None):
        self.opinion = dcm2niix.Opinion(tuple(paths), silence)

    def __enter__(self):
        return self.opinion

    def __exit__(self, *error):
        return None


def converted(tmp_path, array, affine=AXIAL, **how):
    return convert_series(write_series(tmp_path / "in", array, affine, **how), tmp_path / "out")


def opinions(tmp_path, monkeypatch, *arrays, affine=AXIAL, slope=1.0):
    """dcm2niix says that the series holds these volumes."""
    paths = [tmp_path / f"opinion{number}.nii" for number in range(len(arrays))]
    for path, array in zip(paths, arrays):
        image = nib.Nifti1Image(array, affine)
        image.header.set_slope_inter(slope, 0.0)
        image.to_filename(path)
    monkeypatch.setattr(convert, "second_opinion", lambda files: Given(paths))


def assert_holds(result, values, affine=AXIAL):
    """The stored file has these physical values at this place, in canonical orientation."""
    assert result.declined is None, result.declined
    stored = nib.load(result.stored)
    expected = nib.as_closest_canonical(nib.Nifti1Image(values.astype(np.float64), affine))
    np.testing.assert_allclose(stored.get_fdata(), expected.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(stored.affine, expected.affine, atol=1e-3)


def test_one_that_differs_declines_the_volume(tmp_path, monkeypatch):
    opinions(tmp_path, monkeypatch, STACK[::-1])
    (result,) = converted(tmp_path, STACK)
    assert result.stored is None
    assert "two conversions disagree" in result.declined


def test_what_dcm2niix_keeps_apart_becomes_parts(tmp_path, monkeypatch):
    opinions(tmp_path, monkeypatch, SERIES[..., [0, 2]], SERIES[..., [1, 3]])
    results = converted(tmp_path, SERIES, AXIAL, modality="MR")
    assert [result.key.rsplit(".", 1)[1] for result in results][1] == "part2"
    assert_holds(results[0], SERIES[..., [0, 2]], AXIAL)
    assert_holds(results[1], SERIES[..., [1, 3]], AXIAL)


def test_a_series_with_and_without_its_derived_map_is_stored_both_ways(tmp_path, monkeypatch):
    opinions(tmp_path, monkeypatch, SERIES[..., :3], SERIES)
    results = converted(tmp_path, SERIES, AXIAL, modality="MR")
    assert_holds(results[0], SERIES, AXIAL)
    assert_holds(results[1], SERIES[..., :3], AXIAL)


def test_what_dcm2niix_stacks_is_stored_once(tmp_path, monkeypatch):
    opinions(tmp_path, monkeypatch, SERIES)
    results = converted(tmp_path, SERIES, AXIAL, modality="MR", change=put(EchoTime=lambda z, t: 5.0 + t // 2))
    assert_holds(results[0], SERIES, AXIAL)
    assert results[1].declined == f"stored as a part of {results[0].key}"


@pytest.mark.parametrize("lost", [[0, 1, 2], [0, 1, 2, 2], [0, 1, 3, 2, 1]], ids=["one lost", "one doubled", "one too many"])
def test_a_second_opinion_that_loses_or_doubles_a_time_point_declines_the_volume(tmp_path, monkeypatch, lost):
    opinions(tmp_path, monkeypatch, SERIES[..., lost])
    (result,) = converted(tmp_path, SERIES, AXIAL, modality="MR")
    assert result.stored is None


@pytest.mark.parametrize("shift", [(0.5, 0, 0), (0, 0, 2.5)], ids=["half a millimetre", "a slice"])
def test_one_that_lies_elsewhere_declines_the_volume(tmp_path, monkeypatch, shift):
    moved = AXIAL.copy()
    moved[:3, 3] += shift
    opinions(tmp_path, monkeypatch, SERIES, affine=moved)
    (result,) = converted(tmp_path, SERIES, modality="MR")
    assert "none lies where this one lies" in result.declined


def test_one_scaled_otherwise_declines_the_volume(tmp_path, monkeypatch):
    opinions(tmp_path, monkeypatch, SERIES, slope=2.0)
    (result,) = converted(tmp_path, SERIES, modality="MR")
    assert "scaled otherwise" in result.declined


@installed
@pytest.mark.parametrize(("decimals", "off_mm"), [(2, 0.005), (3, 0.05)])
def test_a_step_that_two_rounded_neighbours_misstate_is_taken_from_all_slices(tmp_path, decimals, off_mm):
    """dcm2niix takes 0.83 mm from the first two slices of 0.8333 mm: the last of 150 would lie half a millimetre off. Of 0.833 mm it may."""
    place = AXIAL.copy()
    place[2, 2] = 2.5 / 3
    many = RNG.integers(0, 3000, (16, 12, 150), dtype=np.int16)
    positions = put(ImagePositionPatient=lambda z, t: [f"{value:.{decimals}f}" for value in (-20, -18, -30 + 2.5 / 3 * z)])
    (result,) = converted(tmp_path, many, place, change=positions)
    stored, expected = nib.load(result.stored), nib.as_closest_canonical(nib.Nifti1Image(many - 1024.0, place))
    assert result.method == "checked"
    np.testing.assert_array_equal(stored.get_fdata(), expected.get_fdata())
    last = np.array([0, 0, 149, 1])
    assert np.abs(stored.affine @ last - expected.affine @ last).max() < off_mm
    assert any("rounded" in issue for issue in result.issues) == (decimals == 2)


def test_a_little_drift_leaves_the_affine_of_dcm2niix(tmp_path, monkeypatch):
    """0.15 mm at the last of 150 slices of 2.5 mm."""
    stretched, many = AXIAL.copy(), RNG.integers(0, 3000, (16, 12, 150), dtype=np.int16)
    stretched[2, 2] += 0.001
    opinions(tmp_path, monkeypatch, many, affine=stretched)
    (result,) = converted(tmp_path, many, change=put(RescaleIntercept=0))
    assert result.issues == ()
    np.testing.assert_allclose(nib.load(result.stored).affine, nib.as_closest_canonical(nib.Nifti1Image(many, stretched)).affine, atol=1e-5)


def test_a_step_that_rounding_does_not_explain_declines_the_volume(tmp_path, monkeypatch):
    stretched = AXIAL.copy()
    stretched[2, 2] += 0.03
    opinions(tmp_path, monkeypatch, STACK, affine=stretched)
    (result,) = converted(tmp_path, STACK, change=put(RescaleIntercept=0))
    assert result.stored is None


FRAMES = {"time by time": SERIES.reshape(48, 40, 20, order="F"), "place by place": SERIES.reshape(48, 40, 20)}


@pytest.mark.parametrize(("other", "why"), [
    (FRAMES["time by time"], "20 slices, where the series has 5 places"),
    (FRAMES["place by place"], "20 slices, where the series has 5 places"),
    (FRAMES["place by place"].reshape(48, 40, 5, 4, order="F"), "frames of several places in one slice"),
], ids=["time by time", "place by place", "places for times"])
def test_one_that_positions_forbid_is_refuted(tmp_path, monkeypatch, other, why):
    opinions(tmp_path, monkeypatch, other)
    (result,) = converted(tmp_path, SERIES, modality="MR")
    assert result.method == "own"
    assert_holds(result, SERIES)
    assert why in result.issues[0]


@pytest.mark.parametrize("mixed", [SERIES[..., [1, 0, 2, 3]], SERIES[:, :, ::-1]], ids=["other times", "other places"])
def test_one_that_may_be_right_is_not_refuted(tmp_path, monkeypatch, mixed):
    mixed = mixed.copy()
    mixed[:, :, 2] = SERIES[:, :, 2]
    opinions(tmp_path, monkeypatch, mixed)
    (result,) = converted(tmp_path, SERIES, modality="MR")
    assert result.stored is None


def test_one_is_refuted_only_where_headers_tell_the_time_points(tmp_path, monkeypatch):
    """Numbered at random, nothing says which slices belong together."""
    opinions(tmp_path, monkeypatch, SERIES.reshape(48, 40, 20, order="F"))
    order = np.random.default_rng(1).permutation(20).reshape(5, 4)
    (result,) = converted(tmp_path, SERIES, modality="MR", change=put(**ONE_MOMENT, InstanceNumber=lambda z, t: int(order[z, t])))
    assert result.stored is None


@installed
def test_one_without_extent_is_refuted(tmp_path):
    """dcm2niix takes the first two files of a Siemens series for neighbours; numbered by place they lie in one plane."""
    change = put(Manufacturer="SIEMENS", AcquisitionNumber=1, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"], InstanceNumber=lambda z, t: z * 4 + t + 1)
    (result,) = converted(tmp_path, SERIES, modality="MR", change=change)
    assert result.method == "own"
    assert_holds(result, SERIES)


def test_without_dcm2niix_series_are_converted_that_their_headers_prove(tmp_path, monkeypatch):
    monkeypatch.setattr(dcm2niix, "program", lambda: None)
    (result,) = converted(tmp_path, SERIES, modality="MR")
    assert (result.method, result.issues) == ("own", ())
    assert_holds(result, SERIES)


def test_without_dcm2niix_time_points_that_no_number_tells_are_declined(tmp_path, monkeypatch):
    monkeypatch.setattr(dcm2niix, "program", lambda: None)
    order = np.random.default_rng(1).permutation(20).reshape(5, 4)
    (result,) = converted(tmp_path, SERIES, modality="MR", change=put(**ONE_MOMENT, InstanceNumber=lambda z, t: int(order[z, t])))
    assert "no number tells which slices make one time point, and dcm2niix is not installed" in result.declined


@pytest.mark.parametrize(("script", "said"), [("exit 0", "wrote no volume"), ("kill -9 $$", "ended by signal 9"), (None, "cannot be started")], ids=["writes nothing", "crashes", "is no program"])
def test_what_dcm2niix_does_not_do_is_said_and_plain_stacks_are_converted_all_the_same(tmp_path, monkeypatch, script, said):
    broken = tmp_path / "dcm2niix"
    if script is not None:
        broken.write_text(f"#!/bin/sh\n{script}\n")
        broken.chmod(0o755)
    monkeypatch.setattr(dcm2niix, "program", lambda: str(broken))
    (result,) = converted(tmp_path, STACK)
    assert_holds(result, STACK - 1024.0)
    assert result.method == "own"
    assert said in result.issues[0]


@pytest.mark.parametrize("numbers", [{}, {"AcquisitionNumber": 1, "TemporalPositionIdentifier": lambda z, t: t + 1}], ids=["acquisitions", "temporal positions"])
def test_a_time_series_that_was_cut_keeps_its_complete_time_points(tmp_path, numbers):
    cut = leave_out((3, 3), (4, 3))

    def change(dataset, z, t):
        put(**numbers)(dataset, z, t)
        cut(dataset, z, t)

    whole, rest = converted(tmp_path, SERIES, modality="MR", change=change)
    assert_holds(whole, SERIES[..., :3])
    assert rest.key == f"{whole.key}.cut"
    assert rest.declined == "the last time point was cut: it holds 3 of 5 slices"
