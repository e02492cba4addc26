"""Perceptual hashes say what imagehash says."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from isocenter.embeddings.api import open_encoder, vectors
from isocenter.embeddings.hashes import bits_of, cosine_of, pack, unpack


def pictures(count: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    out = []
    for i in range(count):
        height, width = rng.integers(9, 300, 2)
        picture = rng.integers(0, 256, (height, width, 3) if i % 3 == 0 else (height, width), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(picture).resize((4, 4)).resize((int(width), int(height))))
        out.append(smooth if i % 2 else picture)
    return out


@pytest.mark.parametrize("name", ["phash", "dhash"])
def test_every_bit_agrees_with_imagehash(name):
    some = pictures()
    ours = bits_of(vectors(open_encoder(name), some))
    theirs = np.stack([getattr(imagehash, name)(Image.fromarray(picture)).hash.reshape(-1) for picture in some])
    assert np.array_equal(ours, theirs)


def test_packed_bits_print_as_imagehash_prints_them():
    picture = pictures(1)[0]
    bits = bits_of(vectors(open_encoder("phash"), [picture]))
    assert f"{int(pack(bits)[0]):016x}" == str(imagehash.phash(Image.fromarray(picture)))
    assert np.array_equal(unpack(pack(bits)), bits)


def test_cosine_counts_the_bits_that_differ():
    rows = vectors(open_encoder("phash"), pictures(2))
    distance = int((bits_of(rows)[0] != bits_of(rows)[1]).sum())
    assert rows[0] @ rows[1] == pytest.approx(cosine_of(distance))
