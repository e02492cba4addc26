"""Harmonize a scanned dataset: volumes go to the store in canonical orientation, drawn masks onto their grids, rows say what became of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.errors import Unreadable
from isocenter.core.files import fingerprint
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.tables import read_header, read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.dicom.drawn import Drawn, Target, draw_masks
from isocenter.harmonize.geometry.preset import Preset
from isocenter.harmonize.in_geometry import GEOMETRY, NOT_STORED, declined
from isocenter.harmonize.regrid import Regridded, regrid, restored
from isocenter.harmonize.sample import INVENTORY, SAMPLES, sample_id
from isocenter.harmonize.source import Source, open_source, scanned
from isocenter.harmonize.store import VOLUMES, Stored, is_done, store_series, store_volume


@dataclass(frozen=True, slots=True)
class Harmonized:
    """What came of a dataset: how many samples are stored, kept as published, or declined (sample → reason), and the masks drawn.

    turned: masks brought into the geometry that was asked for. left: samples and masks that were not, with the reason.
    """

    dataset: str
    stored: int
    kept: int
    declined: dict[str, str]
    masks: int = 0
    undrawn: dict[str, str] = field(default_factory=dict)
    turned: int = 0
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What `harmonize` would do: DICOM series and volume files to convert, and how many of both are done."""

    series: int
    volumes: int
    done: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Work that is done or not done as a whole: the rows of one DICOM series, or one volume file, with all their files."""

    key: str
    rows: tuple[dict[str, Any], ...]
    files: tuple[Path, ...]
    mark: str


def harmonize(workspace: Workspace, name: str, geometry: Preset | None = None) -> Harmonized:
    """Write every volume of a scanned dataset to store/<dataset>/ and note its path in its row's `stored`.

    DICOM series become volumes by geometry (see `dicom.convert`); NIfTI, NRRD, MetaImage and MINC files are turned to canonical orientation, values and
    spacing as they are; pictures and videos in other formats are kept as published. What cannot be converted faithfully has no
    `stored` and an issue `not_stored: …`. Cut short, the same command continues with the series that are not done.
    geometry: also bring volumes and their masks into it (see `regrid.regrid` and `geometry.choose`); without, or with another, the
    masks of an earlier one give way to the published ones. Raises NotFound when the dataset is not adopted or not scanned.
    """
    source, rows, inventory = _scanned(workspace, name)
    with ledger(workspace, "harmonize", dataset=name, geometry=None if geometry is None else geometry.name) as run:
        run.inputs["samples"] = table_fingerprint(workspace.samples(name))
        units = list(_units(source, rows, inventory))
        for unit in track(units, f"harmonize {name}"):
            _settle(rows, unit, _stored(unit, workspace.store(name)), source, workspace)
        drawn, undrawn = _draw(workspace, source, rows, inventory)
        marks = _annotations(workspace, name, drawn)
        turned = Regridded() if geometry is None else regrid(workspace, source, rows, marks, geometry)
        told = None if geometry is None else {**geometry.told(), "left": turned.left}
        write_table(workspace.samples(name), [rows[key] for key in sorted(rows)], SAMPLES, read_header(workspace.samples(name), SAMPLES) | {GEOMETRY: told})
        if marks or workspace.annotations(name).exists():
            header = read_header(workspace.annotations(name), ANNOTATIONS) if workspace.annotations(name).exists() else {}
            write_table(workspace.annotations(name), marks, ANNOTATIONS, header)
        result = _result(name, rows, len(drawn), undrawn, turned)
        run.counts |= {"stored": result.stored, "kept": result.kept, "declined": len(result.declined), "masks": result.masks}
        run.outputs["samples"] = table_fingerprint(workspace.samples(name))
    return result


def ahead(workspace: Workspace, name: str) -> Ahead:
    """What is still to do; nothing is written. Raises NotFound when the dataset is not adopted or not scanned."""
    units = list(_units(*_scanned(workspace, name)))
    todo = [unit for unit in units if not is_done(workspace.store(name), unit.mark)]
    series = sum(unit.rows[0]["format"] == "dicom" for unit in todo)
    return Ahead(series, len(todo) - series, len(units) - len(todo))


def _scanned(workspace: Workspace, name: str) -> tuple[Source, dict[str, dict[str, Any]], pl.DataFrame]:
    source = open_source(workspace, name)
    scanned(workspace, name)
    rows = {row["sample_id"]: row for row in read_table(workspace.samples(name), SAMPLES).iter_rows(named=True)}
    return source, rows, read_table(workspace.inventory(name), INVENTORY)


def _units(source: Source, rows: dict[str, dict[str, Any]], inventory: pl.DataFrame) -> Iterator[Unit]:
    """Series in order of their UIDs, with their unreadable files, then volume files in order of their paths. Other files in error are nobody's work."""
    readable = inventory.filter(pl.col("role").is_in(["image"]) & pl.col("error").is_null())
    owned: dict[str, list[str]] = defaultdict(list)
    for path, owner in readable.select("path", "sample_id").iter_rows():
        if owner is not None:
            owned[owner].append(path)
    series: dict[str, list[dict[str, Any]]] = defaultdict(list)
    broken: dict[str, list[str]] = defaultdict(list)
    for row in rows.values():
        if row["format"] == "dicom" and row["error"] is None:
            series[row["series_id"] or row["sample_id"]].append(row)
        elif row["format"] == "dicom" and row["series_id"]:
            broken[row["series_id"]].append(row["uri"])
    for key, members in sorted(series.items()):
        paths = sorted({path for row in members for path in (*owned[row["sample_id"]], row["uri"])}.union(broken[key]))
        yield _unit(key, members, paths, source)
    for row in sorted(rows.values(), key=lambda row: row["uri"]):
        if row["error"] is None and row["format"] in VOLUMES:
            yield _unit(row["uri"], [row], [row["uri"]], source)


def _unit(key: str, rows: list[dict[str, Any]], paths: list[str], source: Source) -> Unit:
    mark = fingerprint([key, paths, sorted(row["file_hash"] or "" for row in rows)])
    return Unit(key, tuple(rows), tuple(source.root / path for path in paths), mark)


def _stored(unit: Unit, folder: Path) -> list[Stored]:
    first = unit.rows[0]
    if first["format"] == "dicom":
        try:
            return store_series(unit.files, folder, unit.mark)
        except Unreadable as error:
            return [Stored(row["sample_id"].split("/", 1)[1], None, error.what) for row in unit.rows]
    return store_volume(unit.files[0], folder, first["sample_id"].split("/", 1)[1], unit.mark, first["format"])


def _settle(rows: dict[str, dict[str, Any]], unit: Unit, results: list[Stored], source: Source, workspace: Workspace) -> None:
    """Write what became of a unit into its rows; a volume that scanning did not foresee gets a row of its own."""
    by_key = {row["sample_id"].split("/", 1)[1]: row for row in unit.rows}
    if len(unit.rows) == len(results) == 1:
        results = [replace(results[0], key=next(iter(by_key)))]
    unsettled = dict(by_key)
    for result in results:
        row = by_key.get(result.key)
        if row is None:
            row = {**unit.rows[0], "sample_id": sample_id(source.slug, source.release, result.key), "issues": [], "pixel_hash": None}
            rows[row["sample_id"]] = row
        unsettled.pop(result.key, None)
        _note(row, result)
    for row in unsettled.values():
        _note(row, Stored("", None, "its series makes no such volume any more; scan again"))


def _note(row: dict[str, Any], result: Stored) -> None:
    row["issues"] = [issue for issue in row["issues"] or [] if not issue.startswith(NOT_STORED)]
    row["stored"] = None if result.path is None else str(result.path)
    if result.path is None:
        row["issues"] += [f"{NOT_STORED}{result.declined}"] if result.declined else []
        return
    row["shape"], row["spacing_mm"], row["dtype"] = list(result.shape), list(result.spacing_mm), result.dtype
    row["orientation"] = result.orientation or row["orientation"]
    row["issues"] += [issue for issue in result.issues if issue not in row["issues"]]


def _draw(workspace: Workspace, source: Source, rows: dict[str, dict[str, Any]], inventory: pl.DataFrame) -> tuple[list[Drawn], dict[str, str]]:
    """Masks of all SEG and RTSTRUCT files; file → reason for those that belong to no image."""
    targets: dict[str, list[Target]] = defaultdict(list)
    for row in sorted(rows.values(), key=lambda row: row["sample_id"]):
        if row["series_id"] and row["error"] is None:
            targets[row["series_id"]].append(Target(row["sample_id"], workspace.root / row["stored"] if row["stored"] else None))
    drawn: list[Drawn] = []
    undrawn: dict[str, str] = {}
    files = inventory.filter((pl.col("role") == "mask") & (pl.col("format") == "dicom"))["path"].to_list()
    for path in track(files, f"masks of {source.name}"):
        try:
            drawn += draw_masks(source.root / path, targets, workspace.store(source.name) / "masks")
        except Unreadable as error:
            undrawn[path] = error.what
    return drawn, undrawn


def _annotations(workspace: Workspace, name: str, drawn: list[Drawn]) -> list[dict[str, Any]]:
    """All annotations: drawn masks of an earlier run are replaced, masks in an earlier geometry are the published ones again."""
    known = read_table(workspace.annotations(name), ANNOTATIONS) if workspace.annotations(name).exists() else pl.DataFrame()
    kept = [restored(row) for row in known.iter_rows(named=True) if not (row["source"] or "").startswith("harmonize")]
    return kept + [{
        "annotation_id": fingerprint([one.sample_id, one.path.name, one.raw]), "sample_id": one.sample_id, "kind": "mask", "raw": one.raw,
        "state": "present" if one.voxels else "absent", "uri": one.path.relative_to(workspace.root).as_posix(), "machine_made": one.machine_made,
        "source": "harmonize: DICOM" + (f" {one.code[1]} {one.code[0]} {one.code[2]}" if one.code else ""), "geometry": json.dumps({"voxels": one.voxels}),
    } for one in drawn]


def _result(name: str, rows: dict[str, dict[str, Any]], masks: int, undrawn: dict[str, str], turned: Regridded) -> Harmonized:
    refused = declined((key, row["issues"]) for key, row in sorted(rows.items()))
    stored = sum(row["stored"] is not None for row in rows.values())
    kept = sum(row["stored"] is None and row["error"] is None for row in rows.values()) - len(refused)
    return Harmonized(name, stored, kept, refused, masks, undrawn, turned.masks, turned.left)
