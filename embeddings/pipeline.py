"""Embed samples: decode in workers, encode on the device in batches, write shards; what was encoded before is never encoded again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.progress import track
from isocenter.embeddings.api import Encoder, Vectors, finish
from isocenter.embeddings.decode import Decoded, Item, decode
from isocenter.embeddings.shards import Row, Shards, content_key, gather

SHARD = 4096
BATCH = 32                      # views in one call of the encoder


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many samples were encoded now, reused from before, and could not be read."""

    encoded: int
    reused: int
    errors: int


def embed(items: Iterable[Item], encoder: Encoder, folder: Path, *, total: int | None = None, batch: int = BATCH,
          shard: int = SHARD, workers: int | None = None, retry: bool = False) -> Embedded:
    """Bring the shards of `folder` (`embeddings/<key>/<dataset>`) up to date for the items.

    Memory is bounded by a shard of vectors and what the workers are ahead. Cut at any moment, the same call continues after
    the last finished shard. A sample whose content is known gets a row without being decoded; one that failed before is tried
    again only with `retry`. When the device is out of memory the batch is halved and the work goes on.
    """
    shards = Shards(folder, encoder.card)
    shards.prepare(encoder)
    samples, places = shards.known()
    copies: list[tuple[Item, str, tuple[Path, int]]] = []
    untouched = 0

    def fresh() -> Iterator[Item]:
        nonlocal untouched
        under_way: set[tuple[str, str]] = set()
        for item in items:
            content = content_key(item.sample_id, item.file_hash)
            place = places.get(content)
            if place and retry and place[1] < 0:
                place = None
            if samples.get(item.sample_id) == content and place:
                untouched += 1
            elif place and place[1] >= 0:
                copies.append((item, content, place))
            elif (item.sample_id, content) not in under_way:
                under_way.add((item.sample_id, content))
                yield item

    errors = encoded = 0
    rows: list[Row] = []
    for row in _encoded(track(decode(fresh(), encoder.transform, workers), f"embedding with {encoder.card.name}", total), encoder, batch):
        rows.append(row)
        errors, encoded = errors + (row.error is not None), encoded + (row.error is None)
        if len(rows) == shard:
            shards.write(rows)
            rows = []
    if rows:
        shards.write(rows)
    _copy(copies, shards, shard)
    return Embedded(encoded, untouched + len(copies), errors)


def _copy(copies: list[tuple[Item, str, tuple[Path, int]]], shards: Shards, size: int) -> None:
    """Rows for samples whose content was encoded under another id."""
    for start in range(0, len(copies), size):
        part = copies[start : start + size]
        vectors = gather([place for _, _, place in part], shards.card.dimension)
        shards.write([Row(item.sample_id, content, vector) for (item, content, _), vector in zip(part, vectors, strict=True)])


def _encoded(stream: Iterable[Decoded], encoder: Encoder, batch: int) -> Iterator[Row]:
    """Rows of decoded items, in order; views of several items share a call of the encoder."""
    size = batch
    held: list[Decoded] = []
    views = 0
    for decoded in stream:
        held.append(decoded)
        views += len(decoded.views)
        if views >= batch or len(held) >= 8 * batch:
            size = yield from _flush(held, encoder, size)
            held, views = [], 0
    yield from _flush(held, encoder, size)


def _flush(held: list[Decoded], encoder: Encoder, size: int) -> Generator[Row, None, int]:
    """Encode what is held, yield its rows, and return the batch size that fitted the device."""
    good = [decoded for decoded in held if decoded.error is None]
    vectors: dict[int, Any] = {}
    if good:
        rows, size = _fit(encoder, [view for decoded in good for view in decoded.views], size)
        pooled = finish(encoder, rows, [len(decoded.views) for decoded in good])
        vectors = {id(decoded): row for decoded, row in zip(good, pooled, strict=True)}
    for decoded in held:
        content = content_key(decoded.item.sample_id, decoded.item.file_hash)
        vector, error = vectors.get(id(decoded)), decoded.error
        if vector is not None and not np.isfinite(vector).all():
            vector, error = None, "the encoder gave a value that is not finite"
        yield Row(decoded.item.sample_id, content, vector, error)
    return size


def _fit(encoder: Encoder, views: list[NDArray[Any]], size: int) -> tuple[Vectors, int]:
    """Encode the views in calls of `size`; out of memory halves the size, down to one view."""
    out: list[Vectors] = []
    done = 0
    while done < len(views):
        try:
            out.append(encoder.encode(views[done : done + size]))
            done += len(out[-1])
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not out_of_memory(error):
                raise
            size //= 2
            free_device_memory()
    return np.concatenate(out), size


def out_of_memory(error: BaseException) -> bool:
    """Is this torch's or Python's way to say that memory is gone?"""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower() \
        or "can't allocate memory" in str(error).lower()


def free_device_memory() -> None:
    import sys

    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
