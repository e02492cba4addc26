"""Embedding fills shards, continues where it was cut, never encodes twice, and turns bad files into rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from isocenter.core import progress
from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import file_hash
from isocenter.embeddings.api import Card, key, open_encoder, vectors
from isocenter.embeddings.decode import Item, decode
from isocenter.embeddings.pipeline import embed
from isocenter.embeddings.prepare import Views
from isocenter.embeddings.shards import EmbeddingSet, content_key
from isocenter.harmonize.image import load_pixels


@pytest.fixture(autouse=True)
def _quiet():
    progress.silence()
    yield
    progress.silence(False)


def load(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture
def items(tmp_path):
    rng = np.random.default_rng(0)
    out = []
    for i in range(20):
        path = tmp_path / f"{i:02d}.png"
        Image.fromarray(rng.integers(0, 256, (40, 40), dtype=np.uint8)).save(path)
        out.append(Item(f"set@1/{i:02d}.png", file_hash(path), partial(load, path)))
    return out


class Counting:
    """The thumbnail encoder, counting views, failing at the n-th call or above a batch size."""

    def __init__(self, stop_at: int | None = None, fits: int = 10**6):
        self.inner = open_encoder("thumbnail")
        self.card, self.transform, self.views, self.calls, self.stop_at, self.fits = self.inner.card, self.inner.transform, 0, 0, stop_at, fits

    def encode(self, batch):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        if len(batch) > self.fits:
            raise RuntimeError("CUDA out of memory")
        self.views += len(batch)
        return self.inner.encode(batch)


def test_what_was_read_back_is_what_was_encoded(items, tmp_path):
    encoder = Counting()
    folder = tmp_path / key(encoder)
    done = embed(items, encoder, folder / "set", shard=8)
    assert (done.encoded, done.reused, done.errors) == (20, 0, 0)
    assert [path.name for path in sorted((folder / "set").iterdir())] == ["00000.parquet", "00001.parquet", "00002.parquet"]
    asked = [items[i].sample_id for i in (13, 2, 19)]
    ids, rows = EmbeddingSet.open(folder, ["set"]).read([*asked, "set@1/absent"])
    assert ids == asked
    assert np.allclose(rows, vectors(encoder, [items[i].load() for i in (13, 2, 19)]), atol=2e-3)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_a_cut_run_continues_after_its_last_finished_shard(items, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        embed(items, Counting(stop_at=4), tmp_path / "k" / "set", shard=5, batch=5)
    again = Counting()
    done = embed(items, again, tmp_path / "k" / "set", shard=5, batch=5)
    assert (done.encoded, done.reused, again.views) == (5, 15, 5)
    ids, _ = EmbeddingSet.open(tmp_path / "k", ["set"]).read()
    assert ids == sorted(item.sample_id for item in items)


def test_choosing_again_never_encodes_again_and_a_changed_file_does(items, tmp_path):
    embed(items[:10], Counting(), tmp_path / "k" / "set")
    again = Counting()
    renamed = Item("set@1/new-name.png", items[0].file_hash, items[0].load)
    changed = Item(items[1].sample_id, items[15].file_hash, items[15].load)
    done = embed([*items[5:10], renamed, changed], again, tmp_path / "k" / "set")
    assert (done.encoded, done.reused, again.views) == (1, 6, 1)
    _, rows = EmbeddingSet.open(tmp_path / "k", ["set"]).read([items[0].sample_id, renamed.sample_id, changed.sample_id])
    assert np.array_equal(rows[0], rows[1])
    assert np.allclose(rows[2], vectors(again, [items[15].load()])[0], atol=2e-3)


def test_samples_of_one_archive_are_told_apart():
    assert content_key("a@1/x.npz::3", "h") == "h::3"
    assert content_key("a@1/x.png#box1", "h") == "h#box1"
    assert content_key("a@1/x.png", "h") == "h"


def test_a_bad_file_is_a_row_with_its_reason_and_is_tried_again_only_on_request(items, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG but not really")
    broken = Item("set@1/bad.png", "hash-of-bad", partial(load, bad))
    folder = tmp_path / "k" / "set"
    assert embed([items[0], broken], Counting(), folder).errors == 1
    assert "UnidentifiedImageError" in EmbeddingSet.open(tmp_path / "k", ["set"]).errors()["set@1/bad.png"]
    assert embed([items[0], broken], Counting(), folder).reused == 2
    Image.new("L", (9, 9), 3).save(bad)
    assert embed([items[0], broken], Counting(), folder, retry=True).encoded == 1
    assert EmbeddingSet.open(tmp_path / "k", ["set"]).errors() == {}


def test_out_of_memory_halves_the_batch_and_goes_on(items, tmp_path):
    encoder = Counting(fits=3)
    assert embed(items, encoder, tmp_path / "k" / "set", batch=16).encoded == 20
    assert encoder.views == 20


def test_worker_processes_keep_the_order_and_survive_a_decoder_that_dies(items, tmp_path):
    killer = Item("set@1/killer.png", "hash-of-killer", partial(os._exit, 9))
    importable = [Item(item.sample_id, item.file_hash, partial(load_pixels, tmp_path / f"{i:02d}.png", "png")) for i, item in enumerate(items)]
    queue = [*importable[:9], killer, *importable[9:]]
    found = list(decode(queue, Views((8, 8)), workers=1))
    assert [decoded.item.sample_id for decoded in found] == [item.sample_id for item in queue]
    assert [decoded.item.sample_id for decoded in found if decoded.error] == ["set@1/killer.png"]


def test_vectors_of_other_weights_under_the_same_name_are_refused(items, tmp_path):
    embed(items[:1], Counting(), tmp_path / "k" / "set")

    @dataclass
    class Other:
        card: Card
        transform: Views

        def encode(self, batch):
            return np.ones((len(batch), 4), np.float32)

    with pytest.raises(BadInput, match="other weights"):
        embed(items[:1], Other(Card("thumbnail", "1", 4, "", "", weights_hash="x"), Views((8, 8))), tmp_path / "k" / "set")
    with pytest.raises(NotFound, match="isocenter embed"):
        EmbeddingSet.open(tmp_path / "elsewhere", ["set"])


def test_shards_are_plain_tables(items, tmp_path):
    embed(items[:3], Counting(), tmp_path / "k" / "set")
    table = pl.read_parquet(tmp_path / "k" / "set" / "00000.parquet")
    assert table.columns == ["sample_id", "content", "vector", "error"]
    assert table["vector"].dtype == pl.Array(pl.Float16, 1024)
