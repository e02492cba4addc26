"""Errors a user can act on: what happened, where, and what to type next; each knows the exit status of the process."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit status of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ROWS_IN_ERROR = 3


class IsocenterError(Exception):
    """An expected failure. The command line prints it as three lines and never as a traceback."""

    exit_code = Exit.FAILED

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.hint:
            lines.append(f"  try:   {self.hint}")
        return "\n".join(lines)


class NotFound(IsocenterError):
    """A thing asked for by name does not exist here."""


class BadInput(IsocenterError):
    """A file, table or recipe says something that cannot be carried out."""


class Unreadable(BadInput):
    """A file's content cannot be decoded as what it claims to be."""


class Conflict(IsocenterError):
    """Two sources disagree, and the recipe has not settled it."""


class Refused(IsocenterError):
    """The request is understood and is not allowed (a licence, a safety rule)."""


class MissingExtra(IsocenterError):
    """An optional dependency is not installed."""


class UsageError(IsocenterError):
    """The command line or recipe asks for something that has no meaning."""

    exit_code = Exit.USAGE
