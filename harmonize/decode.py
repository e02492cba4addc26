"""Decode the pixels of samples: one array per sample whatever its files, and the pixel hash that a decoded sample earns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import Unreadable
from isocenter.core.progress import track
from isocenter.core.tables import read_header, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.file_facts import cached_headers
from isocenter.harmonize.grouping import slice_position
from isocenter.harmonize.image import Pixels, load_pixels, pixel_hash
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.source import open_source

THREADS = 4
BATCH = 64


class Decoder:
    """Pixels of one dataset's samples. Files of a DICOM series are stacked in geometric order along the last axis."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        self.root: Path = open_source(workspace, dataset).root
        samples = read_table(workspace.samples(dataset), SAMPLES, ["sample_id", "uri", "format"])
        self.first = {row[0]: (row[1], row[2]) for row in samples.iter_rows()}
        inventory = read_table(workspace.inventory(dataset), INVENTORY, ["path", "sample_id", "role", "reason"])
        files = inventory.filter((pl.col("role") == "image") & pl.col("sample_id").is_not_null() & pl.col("reason").is_null())
        self.files = {key[0]: part["path"].to_list() for key, part in files.partition_by("sample_id", as_dict=True).items()}
        self.order = _series_order(workspace, dataset)

    def paths(self, sample_id: str) -> list[str]:
        """The sample's image files relative to the root, in geometric order."""
        uri, format_ = self.first[sample_id]
        found = [uri] if "::" in uri else self.files.get(sample_id, [uri])
        return sorted(found, key=lambda path: self.order.get(path, (0.0, path))) if format_ == "dicom" else found

    def loader(self, sample_id: str) -> partial[Pixels]:
        """A picklable call that gives the sample's pixels, for worker processes."""
        return partial(load_sample, tuple(self.root / path for path in self.paths(sample_id)), self.first[sample_id][1])

    def pixels(self, sample_id: str) -> Pixels:
        """The sample's array, see `load_sample`."""
        return self.loader(sample_id)()


def load_sample(files: tuple[Path, ...], format_: str) -> Pixels:
    """Pixels of one sample (see `load_pixels`); a DICOM series of slices is stacked to (rows, columns, slices). Raises Unreadable."""
    if len(files) == 1 or format_ != "dicom":
        return load_pixels(files[0], format_)
    slices = [load_pixels(path, format_) for path in files]
    if len({array.shape for array in slices}) > 1:
        raise Unreadable("the slices of this series differ in shape", where=str(files[0]))
    return np.stack(slices, axis=-1)


def _series_order(workspace: Workspace, dataset: str) -> dict[str, tuple[float, str]]:
    """Place of every DICOM slice along its normal, from the cached headers."""
    return {path: (slice_position(header.facts), path) for path, header in cached_headers(workspace, dataset) if header.format == "dicom"}


UNDECODABLE = "corrupted_file: pixels do not decode: "


def ensure_pixel_hashes(workspace: Workspace, dataset: str) -> dict[str, str]:
    """Decode every sample that has no pixel hash yet and write the hashes into the sample table.

    Returns sample id -> cause for samples whose pixels do not decode; the table names the cause among their issues.
    """
    path = workspace.samples(dataset)
    table = read_table(path, SAMPLES)
    todo = table.filter(pl.col("pixel_hash").is_null() & pl.col("error").is_null())["sample_id"].to_list()
    if not todo:
        return {}
    decoder = Decoder(workspace, dataset)
    with ThreadPoolExecutor(THREADS) as pool:
        found = {one: outcome for batch in _batches(todo) for one, outcome in zip(batch, pool.map(lambda one: _hash(decoder, one), batch))}
    broken = {one: cause for one, (_, cause) in found.items() if cause is not None}
    rows = [row | _noted(row, *found[row["sample_id"]]) if row["sample_id"] in found else row for row in table.iter_rows(named=True)]
    write_table(path, rows, SAMPLES, read_header(path, SAMPLES))
    return broken


def _noted(row: dict[str, Any], digest: str | None, cause: str | None) -> dict[str, Any]:
    """The cells of a row that decoding has filled."""
    issues = [issue for issue in row["issues"] or [] if not issue.startswith(UNDECODABLE)]
    return {"pixel_hash": digest, "issues": issues + ([f"{UNDECODABLE}{cause}"] if cause else [])}


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in track(range(0, len(items), BATCH), "decode"):
        yield items[start:start + BATCH]


def _hash(decoder: Decoder, sample_id: str) -> tuple[str | None, str | None]:
    try:
        return pixel_hash(decoder.pixels(sample_id)), None
    except Unreadable as error:
        return None, error.what
