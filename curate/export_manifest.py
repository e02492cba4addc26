"""The tables that go with every export: the manifest, one row per sample, and the ledger of what was changed, ignored or left out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from isocenter.core.tables import Kind, conform
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Note, Target
from isocenter.harmonize.sample import LABELS

BLOCK = 2_000
ABSOLUTE_ROOT = re.compile(r"""^(\s*root\s*=\s*)["']([/~][^"']*)["']""", re.MULTILINE)
MANIFEST = Kind("manifest", 2, pa.schema([
    ("sample_id", pa.string()), ("dataset", pa.string()), ("path", pa.string()), ("files", pa.list_(pa.string())), ("hashes", pa.list_(pa.string())),
    ("labels", LABELS), ("split", pa.string()), ("rank", pa.int64()), ("patient", pa.string()), ("study", pa.string()), ("series", pa.string()),
    ("modality", pa.string()), ("format", pa.string()), ("shape", pa.list_(pa.int64())), ("spacing_mm", pa.list_(pa.float64())),
    ("view_position", pa.string()), ("age", pa.float64()), ("sex", pa.string()), ("license", pa.string()), ("file_hash", pa.string()),
]))
"""path: the first of `files`, which are relative to the export. hashes: BLAKE2b-256 of the written files; file_hash: of the published ones.
patient, study, series: keyed pseudonyms, one per dataset and id."""

LEDGER = Kind("export-ledger", 1, pa.schema([
    ("sample_id", pa.string()), ("what", pa.string()), ("number", pa.int64()), ("unit", pa.string()), ("why", pa.string()),
]))
"""what: changed, ignored (marked as not known) or left out. number: of `unit`s, null where nothing was counted."""


def write_manifest(out: Target, items: Iterable[Item], header: dict[str, Any]) -> int:
    """`manifest.parquet` in the cohort's order, of the samples that were written; returns their number."""
    files: dict[str, list[str]] = defaultdict(list)
    for entry in out.entries.values():
        for sample in entry.samples:
            files[sample].append(entry.file)
    table = gather((_row(item, files[item.sample_id], out) for item in items if item.sample_id in files), MANIFEST)
    out.table("manifest.parquet", table, MANIFEST, header)
    return int(table.num_rows)


def write_ledger(out: Target, notes: Iterable[Note]) -> dict[str, int]:
    """`ledger.parquet`; returns what was done to how many samples."""
    ordered = sorted(set(notes), key=lambda note: (note.sample_id, note.what, note.why))
    rows = ({"sample_id": note.sample_id, "what": note.what, "number": note.number, "unit": note.unit, "why": note.why} for note in ordered)
    out.table("ledger.parquet", gather(rows, LEDGER), LEDGER)
    return dict(sorted(Counter(what for what, _ in {(note.what, note.sample_id) for note in ordered}).items()))


def public_header(header: dict[str, Any]) -> dict[str, Any]:
    """A cohort's header without paths of this machine: of an absolute path only the name goes out."""
    return {name: _relative(value) for name, value in header.items() if name != "stage"}


def public_recipe(text: str) -> str:
    """A recipe whose roots are no paths of this machine: an absolute one becomes `$NAME`, to be given by `--data` or by that variable."""
    def renamed(match: re.Match[str]) -> str:
        return f'{match[1]}"${re.sub(r"[^A-Za-z0-9]+", "_", Path(match[2]).name).upper() or "ROOT"}"'

    return ABSOLUTE_ROOT.sub(renamed, text)


def _relative(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _relative(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_relative(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _row(item: Item, files: list[str], out: Target) -> dict[str, Any]:
    known = {name: item.row[name] for name in MANIFEST.schema.names if name in item.row}
    return known | {"path": files[0], "files": files, "hashes": [out.entries[name].hash for name in files]}


def gather(rows: Iterable[dict[str, Any]], kind: Kind) -> pa.Table:
    """Rows as one table of this kind; only a block of them is ever held as Python objects."""
    blocks, block = [conform([], kind)], []
    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            blocks.append(conform(block, kind))
            block = []
    return pa.concat_tables([*blocks, conform(block, kind)])
