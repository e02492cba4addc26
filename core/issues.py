"""Collect many findings with their breadcrumbs, then report them once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TextIO

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: where it was made, how bad it is, a short code, and a sentence."""

    path: tuple[str, ...]
    level: Level
    message: str
    code: str = ""

    def __str__(self) -> str:
        return f"[{' > '.join(self.path)}] {self.message}" if self.path else self.message


class Issues:
    """A list of findings that knows where it stands.

    >>> issues = Issues()
    >>> with issues.at("btcv", "0007"):
    ...     issues.error("label 14 is not in the map")
    >>> print(issues.all[0])
    [btcv > 0007] label 14 is not in the map
    """

    def __init__(self) -> None:
        self.all: list[Issue] = []
        self._path: tuple[str, ...] = ()

    @contextmanager
    def at(self, *crumbs: str) -> Iterator[None]:
        before = self._path
        self._path = (*before, *crumbs)
        try:
            yield
        finally:
            self._path = before

    def add(self, level: Level, message: str, code: str = "") -> None:
        self.all.append(Issue(self._path, level, message, code))

    def error(self, message: str, code: str = "") -> None:
        self.add("error", message, code)

    def warning(self, message: str, code: str = "") -> None:
        self.add("warning", message, code)

    def note(self, message: str, code: str = "") -> None:
        self.add("note", message, code)

    @property
    def errors(self) -> list[Issue]:
        return [issue for issue in self.all if issue.level == "error"]

    def print(self, file: TextIO | None = None, limit: int = 20) -> None:
        """Print findings, worst first; after `limit` lines only count the rest."""
        order = {"error": 0, "warning": 1, "note": 2}
        ranked = sorted(self.all, key=lambda issue: order[issue.level])
        out = file or sys.stderr
        for issue in ranked[:limit]:
            out.write(f"{issue.level}: {issue}\n")
        if len(ranked) > limit:
            out.write(f"… and {len(ranked) - limit} more\n")
