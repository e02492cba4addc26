"""One writer per workspace: a verb that writes holds the workspace's lock, and another one is told who works there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from isocenter.core.errors import Conflict

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
except ImportError:                    # a system without POSIX locks: nobody is kept out
    lockf = None  # type: ignore[assignment]

HELD = (BlockingIOError, PermissionError)
_mine: set[Path] = set()


@contextmanager
def only_writer(root: Path, verb: str) -> Iterator[None]:
    """Hold the lock of the workspace at `root` while the block runs; verbs inside verbs hold it already.

    The lock is the system's (POSIX record lock on `runs/.lock`): it goes with the process, however that ends, and on a network
    drive that carries locks it holds between machines. Raises Conflict, naming who works there, when another process has it.
    """
    path = root / "runs" / ".lock"
    if path in _mine or lockf is None:
        yield
        return
    with _open(path) as stream:
        try:
            lockf(stream, LOCK_EX | LOCK_NB)
        except HELD as error:
            raise _refusal(path, stream.fileno()) from error
        except OSError:                # a drive that carries no locks
            yield
            return
        _mine.add(path)
        try:
            stream.truncate(0)
            stream.write(json.dumps({"verb": verb, "pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().astimezone().isoformat(timespec="seconds")}))
            stream.flush()
            yield
        finally:
            _mine.discard(path)
            with suppress(OSError):    # a full disk ends the work, not the letting go
                stream.truncate(0)
            lockf(stream, LOCK_UN)


def _open(path: Path) -> TextIO:
    """The lock's file, which whoever may write in its folder may write too. What the system forbids is said of the workspace."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh, stream = not path.exists(), path.open("a+", encoding="utf-8")
    except OSError as error:
        error.filename = str(path.parents[1])
        raise
    if fresh:
        path.chmod(path.parent.stat().st_mode & 0o666)
    return stream


def _refusal(path: Path, descriptor: int) -> Conflict:
    """Who holds the lock, as that process wrote it down; it may be about to."""
    try:
        holder: dict[str, Any] = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        holder = {}
    elsewhere = f" on {holder['host']}" if holder.get("host") not in (None, socket.gethostname()) else ""
    since = f" (process {holder['pid']}{elsewhere}, since {holder['since'].replace('T', ' ')})" if holder else ""
    name = f"another `isocenter {holder['verb']}`" if holder else "another isocenter"
    return Conflict(f"{name}{since} works in this workspace", where=str(path.parents[1]), hint="the same command when that has ended, or a workspace of its own (--workspace DIR)")
