"""An index finds what exact search finds, says how often, grows, and is opened only for the vectors that made it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isocenter.core.errors import BadInput, NotFound, UsageError
from isocenter.embeddings.api import unit
from isocenter.embeddings.index import Index, choose, within
from isocenter.embeddings.kernels.topk import neighbour_graph, top_k

RNG = np.random.default_rng(5)
CENTRES = RNG.standard_normal((40, 32))
ROWS = unit(CENTRES[RNG.integers(0, 40, 4000)] + 0.7 * RNG.standard_normal((4000, 32)))
IDS = [f"set@1/{i}" for i in range(len(ROWS))]


def truth(queries: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-(queries @ ROWS.T), axis=1, kind="stable")[:, :k]


def test_top_k_is_exact():
    cosine, row = top_k(ROWS, ROWS[:50], 10)
    assert np.allclose(cosine, np.sort(ROWS[:50] @ ROWS.T, axis=1)[:, ::-1][:, :10], atol=1e-6)
    assert (row[:, 0] == np.arange(50)).all()


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_neighbours_are_those_of_exact_search(kind):
    index = Index.build(IDS, ROWS, encoder="e", kind=kind)
    found = index.search(ROWS[:200], 10)[1]
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth(ROWS[:200], 10))])
    assert share >= 0.93
    if kind != "flat":
        assert index.facts.recall_at_10 == pytest.approx(share, abs=0.05)


def test_compressed_vectors_say_how_much_they_lose():
    index = Index.build(IDS, ROWS, encoder="e", kind="ivfpq")
    assert 0.2 < index.facts.recall_at_10 < 1


def test_a_graph_holds_no_row_beside_itself_even_among_copies():
    rows = np.concatenate([ROWS[:30], ROWS[:1], ROWS[:1], ROWS[:1]])
    for _, row in (neighbour_graph(rows, 2), Index.build([str(i) for i in range(33)], rows, encoder="e").graph(rows, 2)):
        assert row.shape == (33, 2)
        assert not (row == np.arange(33)[:, None]).any()


def test_within_is_exact():
    query, row, cosine = within(ROWS, ROWS[:30], 0.9, block=512)
    expected = ROWS[:30] @ ROWS.T >= 0.9
    assert set(zip(query.tolist(), row.tolist())) == set(zip(*(side.tolist() for side in np.nonzero(expected))))
    assert all(np.all(np.diff(cosine[query == q]) <= 0) for q in range(30))


def test_an_index_grows_and_is_the_same_after_saving(tmp_path):
    index = Index.build(IDS[:1000], ROWS[:1000], encoder="e", weights_hash="w", kind="ivf")
    assert index.append(IDS[1000:1500], ROWS[1000:1500]) is None
    assert "build it again" in index.append(IDS[1500:], ROWS[1500:])
    index.save(tmp_path)
    again = Index.open(tmp_path, encoder="e", weights_hash="w")
    assert again.ids == IDS
    assert np.array_equal(again.search(ROWS[:20], 5)[1], index.search(ROWS[:20], 5)[1])


def test_an_index_of_other_vectors_is_refused(tmp_path):
    Index.build(IDS, ROWS, encoder="thumbnail@1+a", weights_hash="").save(tmp_path)
    with pytest.raises(BadInput, match="not of thumbnail@2"):
        Index.open(tmp_path, encoder="thumbnail@2+a")
    with pytest.raises(NotFound):
        Index.open(tmp_path / "none", encoder="thumbnail@1+a")
    with pytest.raises(UsageError, match="ivfpq"):
        Index.build(IDS, ROWS, encoder="e", kind="tree")


def test_the_kind_follows_size_and_memory():
    giga = 1 << 30
    assert choose(100_000, 512, 16 * giga) == "flat"
    assert choose(1_000_000, 512, 16 * giga) == "ivf"
    assert choose(10_000_000, 512, 16 * giga) == "ivfpq"


class OnGpu:
    """As much of an IVF index of FAISS on a GPU as a search touches: no `extract_index_ivf` takes it apart."""

    nprobe = 1

    def getDevice(self) -> int:
        return 0

    def search(self, queries, k):
        return np.zeros((len(queries), k), np.float32), np.full((len(queries), k), self.nprobe)


def test_an_index_on_a_gpu_is_told_how_many_lists_to_look_at_within_what_it_can():
    facts = Index.build([str(i) for i in range(len(ROWS))], ROWS, encoder="e", kind="ivf").facts
    for probes, asked in ((7, 7), (5000, 2048)):
        found = Index(OnGpu(), ["a"] * 20, replace(facts, probes=probes)).search(ROWS[:2], 3)[1]
        assert (found == asked).all()


@pytest.mark.gpu
def test_a_gpu_finds_the_same_neighbours():
    assert np.array_equal(top_k(ROWS, ROWS[:100], 5, device="cuda")[1], top_k(ROWS, ROWS[:100], 5, device="cpu")[1])
