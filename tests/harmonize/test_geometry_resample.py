"""Claims about orientation, spacing, masks and the way back."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.harmonize.geometry import Grid, resample, resample_onto, to_canonical
from isocenter.harmonize.geometry.bands import make_band, shrink_sigma
from isocenter.harmonize.geometry.grid import AxisStep

RNG = np.random.default_rng(5)
ORIENTATIONS = ["RAS", "LPS", "ASR", "IPL", "SAR", "PIR", "LAI"]


def affine_of(axcodes: str, shape: tuple[int, int, int], spacing: tuple[float, float, float] = (0.8, 0.9, 2.5)) -> np.ndarray:
    back = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axcodes))
    base = np.diag([*spacing, 1.0])
    base[:3, 3] = [-31.0, 12.5, 7.0]
    return base @ nib.orientations.inv_ornt_aff(back, shape)


def smooth(shape: tuple[int, int, int]) -> np.ndarray:
    x, y, z = np.meshgrid(*[np.linspace(0, 3, n) for n in shape], indexing="ij")
    return (400 * np.sin(x) * np.cos(y) + 100 * z - 300).astype(np.int16)


@pytest.mark.parametrize("axcodes", ORIENTATIONS)
def test_canonical_agrees_with_nibabel_and_goes_back_bit_for_bit(axcodes):
    array = RNG.integers(-1024, 3000, (7, 9, 5)).astype(np.int16)
    affine = affine_of(axcodes, array.shape)
    turned, new_affine, inverse = to_canonical(array, affine)
    theirs = nib.as_closest_canonical(nib.Nifti1Image(array, affine))
    np.testing.assert_array_equal(turned, theirs.dataobj)
    np.testing.assert_allclose(new_affine, theirs.affine, atol=1e-9)
    np.testing.assert_array_equal(resample_onto(turned, new_affine, inverse), array)


def test_canonical_copes_with_oblique_scanners():
    angle = np.deg2rad(20)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, -1]]) @ np.diag([1, 1, 3])
    array = RNG.integers(0, 99, (6, 5, 4))
    turned, new_affine, inverse = to_canonical(array, affine)
    assert "".join(nib.aff2axcodes(new_affine)) == "RAS"
    np.testing.assert_array_equal(resample_onto(turned, new_affine, inverse), array)


def test_the_inverse_survives_json():
    grid = Grid((4, 5, 6), affine_of("LPS", (4, 5, 6)))
    again = Grid.from_json(grid.to_json())
    assert again.shape == grid.shape
    np.testing.assert_array_equal(again.affine, grid.affine)


@pytest.mark.parametrize("memory", ["C", "F"])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 2.0, 3.0), (2.4, 0.9, 1.25)])
def test_without_smoothing_values_are_simpleitks(memory, spacing):
    sitk = pytest.importorskip("SimpleITK")
    array = np.asarray(smooth((31, 29, 17)), order=memory)
    old = (0.8, 0.9, 2.5)
    ours, affine, _ = resample(array, np.diag([*old, 1.0]), spacing, antialias=False)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T).astype(np.float32))
    image.SetSpacing(old)
    size = [round(n * a / b) for n, a, b in zip(array.shape, old, spacing)]
    theirs = sitk.GetArrayFromImage(sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing, image.GetDirection(), -9999.0)).T
    assert ours.shape == theirs.shape
    seen = theirs != -9999.0                                       # SimpleITK leaves what is beyond half a voxel of the border empty
    assert seen.mean() > 0.85
    assert np.abs(ours - theirs)[seen].max() <= 0.5 + 1e-3          # integers are rounded
    np.testing.assert_allclose(np.linalg.norm(affine[:3, :3], axis=0), spacing)


def test_cubic_values_are_scipys_spline():
    from scipy import ndimage

    array = RNG.normal(size=(15, 12, 10))
    ours, _, _ = resample(array, np.eye(4), (0.7, 1.0, 1.6), order=3, antialias=False)
    points = np.meshgrid(*[np.clip(np.arange(n) * s, 0, m - 1) for n, s, m in zip(ours.shape, (0.7, 1.0, 1.6), array.shape)], indexing="ij")
    theirs = np.clip(ndimage.map_coordinates(array, points, order=3, mode="mirror"), array.min(), array.max())
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_shrinking_averages_noise_that_plain_interpolation_keeps():
    noise = RNG.normal(0, 100, (64, 64, 64)).astype(np.float32)
    smooth_, _, _ = resample(noise, np.eye(4), (4, 4, 4))
    plain, _, _ = resample(noise, np.eye(4), (4, 4, 4), antialias=False)
    assert plain.std() > 90
    assert smooth_.std() < 15


def test_the_smoothing_is_the_stated_gaussian():
    assert shrink_sigma(1.0) == shrink_sigma(0.5) == 0
    assert shrink_sigma(2.0) == pytest.approx(np.sqrt(3 / (8 * np.log(2))))
    band = make_band(AxisStep(0, 0.0, 2.0), 41, 21, order=1, antialias=True)
    weights = band.matrix[[10]].toarray()[0]
    offset = np.arange(41) - 20
    assert weights.sum() == pytest.approx(1)
    assert (weights @ offset**2) ** 0.5 == pytest.approx(shrink_sigma(2.0), rel=0.02)


def test_hounsfield_units_stay_hounsfield_units():
    water_in_air = np.full((40, 40, 40), -1000, dtype=np.int16)
    water_in_air[10:30, 10:30, 10:30] = 0
    result, _, _ = resample(water_in_air, np.diag([0.7, 0.7, 1.5, 1]), (1, 1, 1))
    assert result.dtype == np.int16
    assert result.min() == -1000
    assert result.max() == 0
    assert result[14, 14, 30] == 0
    water_ml = ((result + 1000) / 1000).sum() / 1000
    assert water_ml == pytest.approx(14 * 14 * 30 / 1000, rel=0.02)


def test_nan_stays_where_it_was():
    array = np.ones((100, 4, 4), dtype=np.float32)
    array[40, 1, 1] = np.nan
    result, _, _ = resample(array, np.eye(4), (0.5, 1, 1))
    assert np.isnan(result).sum() <= 3
    assert np.nanmax(result) == pytest.approx(1)


def test_time_and_channels_ride_along():
    array = RNG.integers(0, 255, (10, 8, 6, 2, 3)).astype(np.uint8)
    result, _, _ = resample(array, np.diag([2, 2, 2, 1.0]), (1, 1, 1))
    assert result.shape == (20, 16, 12, 2, 3)
    single, _, _ = resample(array[..., 1, 2], np.diag([2, 2, 2, 1.0]), (1, 1, 1))
    np.testing.assert_array_equal(result[..., 1, 2], single)


def test_a_flat_image_keeps_two_axes():
    film = RNG.integers(0, 4095, (50, 40)).astype(np.uint16)
    result, _, inverse = resample(film, np.diag([0.143, 0.143, 1, 1]), (0.286, 0.286))
    assert result.shape == (25, 20)
    assert inverse.shape == (50, 40, 1)


def test_there_and_back_lands_on_the_same_grid_near_the_same_values():
    array = smooth((60, 50, 24))
    affine = affine_of("LPS", array.shape)
    turned, a, source = to_canonical(array, affine)
    small, b, _ = resample(turned, a, (1.2, 1.2, 3.0))
    back = resample_onto(small, b, source)
    assert back.shape == array.shape
    inside = (slice(3, -3),) * 3
    assert np.abs(back - array.astype(int))[inside].max() < 12      # of 900 grey values


def sphere(spacing: tuple[float, float, float], radius: float = 12.0) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(round(60 / s)) * s for s in spacing], indexing="ij")
    return (sum((axis - centre) ** 2 for axis, centre in zip(axes, (30.3, 29.6, 30.1))) <= radius**2).astype(np.uint8)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    common = tuple(slice(0, min(m, n)) for m, n in zip(a.shape, b.shape))
    return float(2 * np.sum(a[common] & b[common]) / (a.sum() + b.sum()))


@pytest.mark.parametrize(("old", "new"), [((3, 3, 3), (1, 1, 1)), ((0.7, 0.7, 0.7), (1.5, 1.5, 1.5)), ((0.8, 0.8, 1.5), (1, 1, 1))])
def test_a_vote_keeps_a_sphere_rounder_than_nearest(old, new):
    truth, mask, affine = sphere(new), sphere(old), np.diag([*old, 1.0])
    voted = resample(mask, affine, new, kind="mask")[0]
    nearest = resample(mask, affine, new, kind="mask", mask_rule="nearest")[0]
    assert dice(voted, truth) > dice(nearest, truth)
    assert dice(voted, truth) > 0.94


def test_a_mask_gains_no_value_and_keeps_huge_ones():
    mask = RNG.integers(0, 4, (12, 11, 9)).repeat(3, axis=0)
    mask = np.array([0, 3, 2035, 70_000], dtype=np.int32)[mask]
    for rule in ("vote", "nearest"):
        result = resample(mask, np.eye(4), (0.7, 1.4, 1.0), kind="mask", mask_rule=rule)[0]
        assert set(np.unique(result)) <= {0, 3, 2035, 70_000}
        assert result.dtype == np.int32


def test_a_vote_with_many_labels_equals_the_plain_argmax():
    mask = RNG.integers(0, 6, (9, 8, 7)).astype(np.uint8).repeat(2, axis=1)
    voted = resample(mask, np.eye(4), (0.6, 1.3, 0.9), kind="mask")[0]
    shares = np.stack([resample((mask == label).astype(np.float64), np.eye(4), (0.6, 1.3, 0.9), antialias=False)[0] for label in range(6)])
    best = np.take_along_axis(shares, voted[None].astype(np.int64), axis=0)[0]
    np.testing.assert_allclose(best, shares.max(axis=0), atol=1e-5)


def test_a_probability_map_is_no_mask():
    with pytest.raises(BadInput, match="whole numbers"):
        resample(np.full((4, 4, 4), 0.5), np.eye(4), (1, 1, 2), kind="mask")


def test_a_mask_cropped_from_its_image_returns_to_the_image_grid():
    image_grid = Grid((20, 20, 20), affine_of("LPS", (20, 20, 20)))
    crop = np.ones((5, 6, 7), dtype=np.uint8)
    affine = image_grid.affine.copy()
    affine[:3, 3] = (image_grid.affine @ [4, 5, 6, 1])[:3]
    whole = resample_onto(crop, affine, image_grid, kind="mask")
    assert whole.sum() == crop.sum()
    assert whole[4:9, 5:11, 6:13].all()


def test_an_oblique_mask_comes_onto_the_image_grid():
    angle = np.deg2rad(10)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    ball = sphere((2, 2, 2))
    result = resample_onto(ball, np.diag([2, 2, 2, 1.0]) , Grid(ball.shape, turn @ np.diag([2, 2, 2, 1.0])), kind="mask")
    assert int(result.sum()) == pytest.approx(int(ball.sum()), rel=0.03)


def test_an_affine_that_cannot_be_inverted_is_refused():
    with pytest.raises(BadInput, match="cannot be inverted"):
        to_canonical(np.zeros((2, 2, 2)), np.zeros((4, 4)))


def test_spacing_must_be_positive():
    with pytest.raises(BadInput, match="positive"):
        resample(np.zeros((2, 2, 2)), np.eye(4), (1, 0, 1))
