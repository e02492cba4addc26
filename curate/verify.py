"""Prove an export complete: a folder goes in, every defect comes out. Neither the workspace nor the data it was made of are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.errors import IsocenterError, NotFound
from isocenter.core.files import file_hash
from isocenter.core.progress import track
from isocenter.core.tables import read_table
from isocenter.curate.attribution import FOLDER
from isocenter.curate.export_manifest import MANIFEST

MARK = "export.json"
SUMS = "checksums.txt"
ALWAYS = ("manifest.parquet", "ledger.parquet", "croissant.json", "ATTRIBUTION.md", "LICENSES.md")


def verify(folder: Path) -> list[str]:
    """Every defect at once: files missing, changed or extra, counts that disagree, licence texts that are not there. None: it is complete.

    Raises NotFound when the folder holds no export.
    """
    mark = folder / MARK
    if not mark.exists():
        raise NotFound("no export here", where=str(folder), hint="isocenter export COHORT OUT")
    try:
        stated = json.loads(mark.read_text(encoding="utf-8"))
    except ValueError:
        return [f"{MARK} has changed: it is no JSON"]
    if not stated.get("finished"):
        return ["the export was cut short: run the same export again"]
    if not (folder / SUMS).is_file():
        return [f"{SUMS} is missing: nothing can be proven without it"]
    defects = [f"{SUMS} has changed"] if file_hash(folder / SUMS) != stated.get("checksums") else []
    sums, table = read_sums(folder / SUMS), _manifest(folder)
    found = dict(_files(folder, sums))
    holder = _holders(table, found.keys())
    defects += [f"{holder[name]}: {text}" if name in holder else text for name, text in found.items()]
    return defects + list(_tables(folder, stated, sums, table))


def read_sums(path: Path) -> dict[str, str]:
    """name -> hash, as `b2sum --tag -l 256` writes them: `BLAKE2b-256 (name) = hash`."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        head, _, digest = line.rpartition(") = ")
        found[head.removeprefix("BLAKE2b-256 (")] = digest
    return found


def sums_text(sums: dict[str, str]) -> str:
    """The same, written; `b2sum -c checksums.txt` checks it without isocenter."""
    return "".join(f"BLAKE2b-256 ({name}) = {digest}\n" for name, digest in sorted(sums.items()))


def _manifest(folder: Path) -> pl.DataFrame | None:
    try:
        return read_table(folder / "manifest.parquet", MANIFEST, ["sample_id", "dataset", "files", "hashes"])
    except IsocenterError:
        return None


def _files(folder: Path, sums: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(name, defect) of files that are missing, changed or extra."""
    there = set(_walk(folder)) - {MARK, SUMS}
    for name in track(sorted(sums), "verify"):
        if name not in there:
            yield name, f"{name} is missing"
        elif file_hash(folder / name) != sums[name]:
            yield name, f"{name} has changed"
    yield from ((name, f"{name} does not belong to the export") for name in sorted(there - sums.keys()))


def _holders(table: pl.DataFrame | None, names: Collection[str]) -> dict[str, str]:
    """name -> the sample it holds, or the first and how many more."""
    if table is None or not names:
        return {}
    rows = table.select("sample_id", "files").explode("files").filter(pl.col("files").is_in(sorted(names)))
    found = rows.group_by("files", maintain_order=True).agg(pl.col("sample_id").first(), pl.len())
    return {name: sample + (f" and {number - 1} more" if number > 1 else "") for name, sample, number in found.iter_rows()}


def _tables(folder: Path, stated: dict[str, Any], sums: dict[str, str], table: pl.DataFrame | None) -> Iterator[str]:
    """Counts, the manifest's own hashes, and the texts that must be there."""
    yield from (f"{name} was never written" for name in ALWAYS if name not in sums)
    if not any(name.startswith(f"{FOLDER}/") for name in sums):
        yield f"{FOLDER}/ holds no licence text"
    yield from (f"{FOLDER}/{name} was never written" for name in stated.get("licenses", []) if f"{FOLDER}/{name}" not in sums)
    if len(sums) != stated.get("all_files"):
        yield f"{SUMS} lists {len(sums)} files, {MARK} says {stated.get('all_files')}"
    if table is None:
        yield "manifest.parquet cannot be read"
        return
    if table.height != stated.get("samples"):
        yield f"the manifest has {table.height} samples, {MARK} says {stated.get('samples')}"
    for sample, files, hashes in table.select("sample_id", "files", "hashes").iter_rows():
        wrong = next((name for name, digest in zip(files, hashes, strict=False) if sums.get(name) != digest), None)
        if wrong or not files or len(files) != len(hashes):
            yield f"manifest: {sample}: {f'the hash of {wrong} is not the one in {SUMS}' if wrong else 'files and hashes do not agree'}"


def _walk(folder: Path, prefix: str = "") -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}"
