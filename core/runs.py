"""The run ledger: one JSON file per command with its inputs, parameters, counts, seconds and versions."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from isocenter.core.files import write_json
from isocenter.core.lock import only_writer
from isocenter.core.workspace import Workspace

VERSIONED = ("isocenter", "duckdb", "polars", "pyarrow", "numpy", "pydicom", "nibabel", "pillow")
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(slots=True)
class Run:
    """What one command used and made; filled while it works."""

    verb: str
    parameters: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int | float] = field(default_factory=dict)


@contextmanager
def ledger(workspace: Workspace, verb: str, *, dry_run: bool = False, alone: bool = True, **parameters: Any) -> Iterator[Run]:
    """Record a command: an entry is written when it ends, also when it fails; a dry run leaves none.

    alone: no other process may write in the workspace meanwhile (see `only_writer`, which raises Conflict); not asked of a dry run and of what only reads,
    which works without an entry where none can be written.
    """
    run, started, clock = Run(verb, parameters), datetime.now(UTC), time.monotonic()
    outcome = "failed"
    with only_writer(workspace.root, verb) if alone and not dry_run else nullcontext():
        try:
            yield run
            outcome = "done"
        finally:
            stamp = started.strftime("%Y%m%dT%H%M%S.%f")
            if not dry_run:
                with nullcontext() if alone else _writable_or_not():
                    write_json(workspace.runs / f"{stamp}-{os.getpid()}-{verb}.json", {
                        "verb": verb, "outcome": outcome, "started": started.isoformat(), "seconds": round(time.monotonic() - clock, 3),
                        "parameters": parameters, "inputs": run.inputs, "outputs": run.outputs, "counts": run.counts, "versions": versions(),
                    })


@contextmanager
def _writable_or_not() -> Iterator[None]:
    """A workspace of somebody else, or on a medium that cannot be written, may still be read."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise


def versions() -> dict[str, str]:
    """Versions of isocenter and of the libraries whose results reach the corpus."""
    return {name: version(name) for name in VERSIONED}
