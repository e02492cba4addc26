"""SEG, RTSTRUCT and RTDOSE: masks and grids with the voxels that the files mean, checked by areas, highdicom and geometry."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.dose import dose_volume
from isocenter.harmonize.dicom.drawn import Target, draw_masks
from isocenter.harmonize.dicom.header import read_header
from isocenter.harmonize.dicom.identifying import identifying_tags, identifying_texts
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.dicom.rasterize import fill
from isocenter.harmonize.dicom.segmentation import read_segmentation, segment_mask
from isocenter.harmonize.dicom.structures import Structure, read_structures, structure_mask

SHARED = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared"))
AXIAL = np.array([[-1.0, 0, 0, 40], [0, -1.0, 0, 40], [0, 0, 2.0, 0], [0, 0, 0, 1]])


def shared(name):
    path = SHARED / "data/dicom" / name
    if not path.exists():
        pytest.skip("the shared sample data are not on this machine")
    return path


def square(low, high, z=4.0):
    """A closed square in LPS mm."""
    return np.array([[low, low, z], [high, low, z], [high, high, z], [low, high, z]], float)


def area(*contours):
    mask, _ = structure_mask(Structure(1, "x", contours), AXIAL, (80, 80, 5))
    return int(mask.sum())


def test_a_square_covers_the_pixels_whose_centres_lie_in_it():
    filled = fill([np.array([[1.5, 1.5], [5.5, 1.5], [5.5, 3.5], [1.5, 3.5]])], (8, 8))
    assert np.argwhere(filled).tolist() == [[x, y] for x in range(2, 6) for y in (2, 3)]


def test_a_contour_inside_another_is_a_hole_and_one_inside_that_an_island():
    assert area(square(-20.5, 20.5)) == 41 * 41
    assert area(square(-20.5, 20.5), square(-10.5, 10.5)) == 41 * 41 - 21 * 21
    assert area(square(-20.5, 20.5), square(-10.5, 10.5), square(-2.5, 2.5)) == 41 * 41 - 21 * 21 + 5 * 5


def test_a_keyhole_contour_leaves_its_hole_open():
    outer, inner = square(-20.5, 20.5), square(-10.5, 10.5)[[0, 3, 2, 1]]
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    assert area(keyhole) == 41 * 41 - 21 * 21


def test_contours_of_several_planes_go_to_their_slices():
    mask, remarks = structure_mask(Structure(1, "x", (square(-5.5, 5.5, 0.0), square(-2.5, 2.5, 6.0), square(-2.5, 2.5, 99.0)), open=1), AXIAL, (80, 80, 5))
    assert mask.sum(axis=(0, 1)).tolist() == [121, 0, 0, 25, 0]
    assert remarks == ("1 contours lie outside the image", "1 contours are not closed")


def test_a_structure_set_is_drawn_on_its_series_hole_and_all(tmp_path):
    from isocenter.harmonize.dicom.convert import convert_series

    folder = shared("rt_utils_ct_rtstruct")
    (image,) = convert_series([folder / "ct_1.dcm", folder / "ct_2.dcm"], tmp_path)
    series = image.plan.header.text("SeriesInstanceUID")
    drawn = draw_masks(folder / "rt.dcm", {series: [Target("s", image.stored)]}, tmp_path / "masks")
    assert [(one.raw, one.sample_id, one.issues) for one in drawn] == [("ROI-1", "s", ())]
    structure = read_structures(folder / "rt.dcm").structures[0]
    outer, hole = (_shoelace(contour) / np.prod(image.spacing_mm[:2]) for contour in structure.contours)
    assert abs(drawn[0].voxels - (outer - hole)) / (outer - hole) < 0.03


def test_a_structure_set_whose_series_is_missing_says_so(tmp_path):
    with pytest.raises(Unreadable, match="names no series"):
        draw_masks(shared("rt_utils_ct_rtstruct/non_existent_reference_rt.dcm"), {}, tmp_path)
    with pytest.raises(Unreadable, match="not in this dataset"):
        draw_masks(shared("rt_utils_ct_rtstruct/rt.dcm"), {}, tmp_path)


@pytest.mark.parametrize("name", ["seg_image_ct_binary.dcm", "seg_image_ct_binary_overlap.dcm", "seg_image_ct_binary_fractional.dcm", "seg_image_ct_true_fractional.dcm", "seg_image_ct_binary_single_frame.dcm"])
def test_segments_hold_what_highdicom_reads(name):
    highdicom = pytest.importorskip("highdicom")
    path = shared(f"highdicom/{name}")
    found = read_segmentation(path)
    volume = highdicom.seg.segread(path).get_volume(combine_segments=False, rescale_fractional=True, allow_missing_positions=True)
    masks = [segment_mask(found, segment)[0] for segment in found.segments]
    assert masks[0].size == np.prod(volume.shape[:3])
    for number, mask in enumerate(masks):
        expected = volume.array[..., number]
        assert np.isclose(mask.sum(), expected.sum())
        assert any(np.allclose(mask, np.transpose(turned, (2, 1, 0))) for turned in (expected, expected[::-1]))


@pytest.mark.parametrize("name", ["seg_image_sm_control.dcm", "seg_image_sm_control_labelmap.dcm", "seg_image_sm_dots_tiled_full.dcm", "seg_image_sm_control_labelmap_palette_color.dcm"])
def test_tiles_of_a_slide_are_put_together_as_highdicom_does(name):
    highdicom = pytest.importorskip("highdicom")
    path = shared(f"highdicom/{name}")
    found = read_segmentation(path)
    matrix = highdicom.seg.segread(path).get_total_pixel_matrix(combine_segments=False)
    segments = [segment for segment in found.segments if segment.number > 0]
    for number, segment in enumerate(segments):
        np.testing.assert_array_equal(segment_mask(found, segment)[0][..., 0].T, matrix[..., number])


def test_a_segment_goes_onto_a_canonical_image_voxel_by_voxel():
    found = read_segmentation(shared("highdicom/seg_image_ct_binary.dcm"))
    own, affine = segment_mask(found, found.segments[0])
    import nibabel as nib

    canonical = nib.as_closest_canonical(nib.Nifti1Image(own, affine))
    mask, _ = segment_mask(found, found.segments[0], canonical.affine, canonical.shape)
    np.testing.assert_array_equal(mask, canonical.get_fdata())


def test_a_segment_on_another_grid_is_refused_not_resampled():
    found = read_segmentation(shared("highdicom/seg_image_ct_binary.dcm"))
    _, affine = segment_mask(found, found.segments[0])
    shifted = affine.copy()
    shifted[:3, 3] += 0.2
    with pytest.raises(Unreadable, match="does not coincide"):
        segment_mask(found, found.segments[0], shifted, (16, 16, 3))


def test_a_broken_segmentation_names_its_contradiction():
    with pytest.raises(Unreadable, match="1 frames but 3"):
        read_segmentation(shared("pydicom/liver_1frame.dcm"))


def test_a_dose_grid_has_the_offsets_of_its_frames_and_its_scaling():
    path = shared("pydicom/rtdose.dcm")
    dose, dataset = dose_volume(path), pydicom.dcmread(path)
    assert dose.array.shape == (10, 10, 15)
    assert dose.scales == ((float(dataset.DoseGridScaling), 0.0),)
    np.testing.assert_allclose(dose.affine[:3, 2], [0, 0, np.diff(dataset.GridFrameOffsetVector)[0]])
    np.testing.assert_array_equal(dose.array[:, :, 3].T, dataset.pixel_array[3])


def test_identifying_attributes_are_found_at_any_depth(tmp_path):
    def fill_in(dataset, z, t):
        dataset.PatientName, dataset.AccessionNumber = "Meier^Anna", "A1"
        item = pydicom.Dataset()
        item.ReferringPhysicianName = "Schmidt^Otto"
        dataset.ReferencedStudySequence = pydicom.Sequence([item])

    path = write_series(tmp_path, np.zeros((8, 8, 1), np.int16), AXIAL, change=fill_in)[0]
    assert identifying_tags(pydicom.dcmread(path)) == ["PatientName", "ReferringPhysicianName"]
    assert identifying_texts(read_header(path)) == {"PatientName": "Meier^Anna", "PatientID": "miniature", "AccessionNumber": "A1"}


def _shoelace(contour):
    x, y = contour[:, 0], contour[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
