"""Decode the pixels of samples: one array per sample whatever its files, and the pixel hash that a decoded sample earns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.errors import NotFound, Unreadable
from isocenter.core.progress import track
from isocenter.core.tables import read_header, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.dicom.stack import dicom_samples
from isocenter.harmonize.file_facts import cached_headers
from isocenter.harmonize.grouping import slice_position
from isocenter.harmonize.image import Pixels, load_pixels, pixel_hash, simplest
from isocenter.harmonize.quality._look import PIXEL_CODES, pixel_findings
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.source import open_source

THREADS = 4
BATCH = 64


class Decoder:
    """Pixels of one dataset's samples, from their published files."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        self.dataset, self.root = dataset, open_source(workspace, dataset).root
        samples = read_table(workspace.samples(dataset), SAMPLES, ["sample_id", "uri", "format", "series_id"])
        self.first = {row[0]: (row[1], row[2]) for row in samples.iter_rows()}
        inventory = read_table(workspace.inventory(dataset), INVENTORY, ["path", "sample_id", "role", "reason"])
        files = inventory.filter((pl.col("role") == "image") & pl.col("sample_id").is_not_null() & pl.col("reason").is_null())
        self.files = {key[0]: part["path"].to_list() for key, part in files.partition_by("sample_id", as_dict=True).items()}
        self.shared = _shared_files(samples, self.files)
        self.order = _series_order(workspace, dataset)

    def paths(self, sample_id: str) -> list[str]:
        """The sample's image files relative to the root, in geometric order; files may hold several volumes of a series.

        Raises NotFound for a sample that a later scan did not find any more.
        """
        if sample_id not in self.first:
            raise NotFound(f"{sample_id} is no longer in dataset {self.dataset}, which has changed since the cohort was made", where=str(self.root), hint="isocenter status shows which cohorts to make again")
        uri, format_ = self.first[sample_id]
        found = [uri] if "::" in uri else self.files.get(sample_id) or self.shared.get(sample_id, [uri])
        return sorted(found, key=lambda path: self.order.get(path, (0.0, path))) if format_ == "dicom" else found

    def loader(self, sample_id: str) -> partial[Pixels]:
        """A picklable call that gives the sample's pixels, for worker processes."""
        return partial(load_sample, *self._asked(sample_id))

    def loader_with_axes(self, sample_id: str) -> partial[tuple[Pixels, str | None]]:
        """The same, giving pixels and axes (see `decode_sample`)."""
        return partial(decode_sample, *self._asked(sample_id))

    def pixels(self, sample_id: str) -> Pixels:
        """The sample's array, see `decode_sample`."""
        return self.loader(sample_id)()

    def _asked(self, sample_id: str) -> tuple[tuple[Path, ...], str, str]:
        files = tuple(self.root / path for path in self.paths(sample_id))
        return files, self.first[sample_id][1], sample_id.split("/", 1)[1]


def load_sample(files: tuple[Path, ...], format_: str, volume: str | None = None) -> Pixels:
    """The pixels alone, see `decode_sample`."""
    return decode_sample(files, format_, volume)[0]


def decode_sample(files: tuple[Path, ...], format_: str, volume: str | None = None) -> tuple[Pixels, str | None]:
    """Pixels of one sample and their axes: of DICOM as `dicom_samples` says, else `load_pixels` and None. Raises Unreadable.

    volume: the sample's key, which tells the volumes apart that one DICOM file may hold.
    """
    if format_ == "dicom":
        return dicom_samples(files, volume)
    return load_pixels(files[0], format_), None


def _shared_files(samples: pl.DataFrame, files: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of DICOM samples that own no file the files of their series: several volumes lie in the same ones."""
    dicom = samples.filter((pl.col("format") == "dicom") & pl.col("series_id").is_not_null())
    of_series: dict[str, list[str]] = {}
    for sample_id, series in dicom.select("sample_id", "series_id").iter_rows():
        of_series.setdefault(series, []).extend(files.get(sample_id, []))
    return {sample_id: of_series[series] for sample_id, series in dicom.select("sample_id", "series_id").iter_rows() if sample_id not in files}


def _series_order(workspace: Workspace, dataset: str) -> dict[str, tuple[float, str]]:
    """Place of every DICOM slice along its normal, from the cached headers."""
    return {path: (slice_position(header.facts), path) for path, header in cached_headers(workspace, dataset) if header.format == "dicom"}


UNDECODABLE = "corrupted_file: pixels do not decode: "


@dataclass(frozen=True, slots=True)
class Decoded:
    """Of the samples that had no pixel hash: sample id -> hash, and sample id -> cause for those whose pixels do not decode."""

    hashes: dict[str, str]
    broken: dict[str, str]


def ensure_pixel_hashes(workspace: Workspace, dataset: str, *, dry_run: bool = False) -> Decoded:
    """Decode every sample that has no pixel hash yet; hashes and what the quality rules see in the pixels go into the sample table.

    The table names the cause among the issues of samples that do not decode. dry_run: the table stays as it is.
    """
    path = workspace.samples(dataset)
    table = read_table(path, SAMPLES)
    todo = table.filter(pl.col("pixel_hash").is_null() & pl.col("error").is_null())["sample_id"].to_list()
    if not todo:
        return Decoded({}, {})
    decoder = Decoder(workspace, dataset)
    rows = {row["sample_id"]: row for row in table.iter_rows(named=True)}
    hashes: dict[str, str] = {}
    broken: dict[str, str] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for one, seen in track(_seen(pool, decoder, rows, todo), "decode", total=len(todo)):
            rows[one] |= {"pixel_hash": seen.digest, "issues": _issues(rows[one], seen)}
            hashes |= {one: seen.digest} if seen.digest is not None else {}
            broken |= {one: seen.cause} if seen.cause is not None else {}
    if not dry_run:
        write_table(path, list(rows.values()), SAMPLES, read_header(path, SAMPLES))
    return Decoded(hashes, broken)


@dataclass(frozen=True, slots=True)
class Seen:
    """What decoding one sample showed: the hash of its pixels and findings about them, or the cause why there are none."""

    digest: str | None
    issues: tuple[str, ...] = ()
    cause: str | None = None


def _issues(row: dict[str, Any], seen: Seen) -> list[str]:
    """The issues of a row after decoding: what pixels showed before gives way to what they show now."""
    kept = [issue for issue in row["issues"] or [] if not issue.startswith(UNDECODABLE) and issue.split(":")[0] not in PIXEL_CODES]
    return kept + list(seen.issues) + ([f"{UNDECODABLE}{seen.cause}"] if seen.cause else [])


def _seen(pool: ThreadPoolExecutor, decoder: Decoder, rows: dict[str, dict[str, Any]], todo: list[str]) -> Iterator[tuple[str, Seen]]:
    """Every sample with what decoding showed, a batch in memory at a time."""
    for start in range(0, len(todo), BATCH):
        batch = todo[start:start + BATCH]
        yield from zip(batch, pool.map(lambda one: _look(decoder, rows[one]), batch))


def _look(decoder: Decoder, row: dict[str, Any]) -> Seen:
    try:
        array, axes = decoder.loader_with_axes(row["sample_id"])()
    except Unreadable as error:
        return Seen(None, cause=error.what)
    plain = simplest(array) if "c" in (axes or "") or (axes is None and (row["channels"] or 1) > 1) else array
    axes = axes.replace("c", "") if axes and plain.ndim < array.ndim else axes
    return Seen(pixel_hash(plain), tuple(str(finding) for finding in pixel_findings(plain, axes, row)[0]))
