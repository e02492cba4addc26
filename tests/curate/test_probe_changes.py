"""The probe changes pictures as it says: named, graded, and the same with the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import NotFound
from isocenter.curate.probe.changes import CHANGES, by_hand, change
from isocenter.curate.probe.corruptions import CORRUPTIONS, corrupt

FIELD = gaussian_filter(np.random.default_rng(0).normal(size=(96, 80)), 3)
PICTURE = ((FIELD - FIELD.min()) / np.ptp(FIELD) * 255).astype(np.uint8)


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_a_corruption_keeps_shape_and_grows_with_severity(name: str) -> None:
    away = [np.abs(corrupt(PICTURE, name, s, seed=1).astype(int) - PICTURE).mean() for s in (1, 5)]
    assert 0 < away[0] < away[1]
    assert corrupt(PICTURE, name, 3, seed=1).shape == PICTURE.shape
    np.testing.assert_array_equal(corrupt(PICTURE, name, 3, seed=7), corrupt(PICTURE, name, 3, seed=7))


def test_corruptions_take_colour() -> None:
    colour = np.stack([PICTURE, PICTURE[::-1], PICTURE[:, ::-1]], axis=-1)
    assert all(corrupt(colour, name, 2, seed=0).shape == colour.shape for name in CORRUPTIONS)


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_change_gives_a_picture(name: str) -> None:
    changed = change(PICTURE, name, 2, seed=3)
    assert changed.dtype == np.uint8
    assert changed.ndim == 2
    assert changed.flags["C_CONTIGUOUS"]


def test_hand_changes_repeat_with_their_seed_and_say_what_they_flipped() -> None:
    one, other = by_hand(PICTURE, np.random.default_rng(5)), by_hand(PICTURE, np.random.default_rng(5))
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1] == other[1]
    assert {by_hand(PICTURE, np.random.default_rng(seed))[1] for seed in range(40)} >= {"same", "mirror", "invert"}


def test_unknown_names_and_severities_are_refused() -> None:
    with pytest.raises(NotFound, match="no change named"):
        change(PICTURE, "melt", 1, seed=0)
    with pytest.raises(ValueError, match="severity"):
        corrupt(PICTURE, "jpeg", 6, seed=0)
