"""Scan an adopted dataset: every file becomes an inventory row, every sample a row with its labels, every mask and box an annotation."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from shutil import rmtree
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.core.issues import Issues
from isocenter.core.runs import ledger
from isocenter.core.tables import read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.array_samples import MEDMNIST, in_medmnist_form, unnamed_values
from isocenter.harmonize.file_facts import FileFacts, facts_folder, look
from isocenter.harmonize.grouping import Image, group
from isocenter.harmonize.layout_legends import NO_LEGEND, Legends, legend_warnings, name_channels, read_legends
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.mask_parts import mask_parts
from isocenter.harmonize.mask_twins import mask_twins
from isocenter.harmonize.overlays import attach
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.quality._look import PIXEL_CODES, header_findings
from isocenter.harmonize.readings import write_readings
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.sample_rows import SampleRow, build_row, error_row
from isocenter.harmonize.scan_state import Scanned, described, key_of, known_scan
from isocenter.harmonize.silence import take_back
from isocenter.harmonize.table_join import JoinTable, read_join_table
from isocenter.harmonize.unread import UNPAIRED, unread_tables
from isocenter.harmonize.vocabulary import dataset_words

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".dcm", ".dicom", ".nii", ".nii.gz", ".ima", ".nrrd", ".mha", ".mhd", ".mnc")
DRAWN = ("SEG", "RTSTRUCT")
SIDECARS = (("licence", ("license", "licence", "copying")), ("text", (".txt", ".md", ".pdf", ".html", ".rst", "readme")), ("table", (".csv", ".tsv", ".xlsx", ".xml", ".json", ".jsonl", ".parquet")))


def scan(workspace: Workspace, name: str, *, force: bool = False) -> Scanned:
    """Read the dataset's files into inventory/, samples/ and annotations/. The dataset itself is never written to.

    When files and layout are as they were, the tables that are there stand (`force`: every file is looked at again).
    Raises NotFound when the dataset is not adopted or its folder is gone, BadInput when the layout does not fit.
    """
    source, path = described(workspace, name)
    layout, issues = layouts.load(path), Issues()
    with ledger(workspace, "scan", dataset=name, layout=source.layout) as run, issues.at(name):
        if force:
            rmtree(facts_folder(workspace, name), ignore_errors=True)
        files = list(look(source.root, facts_folder(workspace, name)))
        key = key_of(source, path, ((facts.path, facts.bytes, facts.mtime) for facts in files))
        if not force and (known := known_scan(workspace, name, key)) is not None:
            return known
        paths = [facts.path for facts in files]
        legends = read_legends(layout, source.root, paths, {**dataset_words(source.slug), **source.terms})
        layout = replace(layout, maps=layout.maps + legends.maps)
        tables = [read_join_table(rule, source.root, paths) for rule in layout.tables]
        sorted_ = _sort(files, layout, _listed(layout, tables), legends)
        rows = [build_row(source, layout, one, tables) for one in group(sorted_.images, source.root)]
        rows += [error_row(source, facts) for facts in sorted_.unreadable]
        name_channels(rows, legends)
        annotations, clashes, unnamed = attach(source, layout, rows, sorted_.masks, sorted_.boxes)
        for clash in clashes:
            issues.warning(f"two readings: {clash}; a merge stops until this is settled")
        for text in legend_warnings(layout, legends, source, _unread(layout, sorted_), paths):
            issues.warning(text)
        for text in unnamed.told(source):
            issues.warning(text)
        for text in unnamed_values(sorted_.unnamed):
            issues.warning(text)
        for text in [] if layout.masks else mask_twins(path for path, role in sorted_.role.items() if role == "image"):
            issues.warning(text)
        for text in take_back(rows):
            issues.warning(text)
        for row in rows:
            row.values["issues"] += [str(finding) for finding in header_findings(row.values)]
        _note_unpaired(sorted_, rows)
        _note_unmatched(tables, layout, sorted_, issues)
        if not rows:
            raise BadInput("no picture or volume lies here", where=str(source.root), hint=f"isocenter adopt {name} /path/you/have --force")
        for text in unread_tables(source, layout, rows, annotations, sorted_.role):
            issues.warning(text)
        _keep_pixel_hashes(workspace, name, rows)
        result = Scanned(name, len(files), len(rows), sum(1 for row in rows if row.values.get("error")),
                         dict(sorted(Counter(sorted_.role.values()).items())), tuple(str(issue) for issue in issues.all))
        write_table(workspace.annotations(name), annotations, ANNOTATIONS)
        write_readings(workspace, name, ((row.values["sample_id"], said) for row in rows for said in row.said), clashes)
        write_table(workspace.inventory(name), _inventory(files, sorted_, rows), INVENTORY)
        write_table(workspace.samples(name), [row.values for row in rows], SAMPLES, {"key": key, "source": source.fingerprint, "layout": source.layout, "scanned": asdict(result)})
        run.counts |= {"files": result.files, "samples": result.samples, "errors": result.errors}
        run.outputs |= {"samples": table_fingerprint(workspace.samples(name))}
    return result


@dataclass(slots=True)
class Sorted:
    """Files by what they are for. unnamed: files of arrays whose label values nothing names."""

    images: list[Image] = field(default_factory=list)
    masks: list[tuple[FileFacts, int, dict[str, str]]] = field(default_factory=list)
    boxes: list[tuple[FileFacts, int, dict[str, str]]] = field(default_factory=list)
    unreadable: list[FileFacts] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    role: dict[str, str] = field(default_factory=dict)
    reason: dict[str, str] = field(default_factory=dict)


Listed = dict[int, dict[str, list[dict[str, str]]]]


def _listed(layout: Layout, tables: list[JoinTable]) -> Listed:
    """For masks that a table names: number of the rule -> path -> cells of its rows."""
    rows = {table.rule.name: [row for several in table.rows.values() for row in several] for table in tables}
    found: Listed = {number: {} for number, rule in enumerate(layout.masks) if rule.table is not None}
    for number, by_path in found.items():
        rule = layout.masks[number]
        for row in rows[rule.table or ""]:
            if all(row.get(name) for name in re.findall(r"\{(\w+)\}", rule.path or "")):
                by_path.setdefault(fill(rule.path or "", row), []).append(row)
    return found


def _sort(files: list[FileFacts], layout: Layout, listed: Listed, legends: Legends) -> Sorted:
    """Give every file its role: what the layout's rules claim first, then what the content says."""
    result = Sorted()
    for facts in files:
        role, reason = _role(facts, layout, listed, legends, result)
        result.role[facts.path] = role
        if reason:
            result.reason[facts.path] = reason
    return result


def _role(facts: FileFacts, layout: Layout, listed: Listed, legends: Legends, result: Sorted) -> tuple[str, str | None]:
    if any(pattern.match(facts.path) is not None for pattern in layout.exclude):
        return "other", "excluded by the layout"
    shared = False
    for number, mask in enumerate(layout.masks):
        if (tokens := mask.pattern.match(facts.path)) is not None and (number not in listed or facts.path in listed[number]):
            for cells in listed[number][facts.path] if number in listed else [{}]:
                known = tokens | cells
                result.masks += [(part, number, found) for part, found in mask_parts(mask, facts, known | legends.tokens_for(layout.legends, known), layout)]
            if mask.array is None:
                return "mask", None
            shared = True
    for number, box in enumerate(layout.boxes):
        if box.pattern is not None and (tokens := box.pattern.match(facts.path)) is not None:
            result.boxes.append((facts, number, tokens))
            return "table", None
    if any(file.match(facts.path) is not None for file in (*(table.file for table in layout.tables), *(legend.file for legend in layout.legends))):
        return "table", None
    rule, tokens = next(((rule, tokens) for rule in layout.images if (tokens := rule.pattern.match(facts.path)) is not None), (None, {}))
    if shared and rule is None:
        return "mask", None
    if layout.images and rule is None:
        return _sidecar(facts.name), f"no rule of layout {layout.name!r} matches"
    if facts.error is not None and (rule or facts.format or facts.name.lower().endswith(IMAGE_SUFFIXES) or facts.bytes == 0):
        result.unreadable.append(facts)
        return "unreadable", facts.error
    if facts.header is None:
        if rule or facts.name.lower().endswith(IMAGE_SUFFIXES):
            result.unreadable.append(facts)
            return "unreadable", "named like an image, but no reader knows its content"
        return _sidecar(facts.name), "no image: content not recognised"
    if rule is None and in_medmnist_form(facts):
        rule = MEDMNIST
        result.unnamed.append(facts.path)
    if facts.format == "dicom" and facts.header.modality in DRAWN:
        return "mask", f"DICOM {facts.header.modality}: `harmonize` puts it on the grid of its image"
    if not facts.header.image and not (rule and rule.array and facts.format == "npz"):
        told = facts.header.facts.get("told")
        return "other", f"{facts.format} {told}" if told else f"{facts.format} object without pixels ({facts.header.modality or 'modality not stated'})"
    result.images.append(Image(facts, rule, tokens))
    return "image", None


def _sidecar(name: str) -> str:
    lower = name.lower()
    return next((role for role, marks in SIDECARS if any(lower.endswith(mark) if mark.startswith(".") else mark in lower for mark in marks)), "other")


def _unread(layout: Layout, sorted_: Sorted) -> int:
    """Masks whose rule names a legend that the dataset does not have."""
    return sum(any(tokens.get(name.strip("{}")) == NO_LEGEND.name for name in layout.masks[number].labels) for _, number, tokens in sorted_.masks)


def _note_unpaired(sorted_: Sorted, rows: list[SampleRow]) -> None:
    """Masks and boxes whose image is not here get their reason in the inventory."""
    paired = {path.partition("::")[0] for row in rows for path in row.files}
    for facts, _, _ in (*sorted_.masks, *sorted_.boxes):
        if facts.path not in paired:
            sorted_.reason[facts.path] = UNPAIRED


def _note_unmatched(tables: list[JoinTable], layout: Layout, sorted_: Sorted, issues: Issues) -> None:
    for table in tables:
        if unmatched := table.unmatched():
            issues.warning(f"table {table.rule.name}: {len(unmatched)} rows belong to no image (first: {unmatched[0]!r})")
        if table.rows and len(table.unmatched()) == len(table.rows):
            raise BadInput(f"no row of table {table.rule.name!r} belongs to an image", where=layout.name, hint=f"`on` gives {next(iter(table.rows))!r}, `to` gives {next(iter(table.asked), 'nothing')!r}")
    if layout.images and not sorted_.images:
        raise BadInput(f"no file matches an image pattern of layout {layout.name!r}", hint=f"patterns: {', '.join(rule.pattern.text for rule in layout.images)}")


def _keep_pixel_hashes(workspace: Workspace, name: str, rows: list[SampleRow]) -> None:
    """Pixels that were decoded before need no decoding again while their files are the same; what they showed stays said."""
    path = workspace.samples(name)
    if not path.exists():
        return
    known = {row[0]: row[1:] for row in read_table(path, SAMPLES, ["file_hash", "pixel_hash", "issues"]).iter_rows() if row[1] is not None}
    for row in rows:
        row.values["pixel_hash"], issues = known.get(row.values["file_hash"], (None, []))
        row.values["issues"] += [issue for issue in issues or [] if issue.split(":")[0] in PIXEL_CODES and issue not in row.values["issues"]]


def _inventory(files: list[FileFacts], sorted_: Sorted, rows: list[SampleRow]) -> list[dict[str, Any]]:
    owner = {path.partition("::")[0]: row.values["sample_id"] for row in rows for path in row.files}
    extra = {path: reason for row in rows for path, reason in row.reasons.items()}
    return [{
        "path": facts.path, "bytes": facts.bytes, "mtime": facts.mtime, "file_hash": facts.file_hash, "role": sorted_.role[facts.path],
        "format": facts.format, "sample_id": owner.get(facts.path), "reason": extra.get(facts.path) or sorted_.reason.get(facts.path),
        "error": sorted_.reason[facts.path] if sorted_.role[facts.path] == "unreadable" else None,
    } for facts in files]


