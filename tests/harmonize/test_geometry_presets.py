"""Claims about the named standardisations of the literature."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from isocenter.core.errors import BadInput, NotFound
from isocenter.harmonize.geometry import load_preset, preset_names, resample_onto, standardise
from isocenter.harmonize.geometry.preset import median_spacing


@pytest.fixture(params=preset_names())
def preset(request):
    return load_preset(request.param)


def test_every_preset_says_where_it_was_read(preset):
    assert len(preset.evidence) > 20
    assert preset.title


def test_every_preset_runs_and_knows_the_way_back(preset):
    image = (np.indices((20, 18, 12)).sum(0) * 10).astype(np.int16)
    affine = np.diag([-1.2, -1.1, 2.0, 1.0])
    target = (1.5, 1.5, 2.5) if preset.spacing_rule == "median" else None
    for kind, array in (("image", image), ("mask", (image > 200).astype(np.uint8))):
        result, new_affine, inverse = standardise(array, affine, preset, kind=kind, spacing_mm=target)
        assert resample_onto(result, new_affine, inverse, kind=kind).shape == array.shape
        wanted = preset.spacing_mm or target
        np.testing.assert_allclose(np.linalg.norm(new_affine[:3, :3], axis=0), wanted)
        if preset.orientation:
            assert "".join(nib.aff2axcodes(new_affine)) == preset.orientation


def test_sat_ds_is_ras_at_1_1_3_mm_with_its_four_exceptions():
    sat = load_preset("sat-ds")
    assert sat.spacing_mm == (1, 1, 3)
    assert sat.orientation_for("BTCV") == "RAS"
    assert {name: sat.orientation_for(name) for name in ("VerSe", "MRSpineSeg", "BTCV_Cervix", "ToothFairy")} == {
        "VerSe": "ASR", "MRSpineSeg": "ASR", "BTCV_Cervix": "LPS", "ToothFairy": "IPL"}


def test_nnu_net_takes_the_median_and_a_finer_step_along_thick_slices():
    assert median_spacing([(1, 1, 1.5), (1, 1, 2.5), (2, 1, 3)], [(100, 100, 90)] * 3) == (1, 1, 2.5)
    thick = [(1.5, 1.5, z) for z in (5, 6, 10, 10, 10, 10, 10, 10, 10, 10)]
    assert median_spacing(thick, [(200, 200, 10)] * 10)[2] == pytest.approx(5.9)


def test_nnu_net_without_the_dataset_is_refused():
    with pytest.raises(BadInput, match="spacing from the dataset"):
        standardise(np.zeros((4, 4, 4)), np.eye(4), load_preset("nnu-net"))


def test_a_misspelt_preset_gets_a_suggestion():
    with pytest.raises(NotFound) as error:
        load_preset("sat-sd")
    assert "sat-ds" in (error.value.hint or "")
