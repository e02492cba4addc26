"""Claims about sketches and principal directions."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.embeddings.api import open_encoder, vectors
from isocenter.embeddings.encoders.sketch import WEIGHTS, edge_directions
from isocenter.embeddings.kernels.principal import joint_principal, principal


def test_a_sketch_is_a_unit_row_of_grey_values_edges_and_colours_by_weight():
    rng = np.random.default_rng(0)
    rows = vectors(open_encoder("sketch"), [rng.integers(0, 255, (50, 70), np.uint8) for _ in range(3)])
    assert rows.shape == (3, 1024 + 128 + 192)
    for part, weight in zip(np.split(rows, [1024, 1152], axis=1), WEIGHTS, strict=True):
        assert np.linalg.norm(part, axis=1) == pytest.approx(np.full(3, weight / np.linalg.norm(WEIGHTS)), abs=1e-3)


def test_a_sketch_tells_stains_apart_that_are_equally_dark():
    shape = np.random.default_rng(3).integers(60, 90, (40, 40))
    violet, brown = (np.clip(shape[..., None] + np.array(tint), 0, 255).astype(np.uint8) for tint in ((40, -30, 50), (60, -24, -12)))
    one, same, other = vectors(open_encoder("sketch"), [violet, violet + np.uint8(2), brown])
    assert one @ same > 0.99
    assert one @ other < 0.95


def test_edges_are_counted_by_their_direction():
    ramp = np.tile(np.arange(32, dtype=np.float32), (32, 1))
    across, down = edge_directions(np.stack([ramp, ramp.T]))
    assert across.reshape(-1, 8).sum(0).argmax() == 0
    assert down.reshape(-1, 8).sum(0).argmax() == 4


def test_principal_directions_keep_the_angles_of_a_flat_cloud():
    rng = np.random.default_rng(1)
    flat = rng.standard_normal((400, 3)) @ rng.standard_normal((3, 40)) + 7
    centred = flat - flat.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    rows = principal(flat.astype(np.float32), 3)
    assert rows @ rows.T == pytest.approx(centred @ centred.T, abs=1e-3)


def test_two_sets_are_reduced_together_without_moving_them_apart():
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((50, 6)), rng.standard_normal((40, 6)) + 1
    one, other = joint_principal(first, second, 6)
    assert np.linalg.norm(one[0] - other[0]) == pytest.approx(np.linalg.norm(first[0] - second[0]))
