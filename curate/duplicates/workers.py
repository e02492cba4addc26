"""Run a function over jobs in worker processes of one thread each; with one worker everything stays in this process."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from isocenter.core.progress import track

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


def _watch(parent: int) -> None:
    """End this worker when the process that started it is gone, so that a killed command leaves nothing behind."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(2)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


@contextmanager
def pool(workers: int | None = None) -> Iterator[Pool]:
    """A pool of `workers` processes, by default as many as this process may use."""
    count = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if count == 1:
        yield Pool(None, 1)
        return
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_watch, initargs=(os.getpid(),)) as executor:
            yield Pool(executor, count)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
