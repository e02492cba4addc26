"""Files that survive a power cut: write a draft, sync, rename; and fingerprints of bytes and values."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isocenter.core.errors import NotFound
from isocenter.core.near_names import near

BLOCK = 1 << 20


def blake2b(data: bytes | memoryview) -> str:
    """Hex BLAKE2b-256 of bytes."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def file_hash(path: Path) -> str:
    """Hex BLAKE2b-256 of a file's bytes, read in blocks."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def require_file(path: Path) -> Path:
    """The path, if a file lies there. Raises NotFound with the file beside it that was meant."""
    if path.is_file():
        return path
    close = near(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else None
    raise NotFound("a folder, not a file" if path.is_dir() else "no such file", where=str(path), hint=f"did you mean {path.parent / close}?" if close and not path.exists() else None)


def fingerprint(value: Any) -> str:
    """Short, order-independent fingerprint of a JSON-like value (16 hex digits)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(text.encode())[:16]


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`; on success it is synced and renamed over `path`, on failure it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with draft(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all, keys in the order given."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")
