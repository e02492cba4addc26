"""What the system refuses (no permission, no room) as an error that a user can act on; any other error of the system stays what it is."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

from isocenter.core.errors import IsocenterError, Refused

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
AGAIN = "the same command again: what was finished stays"


def told(error: OSError) -> IsocenterError | None:
    """The error for people; None for one that a bug of ours may have caused."""
    path = _place(error)
    where = None if path is None else str(path)
    if error.errno in FULL:
        return Refused("the disk is full" if error.errno == errno.ENOSPC else "the disk quota is used up", where=where, hint=f"make room ({shlex.join(['df', '-h', where or '.'])}), then {AGAIN}")
    if error.errno == errno.EROFS:
        return Refused("the disk is mounted for reading only", where=where, hint="a workspace or folder on another disk")
    if error.errno in FORBIDDEN:
        if path is not None and path.exists() and not os.access(path, os.R_OK):
            return Refused("no permission to read this", where=where, hint=f"ls -ld {shlex.quote(str(where))} shows who may")
        return Refused("no permission to write here", where=where, hint="a workspace of your own (--workspace DIR), or " + (f"chmod -R u+w {shlex.quote(where)} if it is yours" if where else "write permission"))
    return None


def _place(error: OSError) -> Path | None:
    """The file or folder that stands in the way: of a file that could not be made, the nearest folder that is there."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(error.filename)).absolute()
    return path if path.exists() else next((folder for folder in path.parents if folder.exists()), path)
