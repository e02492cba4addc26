"""Radiomic features give the reference values that IBSI published for its digital phantom (CC BY 4.0, arXiv 1612.07003)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from isocenter.embeddings.api import open_encoder, vectors
from isocenter.embeddings.radiomics.intensity import first_order, histogram
from isocenter.embeddings.radiomics.texture import co_occurrence, neighbourhood_difference, runs, zones

PHANTOM = torch.tensor([      # z, y, x; 0 lies outside the region of interest
    [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
    [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
    [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
])
LEVELS = 6
with (Path(__file__).parent / "ibsi_digital_phantom.csv").open() as table:
    REFERENCE = list(csv.DictReader(table))


def features(levels: torch.Tensor) -> dict[str, torch.Tensor]:
    families = {"glcm": co_occurrence, "glrlm": runs, "glszm": zones, "ngtdm": neighbourhood_difference, "histogram": histogram}
    found = {f"{family}_{name}": values for family, function in families.items() for name, values in function(levels, LEVELS).items()}
    return found | {f"firstorder_{name}": values for name, values in first_order(levels.float(), levels > 0).items()}


VOLUME, SLICES = features(PHANTOM[None]), features(PHANTOM[:, None])


def agrees(value: float, published: str) -> bool:
    """Equal to the published value in its three digits."""
    return value == pytest.approx(float(published), abs=0.5001 * 10 ** (np.floor(np.log10(abs(float(published)))) - 2))


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"{row['family']}-{row['feature']}")
def test_the_phantom_has_the_published_value(row):
    name = f"{row['family']}_{row['feature']}"
    assert agrees(float(VOLUME[name][0]), row["volume_merged"])
    if row["slices_merged"]:
        assert agrees(float(SLICES[name].mean()), row["slices_merged"])


def test_every_feature_of_the_encoder_has_a_reference():
    assert set(open_encoder("radiomic", "cpu").card.names) == {f"{row['family']}_{row['feature']}" for row in REFERENCE}


def test_a_batch_of_mixed_shapes_gives_what_single_calls_give():
    rng = np.random.default_rng(1)
    encoder = open_encoder("radiomic?side=24&slices=5", "cpu")
    pictures = [rng.integers(0, 4000, shape).astype(np.int16) for shape in ((40, 30), (24, 24, 9), (24, 24), (60, 70))]
    together = vectors(encoder, pictures)
    assert np.allclose(together, np.concatenate([vectors(encoder, [picture]) for picture in pictures]), rtol=1e-5)


def test_a_flat_picture_has_finite_features():
    assert np.isfinite(vectors(open_encoder("radiomic", "cpu"), [np.full((40, 40), 7, np.uint8)])).all()
