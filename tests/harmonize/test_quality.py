"""Claims about quality rules: what each finds, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from isocenter.harmonize.quality import CODES, RULES, ImageMeta, check_header, check_image, check_mask, unreadable

RNG = np.random.default_rng(3)
FILM = ImageMeta("DX", spatial=False)


def shared() -> Path:
    folder = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[3] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared sample data are not here")
    return folder / "data"


def codes(findings) -> set[str]:
    return {finding.code for finding in findings}


def scan(shape=(40, 40, 20)) -> np.ndarray:
    return RNG.normal(100, 30, shape).astype(np.int16)


def volume_meta(**changes) -> ImageMeta:
    return ImageMeta(**({"modality": "CT", "spacing_mm": (1.0, 1.0, 2.0), "affine": np.diag([1, 1, 2, 1.0])} | changes))


@pytest.mark.parametrize("name", RULES.names())
def test_every_rule_names_codes_of_the_taxonomy(name):
    rule = RULES.get(name)
    assert rule.looks_at in {"image", "mask", "header"}
    assert set(rule.codes) <= set(CODES)


def test_every_code_lies_under_the_catalogs_taxonomy():
    taxonomy = {"corrupted_file", "wrong_orientation", "unit/spacing_missing", "burned_in_PHI", "label_error", "ambiguous_class", "patient_overlap_across_splits"}
    assert {code.under for code in CODES.values()} == taxonomy


def test_a_good_volume_and_a_good_mask_give_no_finding():
    image = scan()
    mask = np.zeros(image.shape, np.uint8)
    mask[10:20, 10:20, 5:10] = 1
    assert check_image(image, volume_meta()) == []
    assert check_mask(mask, volume_meta(), image.shape, volume_meta()) == []


def test_an_unreadable_file_reads_as_in_the_issues_column():
    assert str(unreadable(EOFError("file ends early"))) == "corrupted_file: cannot be read: file ends early"


@pytest.mark.parametrize(("change", "code"), [
    (lambda image: np.zeros_like(image), "constant_image"),
    (lambda image: np.where(np.arange(image.size).reshape(image.shape) < 50, image, 0), "nearly_empty_image"),
    (lambda image: (image > 100).astype(np.uint8), "binary_image"),
    (lambda image: np.where(image > 160, np.nan, image.astype(np.float32)), "non_finite_values"),
    (lambda image: np.clip(image, None, 130), "clipped_intensity"),
])
def test_images_without_content_are_named(change, code):
    assert codes(check_image(change(scan()), volume_meta())) == {code}


def test_a_bright_background_is_no_clipping():
    slide = RNG.integers(60, 200, (100, 100)).astype(np.uint8)
    slide[:, :12], slide[:, -12:], slide[:12], slide[-12:] = 255, 255, 255, 255
    assert check_image(slide, FILM) == []


@pytest.mark.parametrize(("spacing", "code"), [(None, "spacing_missing"), ((0.0, 1.0, 1.0), "spacing_missing"), ((1.0, 1.0, 400.0), "spacing_absurd"), ((49.0, 49.0, 49.0), "spacing_absurd")])
def test_spacing_that_cannot_be_is_named(spacing, code):
    assert codes(check_image(scan((60, 60, 20)), volume_meta(spacing_mm=spacing))) == {code}


def test_a_photograph_needs_no_spacing():
    assert check_image(RNG.integers(0, 255, (50, 50)).astype(np.uint8), FILM) == []


def test_orientation_flags_that_contradict_are_named():
    left, right = np.diag([-1.0, 1, 2, 1]), np.diag([1.0, 1, 2, 1])
    found = check_image(scan(), volume_meta(qform=left, sform=right))
    assert [(f.code, f.level) for f in found] == [("wrong_orientation", "error")]
    assert "LAS" in found[0].message
    assert "RAS" in found[0].message
    assert check_image(scan(), volume_meta(qform=right, sform=right)) == []
    flat = np.diag([1.0, 1, 0, 1])
    assert [f.level for f in check_image(scan(), volume_meta(affine=flat))] == ["error"]
    tilted = np.diag([1.0, 1, 2, 1])
    tilted[1, 2] = 0.7
    assert [f.level for f in check_image(scan(), volume_meta(affine=tilted))] == ["note"]


def test_mask_and_image_on_different_grids_are_named():
    mask = np.zeros((40, 20, 40), np.uint8)
    mask[3:9, 3:9, 3:9] = 1
    swapped = check_mask(mask, volume_meta(), (40, 40, 20))
    assert codes(swapped) == {"mask_mismatch"}
    assert "axes swapped" in swapped[0].message
    mask = mask.transpose(0, 2, 1)
    moved, turned = np.diag([1, 1, 2, 1.0]), np.diag([-1, 1, 2, 1.0])
    moved[0, 3] = 3
    for affine in (moved, turned):
        assert codes(check_mask(mask, volume_meta(), mask.shape, volume_meta(affine=affine))) == {"mask_mismatch"}


def test_empty_inverted_and_stray_masks_are_named():
    disc = (np.hypot(*np.mgrid[-50:50, -50:50]) < 30).astype(np.uint8)
    assert check_mask(disc) == []
    assert codes(check_mask(np.zeros((9, 9), np.uint8))) == {"mask_empty"}
    assert codes(check_mask(1 - disc)) == {"mask_inverted"}
    lungs = np.ones((50, 50), np.uint8)
    lungs[0] = 0
    assert check_mask(lungs) == []                                   # large, but one border is free
    disc[2, 2] = 1
    found = check_mask(disc)
    assert codes(found) == {"mask_tiny_components"}
    assert "1 (1)" in found[0].message


def test_a_class_that_is_the_sum_of_others_is_named_and_an_ordinary_overlap_is_not():
    a, b = np.zeros((30, 30), bool), np.zeros((30, 30), bool)
    a[3:9, 3:9], b[9:14, 3:9] = True, True
    assert codes(check_mask({"ventricle": a, "myocardium": b, "heart": a | b})) == {"mask_nested_class"}
    assert codes(check_mask({"kidney": a, "kidney again": a.copy()})) == {"mask_nested_class"}
    tumour = np.zeros_like(a)
    tumour[4:6, 4:6] = True
    assert check_mask({"liver": a, "tumour": tumour, "spleen": b}) == []


def film_with(text: str, size: int = 22) -> np.ndarray:
    y, x = np.mgrid[:600, :500]
    body = 120 + 60 * np.sin(x / 70) * np.cos(y / 90) + RNG.normal(0, 4, x.shape)
    picture = Image.fromarray(np.clip(body, 0, 255).astype(np.uint8))
    ImageDraw.Draw(picture).text((40, 40), text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(picture).T


def test_a_line_of_text_is_suspected_and_a_side_marker_is_not():
    found = check_image(film_with("JANE DOE 12.03.1961"), FILM)
    assert codes(found) == {"burned_in_PHI"}
    assert "rows 4" in found[0].message
    assert check_image(film_with("L"), FILM) == []
    assert check_image(film_with(""), FILM) == []


def test_filled_in_names_are_found_and_placeholders_are_not():
    real = check_header({"PatientName": "Testa^Maria", "PatientBirthDate": "19610312", "PatientID": "4711"})
    assert [(f.code, f.level) for f in real] == [("identifying_tags", "warning")]
    assert "PatientName, PatientBirthDate; beside PatientID" in real[0].message
    for name in ("", "Anonymized", "ANON^12", "LIDC-IDRI-0001", "8f3e9a00bb12", "^^^^", "Test^Patient"):
        assert check_header({"PatientName": name, "PatientBirthDate": "19000101", "PatientID": "x"}) == [], name
    assert check_header({"OperatorsName": "Meier", "PatientIdentityRemoved": "YES"})[0].level == "note"


def test_few_false_alarms_on_real_films_smears_and_volumes():
    data = shared()
    alarms = {"film": 0, "smear": 0, "volume": 0}
    films = sorted((data / "cxr/set_b/images").iterdir())[::2]
    smears = sorted((data / "blood/set_c_bccd/JPEGImages").iterdir())[:20]
    for kind, files in (("film", films), ("smear", smears)):
        for path in files:
            pixels = np.asarray(Image.open(path))
            colours = pixels.ndim == 3
            found = check_image(pixels.transpose(1, 0, 2)[..., :3] if colours else pixels.T, ImageMeta(spatial=False, channels=3 if colours else 1))
            alarms[kind] += bool(found)
    volumes = sorted((data / "nifti/hippocampus/images").glob("*.nii.gz"))
    for path in volumes:
        image = nib.load(path)
        alarms["volume"] += bool(check_image(np.asanyarray(image.dataobj), ImageMeta("MR", image.header.get_zooms()[:3], image.affine)))
    assert alarms["film"] <= 0.1 * len(films)                        # those that remain show text or are overexposed
    assert (alarms["smear"], alarms["volume"]) == (0, 0)
