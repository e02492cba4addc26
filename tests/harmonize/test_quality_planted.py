"""Every quality rule on a planted file, as a user meets it: one dataset, `scan` (headers) and `scan --check` (pixels and masks)."""

import json

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont

from isocenter.cli.main import cli
from isocenter.harmonize.dicom.miniature import write_series

RNG = np.random.default_rng(6)
PLACE = np.diag([1.0, 1.0, 2.0, 1.0])
SHAPE = (40, 36, 12)
LAYOUT = """description = "planted"
evidence = "made by the test"
seen_on_real_data = false
modality = "CT"
images = [{ pattern = "volumes/{case}.nii.gz" }, { pattern = "films/{case}.png" }, { pattern = "series/{file}.dcm" }]
masks = [{ pattern = "masks/{case}.nii.gz", labels = "msd-hippocampus" }, { pattern = "organs/{case}_{part}.nii.gz", term = "liver" }]
"""
ON_SCAN = {"broken": "error", "nowhere": "wrong_orientation", "twisted": "wrong_orientation", "coarse": "spacing_absurd", "named": "identifying_tags", "spaceless": "spacing_missing"}
ON_CHECK = {
    "flat": "constant_image", "hollow": "nearly_empty_image", "spiked": "clipped_intensity", "labelled": "burned_in_PHI", "shifted": "mask_mismatch",
    "turned": "mask_inverted", "unmarked": "mask_empty", "strewn": "mask_tiny_components", "sum": "mask_nested_class",
}


def ct():
    return RNG.normal(0, 200, SHAPE).astype(np.int16)


def ball():
    x, y, z = np.indices(SHAPE)
    return (((x - 20) ** 2 + (y - 18) ** 2 + (2 * z - 12) ** 2) < 100).astype(np.uint8)


def volume(folder, case, array=None, affine=PLACE, mask=None, mask_affine=None, codes=(1, 1)):
    image = nib.Nifti1Image(ct() if array is None else array, affine)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    image.to_filename(folder / "volumes" / f"{case}.nii.gz")
    if mask is not None:
        nib.Nifti1Image(mask.astype(np.uint8), affine if mask_affine is None else mask_affine).to_filename(folder / "masks" / f"{case}.nii.gz")


def plant(folder):
    for name in ("volumes", "masks", "organs", "films", "series"):
        (folder / name).mkdir(parents=True)
    volume(folder, "good", mask=ball())
    (folder / "volumes" / "broken.nii.gz").write_bytes((folder / "volumes" / "good.nii.gz").read_bytes()[:2000])
    volume(folder, "nowhere", codes=(0, 0))
    volume(folder, "twisted")
    twisted = nib.load(folder / "volumes" / "twisted.nii.gz")
    flipped = nib.Nifti1Image(np.asarray(twisted.dataobj), PLACE)
    flipped.set_qform(np.diag([-1.0, -1.0, 2.0, 1.0]), 1)
    flipped.to_filename(folder / "volumes" / "twisted.nii.gz")
    volume(folder, "coarse", affine=np.diag([1.0, 1.0, 400.0, 1.0]))
    volume(folder, "flat", np.full(SHAPE, 7, np.int16))
    hollow = np.zeros(SHAPE, np.int16)
    hollow[3, 3, :3] = (1, 2, 3)
    volume(folder, "hollow", hollow)
    spiked = ct()
    spiked[10:20, 10:20, 3:9] = 400
    volume(folder, "spiked", np.minimum(spiked, 400))
    volume(folder, "shifted", mask=ball(), mask_affine=np.diag([1.0, 1.0, 2.0, 1.0]) + np.outer([1, 0, 0, 0], [0, 0, 0, 9.0]))
    volume(folder, "turned", mask=1 - ball())
    volume(folder, "unmarked", mask=np.zeros(SHAPE))
    strewn = ball() * 1
    strewn[1, 1, 1] = strewn[38, 2, 10] = 1
    volume(folder, "strewn", mask=strewn)
    volume(folder, "sum")
    left = ball() * (np.arange(SHAPE[0]) < 20)[:, None, None]
    for part, array in (("left", left), ("right", ball() - left), ("both", ball())):
        nib.Nifti1Image(array.astype(np.uint8), PLACE).to_filename(folder / "organs" / f"sum_{part}.nii.gz")
    film = Image.fromarray(RNG.normal(90, 12, (400, 500)).clip(0, 255).astype(np.uint8))
    film.save(folder / "films" / "quiet.png")
    ImageDraw.Draw(film).text((40, 30), "SMITH JOHN 1950", fill=255, font=ImageFont.load_default(28))
    film.save(folder / "films" / "labelled.png")

    def named(dataset, z, t):
        dataset.PatientName, dataset.PatientBirthDate = "Testa^Maria", "19500412"

    def spaceless(dataset, z, t):
        del dataset.PixelSpacing

    write_series(folder / "series", ct(), PLACE, name="named", change=named)
    write_series(folder / "series", ct()[:, :, :1], PLACE, name="spaceless", change=spaceless)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Issues by name of the file: after `scan`, after `scan --check`, and the counts that the command printed."""
    root = tmp_path_factory.mktemp("planted")
    plant(root / "data")
    (root / "planted.toml").write_text(LAYOUT)
    where = ["--workspace", str(root / "work")]
    run("init", str(root / "work"))
    run("adopt", "planted", str(root / "data"), "--layout", str(root / "planted.toml"), *where)
    run("scan", "planted", *where)
    scanned = found(root)
    printed = json.loads(run("scan", "planted", "--check", "--json", *where))["findings"]
    return scanned, found(root), printed


def run(*arguments):
    result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def found(root):
    table = pl.read_parquet(root / "work" / "samples" / "planted.parquet", columns=["uri", "issues", "error"])
    return {uri.rpartition("/")[2].split(".")[0].split("-")[0]: {issue.split(":")[0] for issue in issues} | ({"error"} if error else set()) for uri, issues, error in table.iter_rows()}


@pytest.mark.parametrize("case", ON_SCAN)
def test_a_scan_sees_what_the_header_shows(planted, case):
    assert ON_SCAN[case] in planted[0][case]


@pytest.mark.parametrize("case", ON_CHECK)
def test_a_check_sees_what_pixels_and_masks_show(planted, case):
    assert planted[0][case] == set()
    assert planted[1][case] == {ON_CHECK[case]}


def test_the_good_ones_have_no_issue_and_the_command_counts_the_others(planted):
    assert planted[1]["good"] == planted[1]["quiet"] == set()
    assert set(planted[2]) == (set(ON_SCAN.values()) | set(ON_CHECK.values()) | {"series_geometry"}) - {"error"}
