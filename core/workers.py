"""Worker processes for every room: fresh ones, deaf to Ctrl-C, gone when the command that started them is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess

HAS_FORK_SERVER = "forkserver" in multiprocessing.get_all_start_methods()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def processes(workers: int, *, preload: list[str] | None = None) -> Iterator[ProcessPoolExecutor]:
    """An executor of `workers` fresh processes (not forks: threads of torch and polars do not survive one).

    `preload` names modules that a fork server loads once for all workers, where the system has such a server.
    An interrupt reaches this process only; it then ends the workers at once, in the middle of what they do.
    """
    context: SpawnContext | ForkServerContext = _Spawning()
    if preload is not None and HAS_FORK_SERVER:
        context = _Forking()
        context.set_forkserver_preload(preload)
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_watch, initargs=(os.getpid(),))
    try:
        yield executor
    except (KeyboardInterrupt, GeneratorExit):
        manager = getattr(executor, "_executor_manager_thread", None)
        executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        if manager is not None:
            manager.join()  # it closes the pipes that the interpreter writes to when it exits
        raise
    finally:
        executor.shutdown(cancel_futures=True)


class _Deaf:
    """A process that is born with SIGINT blocked, before it imports anything."""

    def start(self) -> None:
        if not hasattr(signal, "pthread_sigmask"):
            super().start()  # type: ignore[misc]
            return
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()  # type: ignore[misc]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _DeafSpawned(_Deaf, SpawnProcess):
    pass


class _Spawning(SpawnContext):
    Process = _DeafSpawned


if HAS_FORK_SERVER:
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class _DeafForked(_Deaf, ForkServerProcess):
        pass

    class _Forking(ForkServerContext):
        Process = _DeafForked


def _watch(parent: int) -> None:
    """End this worker when the process that asked for it is gone, so that a killed command leaves nothing behind."""

    def look() -> None:
        while _alive(parent):
            time.sleep(2)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
