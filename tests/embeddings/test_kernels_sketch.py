"""Claims about sketches and principal directions."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.embeddings.api import open_encoder, vectors
from isocenter.embeddings.encoders.sketch import CONTRAST, WEIGHTS, edge_directions, plain
from isocenter.embeddings.kernels.principal import joint_principal, principal


def test_a_sketch_is_two_unit_rows_and_the_drawn_one_holds_grey_values_edges_and_colours_by_weight():
    values = np.kron(np.random.default_rng(0).permutation(np.repeat([127.5 - CONTRAST, 127.5 + CONTRAST], 128)).reshape(16, 16), np.ones((2, 2)))
    encoder = open_encoder("sketch")
    plain, drawn = np.split(encoder.encode([np.repeat(values[..., None], 3, axis=-1)])[0], np.cumsum(encoder.card.sides)[:-1])
    assert (len(plain), len(drawn)) == encoder.card.sides == (16 * 16 * 3 + 1, 257 + 128 + 192)
    assert np.linalg.norm(plain) == pytest.approx(1, abs=1e-3)
    for part, weight in zip(np.split(drawn, [257, 385]), WEIGHTS, strict=True):
        assert np.linalg.norm(part) == pytest.approx(weight / np.linalg.norm(WEIGHTS), abs=1e-3)


def test_angles_of_the_plain_side_follow_the_distances_of_pixels():
    rng = np.random.default_rng(4)
    views = np.repeat(np.repeat(rng.integers(60, 200, (30, 16, 16, 3)), 2, axis=1), 2, axis=2).astype(np.float32)
    rows = plain(views)
    pixels = views[:, ::2, ::2].reshape(30, -1)
    away = [np.linalg.norm(each[:, None] - each[None], axis=-1)[np.triu_indices(30, 1)] for each in (rows, pixels)]
    assert np.corrcoef(*away)[0, 1] > 0.95
    brighter = plain(np.stack([views[0], views[0] + 40, views[0] * 0.5]))
    assert (1 - brighter[0] @ brighter[1:].T > 0.01).all()


def test_flat_pictures_are_near_each_other_whatever_their_noise():
    rng = np.random.default_rng(1)
    flat, other = (np.clip(rng.normal(120, 3, (40, 40)), 0, 255).astype(np.uint8) for _ in range(2))
    rich, strange = (np.kron(rng.integers(0, 2, (4, 4)), np.ones((10, 10))).astype(np.uint8) * 255 for _ in range(2))
    rows = vectors(open_encoder("sketch"), [flat, other, rich, strange])
    assert rows[0] @ rows[1] > rows[2] @ rows[3] + 0.2
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


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
