"""Progress of long work: a bar on a terminal, plain lines in a log, nothing when switched off."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
EVERY_SECONDS = 5.0
_silent = False


def silence(quiet: bool = True) -> None:
    """Switch all progress off (or on again), for `--json` and for tests."""
    global _silent
    _silent = quiet


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and show how far along they are, with rate and time left, on standard error."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if _silent or total == 0:
        yield from items
    elif sys.stderr.isatty():
        yield from _bar(items, what, total)
    else:
        yield from _lines(items, what, total)


def _bar(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=what, total=total, console=Console(stderr=True), transient=True)


def _lines(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    started = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= EVERY_SECONDS:
            last, rate = now, count / (now - started)
            left = f", {(total - count) / rate:.0f} s left" if total else ""
            sys.stderr.write(f"{what}: {count}{f' of {total}' if total else ''}, {rate:.{0 if rate >= 10 else 1}f}/s{left}\n")
            sys.stderr.flush()


def say(line: str) -> None:
    """One line about what long work is at, on standard error."""
    if not _silent:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
