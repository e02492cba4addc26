"""Vectors on disk: shards of Parquet in one folder per encoder and dataset, found again by the content they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import write_json
from isocenter.core.tables import Kind, read_header, write_table
from isocenter.embeddings.api import Card, Encoder, Vectors, unit

CARD = "card.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One sample's vector, or the reason why it has none."""

    sample_id: str
    content: str
    vector: NDArray[Any] | None = None
    error: str | None = None


def content_key(sample_id: str, file_hash: str) -> str:
    """What a vector depends on: the file's hash, and the member, array index or part if the sample is one of several in its file."""
    tail = min((position for mark in ("::", "#") if (position := sample_id.find(mark)) >= 0), default=len(sample_id))
    return file_hash + sample_id[tail:]


def kind(dimension: int, storage: str) -> Kind:
    """The table of one shard; its vectors have a fixed length."""
    value = pa.float16() if storage == "float16" else pa.float32()
    return Kind("vectors", 1, pa.schema([("sample_id", pa.string()), ("content", pa.string()),
                                         ("vector", pa.list_(value, dimension)), ("error", pa.string())]))


class Shards:
    """The folder of one encoder and one dataset: what is there, and the next shard."""

    def __init__(self, folder: Path, card: Card) -> None:
        self.folder, self.card, self.kind = folder, card, kind(card.dimension, card.storage)

    def prepare(self, encoder: Encoder) -> None:
        """Write the model card beside the shards, or refuse a folder that another encoder wrote."""
        card = json.loads(json.dumps({**encoder.card.to_json(), "transform": encoder.transform.key, "pool": encoder.transform.pool}))
        path = self.folder.parent / CARD
        if not path.exists():
            write_json(path, card)
        elif json.loads(path.read_text(encoding="utf-8")) != card:
            raise BadInput(f"{self.folder.parent.name} was written by other weights or settings of {encoder.card.name}", where=str(path),
                           hint="delete that folder, or give the encoder another revision")

    def paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.parquet"))

    def known(self) -> tuple[dict[str, str], dict[str, tuple[Path, int]]]:
        """Which content each sample id has a row for, and where the vector of each content lies."""
        samples: dict[str, str] = {}
        places: dict[str, tuple[Path, int]] = {}
        for path in self.paths():
            read_header(path, self.kind)
            table = pq.read_table(path, columns=["sample_id", "content", "error"])
            for row, (sample, content, error) in enumerate(zip(*(column.to_pylist() for column in table.columns))):
                samples[sample] = content
                if error is None:
                    places[content] = (path, row)
                else:
                    places.setdefault(content, (path, -1))
        return samples, places

    def write(self, rows: Sequence[Row]) -> Path:
        """Write the next shard, whole or not at all; a shard that is there is finished."""
        last = self.paths()
        path = self.folder / f"{int(last[-1].stem) + 1 if last else 0:05d}.parquet"
        dtype = np.float16 if self.card.storage == "float16" else np.float32
        flat = np.zeros((len(rows), self.card.dimension), dtype)
        missing = np.array([row.vector is None for row in rows])
        for i, row in enumerate(rows):
            if row.vector is not None:
                flat[i] = row.vector
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), self.card.dimension, mask=pa.array(missing))
        table = pa.table({"sample_id": [row.sample_id for row in rows], "content": [row.content for row in rows],
                          "vector": vectors, "error": pa.array([row.error for row in rows], pa.string())})
        write_table(path, table, self.kind, {"rows": len(rows), "encoder": self.folder.parent.name})
        return path


@dataclass(frozen=True, slots=True)
class EmbeddingSet:
    """The vectors of one encoder for some datasets. `paths` are shards, `embeddings/<key>/<dataset>/<number>.parquet`."""

    key: str
    card: dict[str, Any]
    paths: tuple[Path, ...]

    @classmethod
    def open(cls, folder: Path, datasets: Iterable[str]) -> EmbeddingSet:
        """folder: `embeddings/<key>`. Raises NotFound when nothing was embedded there."""
        card = folder / CARD
        if not card.exists():
            raise NotFound(f"no vectors of {folder.name}", where=str(folder), hint="isocenter embed COHORT --with ENCODER")
        paths = tuple(path for name in sorted(set(datasets)) for path in sorted((folder / name).glob("[0-9]*.parquet")))
        return cls(folder.name, json.loads(card.read_text(encoding="utf-8")), paths)

    def read(self, ids: Sequence[str] | None = None, *, raw: bool = False) -> tuple[list[str], Vectors]:
        """(ids, rows): those of `ids` that have a vector, in their order (None: all, sorted), and (n, d) float32 unit rows.

        An encoder of named quantities (card["unit"] false) gives rows brought to mean 0 and deviation 1 over what is read, then
        to unit length; `raw` gives what is stored.
        """
        places = self._places(None if ids is None else set(ids))
        order = sorted(places) if ids is None else [sample for sample in dict.fromkeys(ids) if sample in places]
        rows = gather([places[sample] for sample in order], int(self.card["dimension"]))
        if not raw:
            rows = unit(rows if self.card["unit"] else standard(rows))
        return order, rows

    def ids(self) -> list[str]:
        """Sample ids that have a vector, sorted."""
        return sorted(self._places(None))

    def errors(self) -> dict[str, str]:
        """Sample id to the reason why it has no vector."""
        out: dict[str, str] = {}
        for path in self.paths:
            table = pq.read_table(path, columns=["sample_id", "error"])
            for sample, error in zip(table["sample_id"].to_pylist(), table["error"].to_pylist()):
                if error is None:
                    out.pop(sample, None)
                else:
                    out[sample] = error
        return out

    def shards(self) -> tuple[str, ...]:
        """Names of the shards, `<dataset>/<number>`; a finished shard never changes."""
        return tuple(f"{path.parent.name}/{path.stem}" for path in self.paths)

    def only(self, shards: set[str]) -> EmbeddingSet:
        """The same set with some of its shards."""
        return EmbeddingSet(self.key, self.card, tuple(path for path in self.paths if f"{path.parent.name}/{path.stem}" in shards))

    def _places(self, wanted: set[str] | None) -> dict[str, tuple[Path, int]]:
        """Where the newest vector of each sample lies."""
        places: dict[str, tuple[Path, int]] = {}
        for path in self.paths:
            names = pq.read_table(path, columns=["sample_id", "error"])
            for row, (sample, error) in enumerate(zip(names["sample_id"].to_pylist(), names["error"].to_pylist())):
                if error is None and (wanted is None or sample in wanted):
                    places[sample] = (path, row)
        return places


def gather(places: Sequence[tuple[Path, int]], dimension: int) -> Vectors:
    """(n, d) float32 rows at (shard, row number), reading each shard once."""
    out = np.empty((len(places), dimension), np.float32)
    by_path: dict[Path, list[int]] = {}
    for i, (path, _) in enumerate(places):
        by_path.setdefault(path, []).append(i)
    for path, wanted in by_path.items():
        column = pq.read_table(path, columns=["vector"])["vector"].combine_chunks().take(pa.array([places[i][1] for i in wanted]))
        out[wanted] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(wanted), dimension)
    return out


def standard(rows: Vectors) -> Vectors:
    """Columns brought to mean 0 and deviation 1; a column that never varies becomes 0."""
    deviation = rows.std(axis=0)
    scaled: Vectors = (rows - rows.mean(axis=0)) / np.where(deviation > 1e-12, deviation, np.inf).astype(np.float32)
    return scaled
