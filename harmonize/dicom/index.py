"""Many DICOM files in, one table out: a row per file with the wanted elements as text, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from isocenter.core.errors import Unreadable
from isocenter.core.progress import track
from isocenter.harmonize.dicom.header import Header, check, read_header
from isocenter.harmonize.dicom.tags import INDEXED

ROWS_PER_BATCH = 4096


def read_headers(paths: Iterable[Path]) -> Iterator[tuple[Path, Header | None, str | None]]:
    """(path, header, None) of every readable DICOM file, (path, None, cause) of every other; the pixel bytes are counted."""
    for path in paths:
        try:
            header = read_header(path)
            check(header)
            yield path, header, None
        except Unreadable as error:
            yield path, None, error.what


def index_files(paths: Sequence[Path], keywords: Sequence[str] = INDEXED) -> pa.Table:
    """One row per file: `path`, `bytes`, `transfer_syntax`, a string column per keyword, `error`.

    keywords: any of `tags.WANTED`. Several values are joined by a backslash. Memory grows with the table, not with the files.
    """
    names = ["path", "bytes", "transfer_syntax", *keywords, "error"]
    schema = pa.schema([(name, pa.int64() if name == "bytes" else pa.string()) for name in names])
    batches, rows = [], []
    for path, header, cause in read_headers(track(paths, "reading headers")):
        rows.append(_row(path, header, keywords, cause))
        if len(rows) == ROWS_PER_BATCH:
            batches.append(_batch(rows, schema))
            rows = []
    if rows or not batches:
        batches.append(_batch(rows, schema))
    return pa.Table.from_batches(batches, schema)


def _row(path: Path, header: Header | None, keywords: Sequence[str], cause: str | None) -> tuple[object, ...]:
    if header is None:
        return (str(path), None, None, *(None for _ in keywords), cause)
    return (str(path), header.size, header.transfer_syntax, *header.texts(keywords), None)


def _batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows)) if rows else [() for _ in schema]
    return pa.record_batch([pa.array(column, field.type) for column, field in zip(columns, schema)], schema=schema)
