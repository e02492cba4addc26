"""Forms in which vendors write series, made up small: mosaics, enhanced multi-frame files, colour maps, several kinds of image in one series."""

import struct
from math import ceil, sqrt

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from isocenter.harmonize.dicom.convert import convert_series
from isocenter.harmonize.dicom.dcm2niix import program
from isocenter.harmonize.dicom.miniature import put, uid, write_series

pytestmark = pytest.mark.skipif(program() is None, reason="dcm2niix, the second conversion, is not installed")
AXIAL = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]])
RNG = np.random.default_rng(5)
SERIES = RNG.integers(0, 3000, (32, 24, 5, 4), dtype=np.int16)
OBLIQUE = nib.eulerangles.euler2mat(0.2, 0.1, -0.3)
PLANES = {"axial": np.eye(3)[:, :2], "sagittal": np.array([[0, 1, 0], [0, 0, -1]]).T, "coronal": np.array([[1, 0, 0], [0, 0, -1]]).T, "oblique": OBLIQUE[:, :2]}


def assert_holds(result, values, affine, method="checked"):
    assert result.declined is None, result.declined
    assert result.method == method
    stored, expected = nib.load(result.stored), nib.as_closest_canonical(nib.Nifti1Image(values.astype(np.float64), affine))
    np.testing.assert_allclose(stored.get_fdata(), expected.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(stored.affine, expected.affine, atol=1e-3)


def csa_header(**tags):
    """A Siemens CSA2 header: a list of named tags, each with texts."""
    body = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, texts in tags.items():
        body += struct.pack("<64si4siII", name.encode(), len(texts), b"FD", 0, len(texts), 77)
        for text in texts:
            data = str(text).encode() + b"\0"
            body += struct.pack("<4i", len(data), len(data), 77, len(data)) + data + bytes(-len(data) % 4)
    return body


@pytest.mark.parametrize("direction", [1, -1], ids=["along the normal", "against it"])
@pytest.mark.parametrize("slices", [2, 17, 36])
@pytest.mark.parametrize("plane", PLANES)
def test_a_mosaic_is_taken_apart_along_the_normal_that_its_csa_header_tells(tmp_path, plane, slices, direction):
    across, rows, columns = ceil(sqrt(slices)), 16, 20
    row, column = PLANES[plane].T
    normal = np.cross(row, column) * direction
    stack = RNG.integers(1, 3000, (columns, rows, slices, 2), dtype=np.int16)
    tiled = np.zeros((across * columns, across * rows, 1, 2), np.int16)
    for k in range(slices):
        tiled[k % across * columns:(k % across + 1) * columns, k // across * rows:(k // across + 1) * rows, 0] = stack[:, :, k]
    corner = np.array([-20, -18, -30.0])

    def change(dataset, z, t):
        dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        dataset.ImageOrientationPatient = [f"{value:.9f}" for value in (*row, *column)]
        dataset.ImagePositionPatient = [f"{value:.9f}" for value in corner - row * (across - 1) * columns - column * (across - 1) * rows]
        dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices, dataset.InstanceNumber = [2, 2], 3, 3.5, t + 1
        block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", csa_header(NumberOfImagesInMosaic=[slices], SliceNormalVector=[f"{value:.8f}" for value in normal]))

    (result,) = convert_series(write_series(tmp_path / "in", tiled, np.eye(4), modality="MR", change=change), tmp_path / "out")
    lps = np.eye(4)
    lps[:3] = np.column_stack([row * 2, column * 2, normal * 3.5, corner])
    assert_holds(result, stack, np.diag([-1, -1, 1, 1]) @ lps)


def item(**elements):
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])


def write_enhanced(path, stacks, maker, order, echoes=(5.0,), components=("MAGNITUDE",), instance=1):
    """One multi-frame file of stacks[echo, component] = (x, y, z, t), its frames place by place or time by time, all indices told."""
    dataset, meta = Dataset(), FileMetaDataset()
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = uid("enhanced", instance)
    meta.TransferSyntaxUID, dataset.file_meta = "1.2.840.10008.1.2.1", meta
    dataset.Modality, dataset.Manufacturer, dataset.PatientID, dataset.PatientName, dataset.ImageType = "MR", maker, "p", "p", ["ORIGINAL", "PRIMARY", "M", "NONE"]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SeriesNumber = uid("study"), uid("series"), 5
    dataset.InstanceNumber = dataset.AcquisitionNumber = instance
    _, _, slices, times = stacks[0, 0].shape
    dataset.Columns, dataset.Rows = stacks[0, 0].shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    if maker.startswith("Philips"):
        dataset.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x18, "SL", slices)
    places = [(z, t, e, c) for z in range(slices) for t in range(times) for e in range(len(echoes)) for c in range(len(components))]
    places = places if order == "place" else sorted(places, key=lambda place: place[::-1])
    groups, samples = [], []
    for z, t, e, c in places:
        group = Dataset()
        group.FrameContentSequence = item(StackID="1", InStackPositionNumber=z + 1, TemporalPositionIndex=t + 1, DimensionIndexValues=[1, z + 1, t + 1, e + 1, c + 1])
        group.PlanePositionSequence = item(ImagePositionPatient=[-20, -18, -30 + 2.5 * z])
        group.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        group.PixelMeasuresSequence = item(PixelSpacing=[0.8, 0.8], SliceThickness=2.5, SpacingBetweenSlices=2.5)
        group.MREchoSequence = item(EffectiveEchoTime=echoes[e])
        group.MRImageFrameTypeSequence = item(FrameType=["ORIGINAL", "PRIMARY", components[c][0], "NONE"], ComplexImageComponent=components[c])
        group.PixelValueTransformationSequence = item(RescaleSlope=1 + c, RescaleIntercept=-4096 * c, RescaleType="US")
        groups.append(group)
        samples.append(stacks[e, c][:, :, z, t].T)
    pointers = [(0x00209056, 0x00209111), (0x00209057, 0x00209111), (0x00209128, 0x00209111), (0x00189082, 0x00189114), (0x00089208, 0x00189226)]
    dataset.DimensionOrganizationSequence = item(DimensionOrganizationUID=uid("organization"))
    dataset.DimensionIndexSequence = Sequence([item(DimensionIndexPointer=index, FunctionalGroupPointer=group)[0] for index, group in pointers])
    dataset.NumberOfFrames, dataset.PerFrameFunctionalGroupsSequence, dataset.SharedFunctionalGroupsSequence = len(groups), Sequence(groups), Sequence([Dataset()])
    dataset.PixelData = np.stack(samples).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("order", ["place", "time"])
def test_an_enhanced_file_holds_echoes_components_and_times_apart(tmp_path, order):
    stacks = {(e, c): RNG.integers(0, 4000, (32, 24, 5, 3)) for e in range(2) for c in range(2)}
    file = write_enhanced(tmp_path / "all.dcm", stacks, "Philips", order, (5.0, 10.0), ("MAGNITUDE", "PHASE"))
    results = {result.key.rsplit(".", 1)[1]: result for result in convert_series([file], tmp_path / "out")}
    for name, (e, c) in {"te5_mag": (0, 0), "te5_ph": (0, 1), "te10_mag": (1, 0), "te10_ph": (1, 1)}.items():
        assert_holds(results[name], stacks[e, c] * (1 + c) - 4096 * c, AXIAL)


@pytest.mark.parametrize("maker", ["SIEMENS", "TOSHIBA", "GE MEDICAL SYSTEMS", "UIH"])
def test_enhanced_files_of_one_time_point_each_make_one_series(tmp_path, maker):
    files = [write_enhanced(tmp_path / f"{t}.dcm", {(0, 0): SERIES[..., t:t + 1]}, maker, "time", instance=t + 1) for t in range(4)]
    (result,) = convert_series(files, tmp_path / "out")
    assert_holds(result, SERIES, AXIAL)


@pytest.mark.parametrize("maker", ["SIEMENS", "GE MEDICAL SYSTEMS", "UIH"])
def test_an_enhanced_file_that_dcm2niix_misreads_is_stored_from_the_places_of_its_frames(tmp_path, maker):
    stacks = {(e, c): RNG.integers(0, 4000, (32, 24, 5, 3)) for e in range(2) for c in range(2)}
    file = write_enhanced(tmp_path / "all.dcm", stacks, maker, "place", (5.0, 10.0), ("MAGNITUDE", "PHASE"))
    results = {result.key.rsplit(".", 1)[1]: result for result in convert_series([file], tmp_path / "out")}
    for name, (e, c) in {"te5_mag": (0, 0), "te5_ph": (0, 1), "te10_mag": (1, 0), "te10_ph": (1, 1)}.items():
        assert_holds(results[name], stacks[e, c] * (1 + c) - 4096 * c, AXIAL, method="own")


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 1, "RescaleIntercept": 0}], ids=["no rescale", "rescale that says nothing"])
def test_a_philips_file_that_tells_only_real_world_values_is_stored_in_them(tmp_path, rescale):
    change = put(Manufacturer="Philips", RealWorldValueMappingSequence=lambda z, t: item(RealWorldValueSlope=0.25, RealWorldValueIntercept=-7.0), **rescale)
    (result,) = convert_series(write_series(tmp_path / "in", SERIES, AXIAL, modality="MR", change=change), tmp_path / "out")
    assert_holds(result, SERIES * 0.25 - 7.0, AXIAL)


JUMBLED = np.random.default_rng(3).permutation(20).reshape(5, 4)
DIRECTIONS = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def philips_gradient(dataset, z, t):
    """Philips' numbers of b-value and direction."""
    dataset.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
    dataset.add_new(0x20051412, "IS", 1 + (t > 0))
    dataset.add_new(0x20051413, "IS", max(1, t))


def test_a_philips_series_of_jumbled_numbers_is_put_together_by_its_gradients(tmp_path):
    def change(dataset, z, t):
        put(Manufacturer="Philips", AcquisitionNumber=1, InstanceNumber=lambda z, t: int(JUMBLED[z, t]) + 1,
            AcquisitionTime="120000", ContentTime="120000")(dataset, z, t)
        philips_gradient(dataset, z, t)

    (result,) = convert_series(write_series(tmp_path / "in", SERIES, AXIAL, modality="MR", change=change), tmp_path / "out")
    assert_holds(result, SERIES, AXIAL)


@pytest.mark.parametrize(("maker", "method"), [("Philips", "checked"), ("CANON_MEC", "checked"), ("SIEMENS", "own"), ("UIH", "own")])
def test_jumbled_frames_of_an_enhanced_file_are_put_together_by_their_dimension_indices(tmp_path, maker, method):
    """No temporal position: an index for each direction, as diffusion series have it."""
    file = write_enhanced(tmp_path / "all.dcm", {(0, 0): SERIES}, maker, "place")
    dataset = pydicom.dcmread(file)
    order = JUMBLED.ravel()
    frames, samples = dataset.PerFrameFunctionalGroupsSequence, np.frombuffer(dataset.PixelData, "<u2").reshape(20, -1)
    for frame in frames:
        del frame.FrameContentSequence[0].TemporalPositionIndex
    dataset.DimensionIndexSequence[2].DimensionIndexPointer = 0x00189089
    dataset.PerFrameFunctionalGroupsSequence, dataset.PixelData = Sequence([frames[k] for k in order]), samples[order].tobytes()
    dataset.save_as(file)
    (result,) = convert_series([file], tmp_path / "out")
    assert_holds(result, SERIES, AXIAL, method=method)


def test_directions_alone_prove_no_order_in_time(tmp_path):
    """They tell which slices belong together, not which time point comes first; dcm2niix, which reads none here, mixes them."""
    change = put(Manufacturer="SIEMENS", AcquisitionNumber=1, InstanceNumber=lambda z, t: int(JUMBLED[z, t]) + 1, AcquisitionTime="120000", ContentTime="120000",
                 DiffusionBValue=lambda z, t: 1000.0 * (t > 0), DiffusionGradientOrientation=lambda z, t: DIRECTIONS[t])
    (result,) = convert_series(write_series(tmp_path / "in", SERIES, AXIAL, modality="MR", change=change), tmp_path / "out")
    assert "two conversions disagree" in result.declined


SERIES_FORMS = {
    "GE, numbered by time": {"Manufacturer": "GE MEDICAL SYSTEMS", "AcquisitionNumber": 1},
    "GE, numbered by place": {"Manufacturer": "GE MEDICAL SYSTEMS", "AcquisitionNumber": 1, "InstanceNumber": lambda z, t: z * 4 + t + 1},
    "Philips, numbered by place": {"Manufacturer": "Philips", "AcquisitionNumber": 1, "InstanceNumber": lambda z, t: z * 4 + t + 1, "TemporalPositionIdentifier": lambda z, t: t + 1},
    "Toshiba diffusion": {"Manufacturer": "TOSHIBA", "AcquisitionNumber": 1, "DiffusionBValue": lambda z, t: 1000.0 * (t > 0)},
    "Siemens inversion times": {"Manufacturer": "SIEMENS", "AcquisitionNumber": 1, "InversionTime": lambda z, t: 100.0 * (t + 1)},
    "a spacing that lies": {"SpacingBetweenSlices": 1.0, "SliceThickness": 9.0},
}


@pytest.mark.parametrize("form", SERIES_FORMS)
def test_time_series_of_single_slices_are_put_together(tmp_path, form):
    (result,) = convert_series(write_series(tmp_path / "in", SERIES, AXIAL, modality="MR", change=put(**SERIES_FORMS[form])), tmp_path / "out")
    assert_holds(result, SERIES, AXIAL)


def test_ge_magnitude_phase_real_and_imaginary_are_told_by_the_private_element(tmp_path):
    def change(dataset, z, t):
        dataset.Manufacturer, dataset.AcquisitionNumber = "GE MEDICAL SYSTEMS", 1
        dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", t)

    results = convert_series(write_series(tmp_path / "in", SERIES, AXIAL, modality="MR", change=change), tmp_path / "out")
    assert [result.key.rsplit(".", 1)[1] for result in results] == ["imag", "mag", "ph", "real"]
    for result, t in zip(results, (3, 0, 1, 2)):
        assert_holds(result, SERIES[..., t], AXIAL)


def test_a_colour_map_is_stored_in_colour(tmp_path):
    colours = RNG.integers(0, 256, (24, 32, 5, 3), dtype=np.uint8)

    def change(dataset, z, t):
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.PixelData, dataset.ImageType = colours[:, :, z].tobytes(), ["DERIVED", "PRIMARY", "DIFFUSION", "FA"]

    (result,) = convert_series(write_series(tmp_path / "in", SERIES[..., 0], AXIAL, modality="MR", change=change), tmp_path / "out")
    stored = np.asarray(nib.load(result.stored).dataobj)
    assert result.method == "checked"
    np.testing.assert_array_equal(np.stack([stored[name] for name in "RGB"], axis=-1), colours.swapaxes(0, 1)[::-1, ::-1])
