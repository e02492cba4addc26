"""Look at every file once: hash, format by content, header. Kept in shards, so an interrupted scan goes on and a second one is quick."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from isocenter.core.errors import Unreadable
from isocenter.core.files import file_hash
from isocenter.core.progress import track
from isocenter.core.tables import Kind, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.image import BrokenImage, ImageHeader, reader_for, recognize

SHARD = 2000
THREADS = 4
FACTS = Kind("file-facts", 1, pa.schema([
    ("path", pa.string()), ("bytes", pa.int64()), ("mtime", pa.float64()), ("file_hash", pa.string()), ("format", pa.string()),
    ("header", pa.string()), ("error", pa.string()),
]))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one file is. `path` is POSIX and relative to the root; `header` is None for files no reader knows; beside an `error` it is what the file still says."""

    path: str
    bytes: int
    mtime: float
    file_hash: str | None
    format: str | None
    header: ImageHeader | None
    error: str | None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def look(root: Path, cache: Path) -> Iterator[FileFacts]:
    """Facts of every file below root, sorted by path; known ones (same path, size and time) come from the cache folder."""
    listed, fresh = waiting(root, cache)
    _complete(root, cache, fresh)
    rows = listed.join(_cached(cache), on=["path", "bytes", "mtime"], how="left", maintain_order="left")
    for row in rows.iter_rows(named=True):
        yield FileFacts(**{**row, "header": _header(row["header"])})


def waiting(root: Path, cache: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """path, bytes and mtime of every file below root, sorted by path, and of those that were not looked at yet."""
    listed = pl.DataFrame(list(_walk(root)), schema={"path": pl.String, "bytes": pl.Int64, "mtime": pl.Float64}, orient="row").sort("path")
    return listed, listed.join(_cached(cache).select("path", "bytes", "mtime"), on=["path", "bytes", "mtime"], how="anti")


def facts_folder(workspace: Workspace, dataset: str) -> Path:
    """Where the looked-at facts of a dataset are kept."""
    return workspace.inventory(dataset).with_suffix(".facts")


def cached_headers(workspace: Workspace, dataset: str) -> Iterator[tuple[str, ImageHeader]]:
    """Path and header of every image file that was looked at."""
    for path, text in _cached(facts_folder(workspace, dataset)).select("path", "header").iter_rows():
        if (header := _header(text)) is not None:
            yield path, header


def _walk(folder: Path, prefix: str = "") -> Iterator[tuple[str, int, float]]:
    """Regular files below a folder; links to folders are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file():
                stat = entry.stat()
                yield f"{prefix}{entry.name}", stat.st_size, stat.st_mtime


def _cached(cache: Path) -> pl.DataFrame:
    shards = [read_table(path, FACTS) for path in sorted(cache.glob("*.parquet"))]
    if not shards:
        return pl.DataFrame(schema={field.name: pl.Float64 if field.name == "mtime" else pl.Int64 if field.name == "bytes" else pl.String for field in FACTS.schema})
    return pl.concat(shards).unique(["path", "bytes", "mtime"], keep="last", maintain_order=True)


def _complete(root: Path, cache: Path, fresh: pl.DataFrame) -> None:
    """Look at the files that are not in the cache, a shard at a time."""
    number = len(list(cache.glob("*.parquet")))
    progress = track(fresh.iter_rows(), "scan", total=fresh.height)
    with ThreadPoolExecutor(THREADS) as pool:
        for block in _blocks(progress):
            rows = list(pool.map(lambda entry: _facts(root, *entry), block))
            write_table(cache / f"{number:05d}.parquet", rows, FACTS)
            number += 1


def _blocks(items: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    block: list[tuple[Any, ...]] = []
    for item in items:
        block.append(item)
        if len(block) == SHARD:
            yield block
            block = []
    if block:
        yield block


def _facts(root: Path, path: str, size: int, mtime: float) -> dict[str, Any]:
    full, format_, header, error, digest = root / path, None, None, None, None
    try:
        digest = file_hash(full)
        format_ = recognize(full)
        header = reader_for(format_).header(full) if format_ else None
    except BrokenImage as problem:
        error, header = problem.what, problem.header
    except Unreadable as problem:
        error = problem.what
    except OSError as problem:
        error = f"cannot be opened: {problem.strerror or problem}"
    text = json.dumps(asdict(header), ensure_ascii=False, default=str) if header else None
    return {"path": path, "bytes": size, "mtime": mtime, "file_hash": digest, "format": format_, "header": text, "error": error}


def _header(text: str | None) -> ImageHeader | None:
    if text is None:
        return None
    body = json.loads(text)
    for key in ("shape", "spacing_mm", "issues"):
        body[key] = tuple(body[key]) if body[key] is not None else None
    return ImageHeader(**body)
