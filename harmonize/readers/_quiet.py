"""Keep what C decoders write to the process's error stream away from the user; their complaint comes as an exception."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_inside = 0
_saved = -1


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while any thread is inside."""
    global _inside, _saved
    with _lock:
        if _inside == 0:
            _saved = os.dup(2)
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 2)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                os.dup2(_saved, 2)
                os.close(_saved)
