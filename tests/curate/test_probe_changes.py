"""The probe changes pictures as it says: named, graded, and the same with the same seed; and it measures what they do to a search and an encoder."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import NotFound
from isocenter.curate.probe.changes import CHANGES, by_hand, change
from isocenter.curate.probe.copies import Copy, cells, rounds
from isocenter.curate.probe.corruptions import CORRUPTIONS, corrupt
from isocenter.curate.probe.recall import recall
from isocenter.curate.probe.robustness import robustness
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.pink import pink_pictures

FIELD = gaussian_filter(np.random.default_rng(0).normal(size=(96, 80)), 3)
PICTURE = ((FIELD - FIELD.min()) / np.ptp(FIELD) * 255).astype(np.uint8)


def named(count: int, side: int, seed: int) -> dict[str, np.ndarray]:
    return {f"p{i}": picture for i, picture in enumerate(pink_pictures(count, side, seed=seed))}


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


def test_recall_counts_each_change_and_severity_and_falls_with_severity() -> None:
    only = cells(["jpeg:1", "gaussian-blur:1", "crop:1", "gaussian-noise:5"])
    rows, wrong = recall(named(10, 128, seed=3), 3, only=only, workers=1)
    joined = {(row.name, row.severity): row.joined for row in rows}
    assert joined["jpeg", 1] == joined["gaussian-blur", 1] == joined["crop", 1] == 3
    assert joined["gaussian-noise", 5] < 3
    assert wrong == 0


def test_an_encoder_loses_copies_as_severity_grows() -> None:
    crop, cut, noise = robustness(open_encoder("thumbnail", "cpu"), named(12, 96, seed=4), 12, only=cells(["gaussian-noise:1", "crop:1", "crop:5"]))
    assert noise.cosine > 0.95
    assert noise.found == crop.found == 1.0
    assert cut.cosine < crop.cosine


def test_the_probe_asks_for_every_change_once_per_severity() -> None:
    assert len(cells()) == len(set(cells())) == 5 * (len(CORRUPTIONS) + len(CHANGES) - 3) + 3


def test_every_picture_is_changed_at_most_once_a_round_and_every_change_gets_its_copies() -> None:
    planned = list(rounds(["a", "b", "c"], cells(["crop", "invert"]), 2, seed=0))
    assert all(len({one.original for one in some}) == len(some) <= 3 for some in planned)
    made = [(one.change, one.severity) for some in planned for one in some]
    assert sorted(made) == sorted(2 * cells(["crop", "invert"]))
    np.testing.assert_array_equal(Copy("a", "rotate", 3, 5).of(PICTURE), change(PICTURE, "rotate", 3, seed=5))


def test_a_change_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="no change 'jpeg:9'"):
        cells(["jpeg:9"])
