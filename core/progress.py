"""Progress of long work: a bar on a terminal, plain lines in a log, nothing when switched off."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
EVERY_SECONDS = 5.0
STEADY_SECONDS, LONG_SECONDS, ENOUGH = 3.0, 20.0, 0.03       # of work after the first item, from which a rate is told, and time left (or from this share on)
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
    last, first = time.monotonic(), None
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        first = now if first is None else first
        if now - last >= EVERY_SECONDS:
            last = now
            sys.stderr.write(f"{what}: {count}{f' of {total}' if total else ''}{_pace(count, now - first, total)}\n")
            sys.stderr.flush()


def _pace(count: int, seconds: float, total: int | None) -> str:
    """Rate and time left, from what came after the first item (before it lies the start-up); nothing until that tells something.

    >>> _pace(1, 0.0, 100), _pace(31, 10.0, 100), _pace(3, 1.0, None)
    ('', ', 3.0/s, 23 s left', '')
    """
    if seconds < STEADY_SECONDS:
        return ""
    rate = (count - 1) / seconds
    left = f", {(total - count) / rate:.0f} s left" if total and rate and (seconds >= LONG_SECONDS or count >= ENOUGH * total) else ""
    return f", {rate:.{0 if rate >= 10 else 1}f}/s{left}"


def say(line: str) -> None:
    """One line about what long work is at, on standard error."""
    if not _silent:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
