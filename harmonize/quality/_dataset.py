"""Check a scanned dataset: pixels, masks and headers go through the rules; findings join the `issues` of its sample table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import IsocenterError
from isocenter.core.files import fingerprint
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.tables import read_header, read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.quality import CODES, RULES, Finding, unreadable
from isocenter.harmonize.quality._look import mask_findings, nested_findings, pixel_findings
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.source import annotation_file, open_source, scanned

VERSION = "2"
THREADS = 2
BATCH = 32
Row = dict[str, Any]
Mask = tuple[str, str | None, str]
"""Its uri, the JSON of how it is written, its hash."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many samples were looked at (now or in an earlier run), and how many show each code."""

    dataset: str
    samples: int
    findings: dict[str, int]


def check_dataset(workspace: Workspace, name: str) -> Checked:
    """Decode every sample and its masks, apply all rules, and write what they find into the sample table.

    What was found is kept beside the inventory by file hash, so the same command goes on where it was cut and a second run
    reads no pixels. Raises NotFound when the dataset is not scanned.
    """
    path = scanned(workspace, name)
    rows = list(read_table(path, SAMPLES).iter_rows(named=True))
    masks = _masks_of(workspace, name)
    decoder = Decoder(workspace, name)
    with ledger(workspace, "check", dataset=name) as run:
        found = _known(workspace, name)
        todo = [row for row in rows if row["error"] is None and _key(row, masks) not in found]
        with ThreadPoolExecutor(THREADS) as pool, _memory(workspace, name).open("a", encoding="utf-8") as memory:
            memory.write("\n")                                            # ends a line that a power cut left half written
            for start in track(range(0, len(todo), BATCH), f"check {name}"):
                batch = todo[start : start + BATCH]
                for row, issues in zip(batch, pool.map(lambda row: _check(workspace, decoder, row, masks.get(row["sample_id"], ())), batch)):
                    found[_key(row, masks)] = issues
                    memory.write(json.dumps({"key": _key(row, masks), "issues": issues}, ensure_ascii=False) + "\n")
                memory.flush()
        for row in rows:
            row["issues"] = _merged(row["issues"] or [], found.get(_key(row, masks), []))
        write_table(path, rows, SAMPLES, read_header(path, SAMPLES))
        run.counts |= {"samples": len(rows), "checked_now": len(todo)}
        run.outputs["samples"] = table_fingerprint(path)
    return Checked(name, len(rows), _counted(row["issues"] for row in rows))


def ahead(workspace: Workspace, name: str) -> tuple[int, int]:
    """How many samples a check would decode, and how many an earlier one did; nothing is written. Raises NotFound when the dataset is not scanned."""
    rows = [row for row in read_table(scanned(workspace, name), SAMPLES).iter_rows(named=True) if row["error"] is None]
    masks, found = _masks_of(workspace, name), _known(workspace, name)
    todo = sum(_key(row, masks) not in found for row in rows)
    return todo, len(rows) - todo


def findings_of(workspace: Workspace, name: str, *, look: bool = False) -> dict[str, int]:
    """How many samples show each code, after decoding all of them if `look`."""
    if look:
        return check_dataset(workspace, name).findings
    return _counted(read_table(workspace.samples(name), SAMPLES, ["issues"])["issues"].to_list())


def _counted(issues: Iterable[list[str] | None]) -> dict[str, int]:
    return dict(sorted(Counter(code for some in issues for code in {issue.split(":")[0] for issue in some or []} & CODES.keys()).items()))


def _check(workspace: Workspace, decoder: Decoder, row: Row, masks: tuple[Mask, ...]) -> list[str]:
    findings: list[Finding] = []
    source = open_source(workspace, row["dataset"])
    try:
        array, axes = decoder.loader_with_axes(row["sample_id"])()
        found, shape = pixel_findings(array, axes, row)
        findings += found
        single: dict[str, NDArray[np.bool_]] = {}
        for uri, geometry, _ in masks:
            path = annotation_file(workspace, source, uri)
            if path.exists():
                stored = bool(row["stored"]) and path.is_relative_to(workspace.root)
                image, grid = (workspace.root / row["stored"], tuple(row["shape"])) if stored else (decoder.root / row["uri"], shape)
                said, mask = mask_findings(path, geometry, image, row, grid)
                findings += [Finding(one.code, one.level, f"mask {uri}: {one.message}") for one in said]
                single |= {} if mask is None else {uri: mask}
        findings += nested_findings(single)
    except IsocenterError as error:
        findings.append(unreadable(error.what))
    return [str(finding) for finding in findings]


def _masks_of(workspace: Workspace, name: str) -> Mapping[str, tuple[Mask, ...]]:
    """Sample id -> its mask files, each with how it is written and its hash."""
    path = workspace.annotations(name)
    hashes = dict(read_table(workspace.inventory(name), INVENTORY, ["path", "file_hash"]).iter_rows())
    found: dict[str, set[Mask]] = {}
    for row in read_table(path, ANNOTATIONS).iter_rows(named=True) if path.exists() else ():
        if row["kind"] == "mask" and row["uri"]:
            found.setdefault(row["sample_id"], set()).add((row["uri"], row["geometry"], hashes.get(row["uri"]) or ""))
    return {sample: tuple(sorted(masks, key=str)) for sample, masks in found.items()}


def _merged(old: list[str], new: list[str]) -> list[str]:
    """Issues of scanning stay; those that rules about pixels and masks found earlier give way."""
    ours = {code for name in RULES.names() for code in RULES.get(name).codes if RULES.get(name).looks_at in ("image", "mask", "header")}
    kept = [issue for issue in old if issue.split(":")[0] not in ours - {"spacing_missing", "spacing_absurd", "wrong_orientation", "mask_mismatch", "identifying_tags"}]
    said = {issue.split(":")[0] for issue in kept} & {"mask_mismatch"}
    return kept + [issue for issue in new if issue not in kept and issue.split(":")[0] not in said]


def _memory(workspace: Workspace, name: str) -> Path:
    return workspace.inventory(name).with_suffix(".checks.jsonl")


def _known(workspace: Workspace, name: str) -> dict[str, list[str]]:
    """What earlier runs found; a last line that a power cut left half written is not counted."""
    path = _memory(workspace, name)
    return dict(_lines(path)) if path.exists() else {}


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            body = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield body["key"], body["issues"]


def _key(row: Row, masks: Mapping[str, tuple[Mask, ...]]) -> str:
    return fingerprint([VERSION, row["file_hash"], row["sample_id"], row["modality"], masks.get(row["sample_id"], ())])
