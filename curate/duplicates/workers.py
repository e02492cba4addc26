"""Run a function over jobs in worker processes of one thread each; with one worker everything stays in this process.

Jobs that are done leave their results in a folder, so that the same work, cut and started again, goes on with the job that was cut.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

from isocenter.core.files import draft
from isocenter.core.progress import track
from isocenter.core.workers import cores, processes
from isocenter.curate.duplicates.results import read_result, write_result

J = TypeVar("J")
R = TypeVar("R")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """`map` and `each` over jobs, in order, with progress. Use it inside `with pool(workers) as …`.

    done: a folder that keeps the results of finished jobs by the order in which they were asked for; only the very same calls may find
    them there, so name it by everything that decides them. None: nothing is kept.
    """

    def __init__(self, executor: ProcessPoolExecutor | None, workers: int, done: Path | None = None) -> None:
        self.executor, self.workers, self.done = executor, workers, done
        self.calls = 0

    def map(self, function: Callable[[J], R], jobs: Sequence[J], what: str) -> Iterator[R]:
        """Results in the order of the jobs; `function` must be a module's function, and jobs picklable."""
        yield from track(self._run(function, jobs), what, total=len(jobs))

    def each(self, function: Callable[[J], list[R]], jobs: Sequence[J], what: str, total: int) -> Iterator[R]:
        """The same for jobs that each give a list: their `total` elements one after the other, counted one by one."""
        yield from track(chain.from_iterable(self._run(function, jobs)), what, total=total)

    def _run(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterable[R]:
        self.calls += 1
        kept = [(function, job, self.done and self.done / f"{self.calls:02d}-{number:06d}.done") for number, job in enumerate(jobs)]
        return map(_once, kept) if self.executor is None else self.executor.map(_once, kept)


def _once(job: tuple[Callable[[J], R], J, Path | None]) -> R:
    """The function's result, taken from the file where it lies there already."""
    function, argument, path = job
    if path is None:
        return function(argument)
    if path.exists():
        return cast(R, read_result(path))
    result = function(argument)
    with draft(path) as temporary:
        write_result(temporary, result)
    return result


@contextmanager
def pool(workers: int | None = None, done: Path | None = None) -> Iterator[Pool]:
    """A pool of `workers` processes, by default as many as this process may use. done: see `Pool`."""
    count = workers or cores()
    if count == 1:
        yield Pool(None, 1, done)
        return
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        with processes(count) as executor:
            yield Pool(executor, count, done)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
