"""Claims about large tables read block by block."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.embeddings.kernels import blocks

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_blocks_give_what_one_product_gives(kind, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 100)
    rows, features = RNG.standard_normal((23, 7)).astype(kind), RNG.standard_normal((41, 7)).astype(kind)
    whole = rows.astype(np.float32) @ features.astype(np.float32).T
    found = list(blocks.cosine_blocks(rows, features))
    assert len(found) > 5
    assert np.concatenate([block for _, block in found]) == pytest.approx(whole, abs=1e-4)
    assert [start for start, _ in found] == list(np.cumsum([0, *(len(block) for _, block in found[:-1])]))
    assert blocks.times_row(features, features[3]) == pytest.approx(features.astype(np.float32) @ features[3].astype(np.float32), abs=1e-4)
    assert blocks.squared_lengths(features) == pytest.approx((features.astype(np.float64) ** 2).sum(1), rel=1e-4)


def test_distances_are_those_to_the_own_centre(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 50)
    rows, centres, own = RNG.standard_normal((30, 5)).astype(np.float32), RNG.standard_normal((4, 5)).astype(np.float32), RNG.integers(0, 4, 30)
    assert blocks.distances_to(rows, centres, own) == pytest.approx(np.linalg.norm(rows - centres[own], axis=1), rel=1e-5)
