"""Run a function over jobs in worker processes of one thread each; with one worker everything stays in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from isocenter.core.progress import track
from isocenter.core.workers import cores, processes

J = TypeVar("J")
R = TypeVar("R")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """`map` over jobs, in order, with progress. Use it inside `with pool(workers) as …`."""

    def __init__(self, executor: ProcessPoolExecutor | None, workers: int) -> None:
        self.executor, self.workers = executor, workers

    def map(self, function: Callable[[J], R], jobs: Sequence[J], what: str) -> Iterator[R]:
        """Results in the order of the jobs; `function` must be a module's function, and jobs picklable."""
        results: Iterable[R] = map(function, jobs) if self.executor is None else self.executor.map(function, jobs)
        yield from track(results, what, total=len(jobs))


@contextmanager
def pool(workers: int | None = None) -> Iterator[Pool]:
    """A pool of `workers` processes, by default as many as this process may use."""
    count = workers or cores()
    if count == 1:
        yield Pool(None, 1)
        return
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        with processes(count) as executor:
            yield Pool(executor, count)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
