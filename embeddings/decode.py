"""Decode in worker processes: items go in, prepared views come out in order, and a file that kills its worker is only an error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.workers import cores, processes
from isocenter.embeddings.api import Transform

Loader = Callable[[], Any]
Outcome = tuple[list[NDArray[Any]], str | None]
PRELOAD = ["isocenter.embeddings.decode", "isocenter.embeddings.prepare"]
CHUNK = 8
CHUNKS_AHEAD = 4                # per worker; bounds what is decoded and not yet encoded
FEW = 32                        # items for which starting workers takes longer than decoding


@dataclass(frozen=True, slots=True)
class Item:
    """One sample to encode. `load` gives its pixels, or (pixels, axes); it must be picklable when worker processes decode."""

    sample_id: str
    file_hash: str
    load: Loader


@dataclass(frozen=True, slots=True)
class Decoded:
    """An item's views, or what went wrong."""

    item: Item
    views: list[NDArray[Any]]
    error: str | None = None


def decode(items: Iterable[Item], transform: Transform, workers: int | None = None) -> Iterator[Decoded]:
    """Views of each item, in order. workers: None for one per core (up to 8; none for a handful of items), 0 for this process."""
    stream = iter(items)
    head = list(islice(stream, FEW + 1))
    if workers is None:
        workers = 0 if len(head) <= FEW else min(8, cores())
    if workers == 0:
        for item in (*head, *stream):
            yield prepare(item, transform)
        return
    chunks = _chunks(_chain(head, stream))
    while (first := next(chunks, None)) is not None:
        yield from _pool(_chain([first], chunks), transform, workers)


def prepare(item: Item, transform: Transform) -> Decoded:
    """Load and transform one item; whatever is wrong with the file becomes its error."""
    try:
        loaded = item.load()
        pixels, axes = loaded if isinstance(loaded, tuple) else (loaded, None)
        return Decoded(item, transform(np.asarray(pixels), axes))
    except Exception as error:  # bad input is data: it gets a row
        return Decoded(item, [], f"{type(error).__name__}: {error}".splitlines()[0][:300])


def _pool(chunks: Iterator[list[Item]], transform: Transform, workers: int) -> Iterator[Decoded]:
    """Work through the chunks in worker processes. When one of them dies, what was under way is done again one by one."""
    waiting: deque[tuple[list[Item], Future[list[Outcome]]]] = deque()
    with processes(workers, preload=PRELOAD) as pool:
        try:
            for chunk in islice(chunks, workers * CHUNKS_AHEAD):
                waiting.append((chunk, pool.submit(_prepare_all, chunk, transform)))
            while waiting:
                yield from _restored(waiting[0][0], waiting[0][1].result())
                waiting.popleft()
                for chunk in islice(chunks, 1):
                    waiting.append((chunk, pool.submit(_prepare_all, chunk, transform)))
            return
        except BrokenProcessPool:
            pass
    for chunk, _ in waiting:
        for item in chunk:
            yield _alone(item, transform)


def _prepare_all(items: list[Item], transform: Transform) -> list[Outcome]:
    return [(done.views, done.error) for done in (prepare(item, transform) for item in items)]


def _restored(items: list[Item], results: list[Outcome]) -> Iterator[Decoded]:
    for item, (views, error) in zip(items, results, strict=True):
        yield Decoded(item, views, error)


def _alone(item: Item, transform: Transform) -> Decoded:
    """One item in a process of its own, so that it can only take itself down."""
    with processes(1, preload=PRELOAD) as pool:
        try:
            [(views, error)] = pool.submit(_prepare_all, [item], transform).result()
            return Decoded(item, views, error)
        except BrokenProcessPool:
            return Decoded(item, [], "the decoder died on this file (out of memory, or a fault in a library)")


def _chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _chain(head: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from head
    yield from rest
