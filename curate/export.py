"""Export a cohort: an exporter writes the samples, this writes what goes with every export and can prove it complete."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import blake2b, draft, file_hash, write_json, write_text
from isocenter.core.plugins import PluginTable
from isocenter.core.progress import track
from isocenter.core.runs import ledger, versions
from isocenter.core.tables import Kind, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import GROUPS
from isocenter.curate.rights import licenses_of, require
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.mask_terms import MaskReader, TermMasks
from isocenter.harmonize.sample import LABELS, PATIENT_SEPARATOR
from isocenter.registry.licenses import Use

EXPORTERS = PluginTable("exporters", "isocenter.curate.exporters", ("write",))
MARK = "export.json"
COLUMNS = ["release", "patient_id", "modality", "format", "shape", "spacing_mm", "view_position", "age", "sex", "license", "file_hash", "published_split", "stored"]
MANIFEST = Kind("manifest", 1, pa.schema([
    ("sample_id", pa.string()), ("dataset", pa.string()), ("path", pa.string()), ("files", pa.list_(pa.string())), ("hashes", pa.list_(pa.string())),
    ("labels", LABELS), ("split", pa.string()), ("rank", pa.int64()), ("patient", pa.string()), ("modality", pa.string()), ("format", pa.string()),
    ("shape", pa.list_(pa.int64())), ("spacing_mm", pa.list_(pa.float64())), ("view_position", pa.string()), ("age", pa.float64()), ("sex", pa.string()),
    ("license", pa.string()), ("file_hash", pa.string()),
]))
"""path, files: relative to the export. hashes: BLAKE2b of the written files. patient: keyed pseudonym, one per dataset and patient."""


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A box of a term: (x0, y0, x1, y1), half-open, origin at the first pixel."""

    term: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Item:
    """One sample on its way out: its row, its files in order (absolute, with their path in the dataset), and its annotations.

    An annotation names the `dataset` that it was published with; `readers` reads that dataset's masks.
    """

    row: dict[str, Any]
    files: tuple[tuple[Path, str], ...]
    annotations: tuple[dict[str, Any], ...] = ()
    readers: Callable[[str], MaskReader] | None = None

    def boxes(self) -> list[BoxMark]:
        """Boxes with a term."""
        return [BoxMark(mark["term"], tuple(json.loads(mark["geometry"])["box"])) for mark in self.annotations if mark["kind"] == "box" and mark["term"]]

    def mask_files(self) -> list[Path]:
        """Mask files, each once, in order."""
        marks = dict.fromkeys((mark["dataset"], mark["uri"]) for mark in self.annotations if mark["kind"] == "mask" and mark["uri"])
        return [self.readers(dataset).root / uri for dataset, uri in marks] if self.readers else []

    def masks(self) -> TermMasks:
        """Structures by term, in the voxels of the mask files. Masks of several datasets are put together."""
        masks: dict[str, Any] = {}
        annotated: set[str] = set()
        readers = self.readers
        for dataset in sorted({mark["dataset"] for mark in self.annotations if mark["kind"] == "mask"}):
            if readers is None:
                break
            found = readers(dataset).read(mark for mark in self.annotations if mark["dataset"] == dataset)
            annotated |= found.annotated
            for term, mask in found.masks.items():
                masks[term] = masks[term] | mask if term in masks else mask
        return TermMasks(masks, frozenset(annotated))


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what a reader should know about its licences."""

    folder: Path
    samples: int
    files: int
    bytes: int
    warnings: list[str] = field(default_factory=list)


def export(workspace: Workspace, cohort: Cohort, *, to: str = "files", folder: Path, use: Use = "local", extras: dict[str, str] | None = None) -> Exported:
    """Write a cohort with manifest, licences, attribution and ledger. extras: name -> text of further files (recipe, lock).

    A folder that holds the same export, cut short, is completed; one that holds anything else is refused. Raises Refused
    when a licence forbids or does not state the use (`share`, `commercial`).
    """
    exporter = EXPORTERS.get(to, workspace.plugins)
    warnings = require(workspace, cohort, use)
    key = {"cohort": cohort.name, "fingerprint": cohort.fingerprint, "format": to, "use": use}
    _take_folder(folder, key)
    with ledger(workspace, "export", cohort=cohort.name, to=to, use=use, folder=str(folder)) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        written: dict[str, list[str]] = exporter.write(track(items_of(workspace, cohort), "export", total=len(cohort)), folder)
        rows = _manifest(workspace, cohort, folder, written)
        write_table(folder / "manifest.parquet", rows, MANIFEST, {"cohort": cohort.header, "use": use})
        write_text(folder / "LICENSES.md", _licenses_text(workspace, cohort, warnings))
        for name, text in (extras or {}).items():
            write_text(folder / name, text)
        files = sorted({name for names in written.values() for name in names})
        size = sum((folder / name).stat().st_size for name in files)
        write_json(folder / MARK, {**key, "finished": True, "samples": len(cohort), "files": len(files), "bytes": size, "versions": versions()})
        run.counts |= {"samples": len(cohort), "files": len(files), "bytes": size}
    return Exported(folder, len(cohort), len(files), size, warnings)


def preview(workspace: Workspace, cohort: Cohort, *, folder: Path, use: Use = "local") -> Exported:
    """What an export would hold; nothing is written. Raises what `export` would raise."""
    warnings = require(workspace, cohort, use)
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise BadInput("the folder is not empty and holds no export", where=str(folder), hint="name a new folder")
    files = [path for item in items_of(workspace, cohort) for path, _ in item.files]
    return Exported(folder, len(cohort), len(files), sum(path.stat().st_size for path in files), warnings)


def _take_folder(folder: Path, key: dict[str, Any]) -> None:
    mark = folder / MARK
    if mark.exists():
        found = json.loads(mark.read_text(encoding="utf-8"))
        if {name: found.get(name) for name in key} == key:
            return
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise BadInput("the folder is not empty and holds no export", where=str(folder), hint="name a new folder")
    write_json(mark, {**key, "finished": False})


def items_of(workspace: Workspace, cohort: Cohort) -> Iterator[Item]:
    """The samples of a cohort with files and annotations, in the cohort's order. A keeper brings the annotations of its exact copies."""
    table = cohort.samples(workspace, COLUMNS)
    decoders = {name: Decoder(workspace, name) for name in table["dataset"].unique().sort()}
    marks = _annotations(workspace, cohort)
    readers = cache(lambda dataset: MaskReader(workspace, dataset))
    for row in table.iter_rows(named=True):
        decoder = decoders[row["dataset"]]
        files = tuple((decoder.root / path, path) for path in decoder.paths(row["sample_id"]))
        yield Item(row, files, tuple(marks.get(row["sample_id"], ())), readers)


def _annotations(workspace: Workspace, cohort: Cohort) -> dict[str, list[dict[str, Any]]]:
    """Annotation rows by the sample that carries them now; copies found under several names give theirs to the keeper once."""
    found: dict[str, list[dict[str, Any]]] = {}
    for dataset in _datasets_behind(workspace, cohort):
        path = workspace.annotations(dataset)
        if path.exists():
            for row in read_table(path, ANNOTATIONS).iter_rows(named=True):
                found.setdefault(row["sample_id"], []).append({**row, "dataset": dataset})
    for name in [*cohort.header.get("lineage", []), cohort.name]:
        if workspace.groups(name).exists():
            for part in read_table(workspace.groups(name), GROUPS).partition_by("group"):
                keeper = part.filter("keeper")["sample_id"][0]
                for copy in part.filter(~pl.col("keeper"))["sample_id"]:
                    found.setdefault(keeper, []).extend(found.get(copy, []))
    return {sample: _once(rows) for sample, rows in found.items()}


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop annotations that say the same thing in the same place."""
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        place = row["geometry"] if row["geometry"] is not None else (row["dataset"], row["uri"])
        seen.setdefault((row["kind"], row["term"], row["state"], place), row)
    return list(seen.values())


def _datasets_behind(workspace: Workspace, cohort: Cohort) -> list[str]:
    lineage = cohort.header.get("lineage", [])
    first = Cohort.open(workspace, lineage[0]) if lineage else cohort
    return sorted(first.table["dataset"].unique().to_list())


def _manifest(workspace: Workspace, cohort: Cohort, folder: Path, written: dict[str, list[str]]) -> list[dict[str, Any]]:
    rows, hashed = [], cache(lambda name: file_hash(folder / name))
    for row in cohort.samples(workspace, COLUMNS).iter_rows(named=True):
        files = written[row["sample_id"]]
        rows.append({name: row[name] for name in MANIFEST.schema.names if name in row} | {
            "path": files[0], "files": files, "hashes": [hashed(name) for name in files],
            "patient": pseudonym(row["dataset"], row["patient_id"]),
        })
    return rows


def pseudonym(dataset: str, patient: str | None) -> str | None:
    """The same patient of a dataset always gets the same pseudonym; ids of different datasets never meet.

    Of several ids of one picture the first one counts.
    """
    return None if patient is None else blake2b(f"{dataset}\x00{patient.split(PATIENT_SEPARATOR)[0]}".encode())[:12]


def _licenses_text(workspace: Workspace, cohort: Cohort, warnings: list[str]) -> str:
    lines = ["# Licences and attribution", "", "| dataset: licence as stated | read as | samples |", "|---|---|---|"]
    lines += [f"| {name} | {license_.id} | {number} |" for name, (license_, number) in licenses_of(workspace, cohort).items()]
    if warnings:
        lines += ["", "What the licences do not settle:", "", *[f"- {warning}" for warning in warnings]]
    return "\n".join([*lines, "", "Name the datasets above, with their licences, wherever this corpus is used.", ""])


def copy_file(source: Path, target: Path) -> None:
    """Copy whole or not at all; what an interrupted export had finished is not copied again."""
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    with draft(target) as temporary:
        shutil.copyfile(source, temporary)


def verify(folder: Path) -> list[str]:
    """Every defect of an export: unfinished, files missing, changed. An empty list: it is complete. Raises NotFound when it is none."""
    mark = folder / MARK
    if not mark.exists():
        raise NotFound("no export here", where=str(folder), hint="isocenter export COHORT --to files OUT")
    if not json.loads(mark.read_text(encoding="utf-8")).get("finished"):
        return ["the export was cut short: run the same export again"]
    defects, hashed = [], cache(lambda name: file_hash(folder / name))
    for row in read_table(folder / "manifest.parquet", MANIFEST, ["sample_id", "files", "hashes"]).iter_rows(named=True):
        for name, expected in zip(row["files"], row["hashes"]):
            if not (folder / name).is_file():
                defects.append(f"{row['sample_id']}: {name} is missing")
            elif hashed(name) != expected:
                defects.append(f"{row['sample_id']}: {name} has changed")
    return defects
