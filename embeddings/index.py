"""An index over the vectors of one encoder: chosen by size and memory, its recall measured against exact search, saved and appended to."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, NotFound, UsageError
from isocenter.core.files import draft, write_json
from isocenter.core.tables import Kind, read_table, write_table
from isocenter.embeddings.api import Vectors
from isocenter.embeddings.kernels.topk import Found, top_k, without_self

IndexKind = Literal["flat", "ivf", "ivfpq", "hnsw"]
KINDS: tuple[IndexKind, ...] = ("flat", "ivf", "ivfpq", "hnsw")
IDS = Kind("index-ids", 1, pa.schema([("sample_id", pa.string())]))
FLAT_UP_TO = 200_000            # rows; an exact query takes about 0.2 s there on two cores
TRAINED_ON = 10_000             # rows, at least, that codes are learnt from
MEASURED = 500                  # queries on which recall is measured
WANTED_RECALL = 0.95
LEAST_GAIN = 0.005              # of recall, by which a doubling must pay
GPU_PROBES = 2048               # lists that FAISS looks at on a GPU, at most
GPU_CODES = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)     # codes a row that it has kernels for
STALE = 2.0                     # growth since training from which on a new training is advised


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What is written beside an index and checked when it is opened."""

    encoder: str
    weights_hash: str
    kind: IndexKind
    dimension: int
    count: int
    trained_on: int
    recall_at_10: float | None = None
    probes: int = 0
    shards: tuple[str, ...] = ()        # the shards whose vectors are in it


def choose(count: int, dimension: int, memory: int | None = None) -> IndexKind:
    """Flat while exact search is quick, IVF while the vectors fit a third of memory (bytes), IVF-PQ beyond."""
    if memory is None:
        import os

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    need = count * dimension * 4
    if need > memory // 3:
        return "ivfpq"
    return "flat" if count <= FLAT_UP_TO else "ivf"


class Index:
    """Rows by sample id. `search` is as exact as `facts.recall_at_10` says; `exact` kinds have no such number."""

    def __init__(self, native: Any, ids: list[str], facts: IndexFacts) -> None:
        self.native, self.ids, self.facts = native, ids, facts

    @classmethod
    def build(cls, ids: Sequence[str], rows: Vectors, *, encoder: str, weights_hash: str = "", kind: IndexKind | str = "auto",
              device: str = "cpu", seed: int = 0, shards: tuple[str, ...] = ()) -> Index:
        """An index over (n, d) unit rows. Approximate kinds are tuned on a sample until recall@10 reaches 0.95, and say what they reach."""
        if kind not in ("auto", *KINDS):
            raise UsageError(f"no index of kind {kind!r}", hint=f"one of: auto, {', '.join(KINDS)}")
        if len(ids) != len(rows) or len(rows) == 0:
            raise BadInput(f"an index needs one id per vector and at least one, not {len(ids)} and {len(rows)}")
        chosen = choose(*rows.shape) if kind == "auto" else cast(IndexKind, kind)
        rows = np.ascontiguousarray(rows, np.float32)
        native = _on_device(_native(chosen, *rows.shape), chosen, device)
        rng = np.random.default_rng(seed)
        if not native.is_trained:
            native.train(rows[np.sort(rng.permutation(len(rows))[: max(TRAINED_ON, 64 * _lists(len(rows)))])])
        native.add(rows)
        facts = IndexFacts(encoder, weights_hash, chosen, rows.shape[1], len(rows), len(rows), shards=shards)
        index = cls(native, list(ids), facts)
        if chosen != "flat":
            index._tune(rows, rng)
        return index

    def search(self, queries: Vectors, k: int = 10) -> Found:
        """(cosine (q, k), position (q, k)), best first; position −1 where the index found fewer."""
        return _search(self.native, queries, min(k, len(self.ids)), self.facts)

    def graph(self, rows: Vectors, k: int = 10) -> Found:
        """The k nearest others of each row; `rows` are the index's own, in its order."""
        return without_self(*self.search(rows, min(k, len(self.ids) - 1) + 1))

    def append(self, ids: Sequence[str], rows: Vectors, shards: tuple[str, ...] = ()) -> str | None:
        """Add rows without rebuilding. Returns advice when the index has outgrown what it was trained on."""
        self.native.add(np.ascontiguousarray(rows, np.float32))
        self.ids.extend(ids)
        self.facts = replace(self.facts, count=len(self.ids), shards=shards)
        grown = self.facts.count / self.facts.trained_on
        return f"the index has grown {grown:.1f}-fold since it was trained; build it again" if self.facts.kind != "flat" and grown > STALE else None

    def save(self, folder: Path) -> None:
        """Write the index, its ids and its facts; the facts come last and mark it finished."""
        import faiss

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "facts.json").unlink(missing_ok=True)
        with draft(folder / "index.faiss") as path:
            faiss.write_index(self.native if not hasattr(self.native, "getDevice") else faiss.index_gpu_to_cpu(self.native), str(path))
        write_table(folder / "ids.parquet", [{"sample_id": sample} for sample in self.ids], IDS)
        write_json(folder / "facts.json", asdict(self.facts))

    @classmethod
    def open(cls, folder: Path, *, encoder: str, weights_hash: str = "", device: str = "cpu") -> Index:
        """Read an index; raises NotFound when there is none, BadInput when other vectors made it or it is not whole."""
        import faiss

        path = folder / "facts.json"
        if not path.exists():
            raise NotFound("no finished index here", where=str(folder), hint="isocenter similar FILE builds it")
        said = json.loads(path.read_text(encoding="utf-8"))
        facts = IndexFacts(**{**said, "shards": tuple(said["shards"])})
        if (facts.encoder, facts.weights_hash) != (encoder, weights_hash):
            raise BadInput(f"this index holds vectors of {facts.encoder}, not of {encoder}", where=str(folder), hint="delete the folder; it is built again")
        native = faiss.read_index(str(folder / "index.faiss"))
        ids = read_table(folder / "ids.parquet", IDS)["sample_id"].to_list()
        if native.ntotal != len(ids) or native.d != facts.dimension:
            raise BadInput(f"the index has {native.ntotal} vectors and {len(ids)} ids", where=str(folder), hint="delete the folder; it is built again")
        return cls(_on_device(native, facts.kind, device), ids, facts)

    def _tune(self, rows: Vectors, rng: np.random.Generator) -> None:
        """Look at more lists (or neighbours) until recall@10 on a sample is good or grows no more, and note what was reached."""
        queries = rows[np.sort(rng.permutation(len(rows))[:MEASURED])]
        truth = top_k(rows, queries, 10)[1]
        probes, most, before = 4, 512 if self.facts.kind == "hnsw" else max(4, _lists(len(rows))), 0.0
        while True:
            reached = recall(self.search_with(queries, probes), truth)
            self.facts = replace(self.facts, probes=probes, recall_at_10=reached)
            if reached >= WANTED_RECALL or reached < before + LEAST_GAIN or probes >= most:
                return
            probes, before = min(most, 2 * probes), reached

    def search_with(self, queries: Vectors, probes: int) -> NDArray[np.int64]:
        """Positions of the 10 nearest when `probes` lists (IVF) or candidates (HNSW) are looked at."""
        return _search(self.native, queries, min(10, len(self.ids)), replace(self.facts, probes=probes))[1]


def within(base: Vectors, queries: Vectors, tau: float, block: int = 65536) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """(query, row, cosine) of all combinations with cosine ≥ tau, exact, by query and then falling cosine."""
    parts = []
    for start in range(0, len(base), block):
        cosine = queries @ base[start : start + block].T
        query, row = np.nonzero(cosine >= tau)
        parts.append((query, row + start, cosine[query, row]))
    query, row, found = (np.concatenate(column) for column in zip(*parts)) if parts else (np.empty(0, int), np.empty(0, int), np.empty(0, np.float32))
    order = np.lexsort((row, -found, query))
    return query[order].astype(np.int64), row[order].astype(np.int64), found[order].astype(np.float32)


def recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Share of the true neighbours that were found."""
    hits = (found[:, :, None] == truth[:, None, :]).any(axis=1)
    return float(hits.mean())


def _native(kind: IndexKind, count: int, dimension: int) -> Any:
    import faiss

    inner = faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        return faiss.IndexFlatIP(dimension)
    if kind == "hnsw":
        native: Any = faiss.IndexHNSWFlat(dimension, 32, inner)
        native.hnsw.efConstruction = 80
        return native
    coder = "Flat" if kind == "ivf" else f"PQ{_codes(dimension, count)}"
    native = faiss.index_factory(dimension, f"IVF{_lists(count)},{coder}", inner)
    if kind == "ivfpq":
        native.pq.cp.niter = 8
    return native


def _lists(count: int) -> int:
    """About 4·√n lists, and at least 39 rows in each, FAISS's own advice."""
    return max(1, min(int(4 * math.sqrt(count)), count // 39))


def _codes(dimension: int, count: int) -> str:
    """Largest number of codes up to an eighth of the dimension that divides it; shorter codes where there are few rows to learn from."""
    pieces = next(m for m in range(max(1, dimension // 8), 0, -1) if dimension % m == 0)
    return f"{pieces}" if count >= 39 * 256 else f"{pieces}x4"


def _on_device(native: Any, kind: IndexKind, device: str) -> Any:
    """The index on a GPU where FAISS has one and offers this kind there; codes of the full width only, their tables in half precision."""
    import faiss

    fits = kind in ("flat", "ivf") or (kind == "ivfpq" and native.pq.nbits == 8 and native.pq.M in GPU_CODES)
    if not device.startswith("cuda") or not fits or not hasattr(faiss, "StandardGpuResources"):
        return native
    options = faiss.GpuClonerOptions()
    options.useFloat16 = kind == "ivfpq"          # tables of 32 codes and more exceed the GPU's shared memory otherwise
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), int(device.partition(":")[2] or 0), native, options)


def _search(native: Any, queries: Vectors, k: int, facts: IndexFacts) -> Found:
    import faiss

    if facts.kind in ("ivf", "ivfpq"):
        if hasattr(native, "getDevice"):
            native.nprobe = min(max(1, facts.probes), GPU_PROBES)
        else:
            faiss.extract_index_ivf(native).nprobe = max(1, facts.probes)
    elif facts.kind == "hnsw":
        native.hnsw.efSearch = max(k, facts.probes)
    cosine, position = native.search(np.ascontiguousarray(queries, np.float32), k)
    return cosine, position
