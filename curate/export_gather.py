"""Gather what goes out: a cohort's rows become items with files, annotations and pseudonyms, one at a time and as often as wanted."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.duplicates import carry
from isocenter.curate.duplicates.transform import Transform, ways_to
from isocenter.curate.export_dicom import Identifying, write_public
from isocenter.curate.export_item import MEMBER, Item
from isocenter.curate.export_terms import Terms
from isocenter.curate.groups import GROUPS, PAIRS, Pair
from isocenter.curate.pseudonym import IDS, Pseudonyms
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder, load_sample
from isocenter.harmonize.in_geometry import geometry_of, outside
from isocenter.harmonize.mask_terms import MaskReader
from isocenter.harmonize.regrid import regridded

COLUMNS = ["release", *IDS.values(), "modality", "format", "shape", "spacing_mm", "dtype", "channels", "frames", "view_position", "age", "sex", "license",
           "file_hash", "published_split", "stored", "issues"]
HIDDEN = (*IDS.values(), "stored", "issues", "uri")
PART = "#"
VOLUME = re.compile(r"\.[A-Za-z0-9_-]{1,12}(#.*)?")


class Items:
    """The samples of a cohort in its order; every iteration makes them afresh, so that memory holds the tables and one sample."""

    def __init__(self, workspace: Workspace, cohort: Cohort, pseudonyms: Pseudonyms, *, conceal_names: bool = False,
                 identifying: Identifying = "refuse", keep_dates: bool = False) -> None:
        self.workspace, self.cohort, self.pseudonyms, self.conceal_names = workspace, cohort, pseudonyms, conceal_names
        self.rewrite = partial(write_public, pseudonyms=pseudonyms, identifying=identifying, keep_dates=keep_dates)
        self.terms = Terms.of(cohort.header)
        self.readers = lru_cache(maxsize=None)(lambda dataset: MaskReader(workspace, dataset))
        self._outside = lru_cache(maxsize=None)(lambda dataset: outside(workspace, dataset))
        self.decoders = lru_cache(maxsize=None)(lambda dataset: Decoder(workspace, dataset))

    def __len__(self) -> int:
        return len(self.cohort)

    def __iter__(self) -> Iterator[Item]:
        for number, row in enumerate(self.rows()):
            yield self._item(number, row)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of the cohort with the columns of their samples; a part has those of the sample that it is a piece of."""
        return self._table.iter_rows(named=True)

    def geometries(self) -> dict[str, Any]:
        """The geometry of every dataset that was brought into one."""
        found = {dataset: geometry_of(self.workspace, dataset) for dataset in sorted(self._table["dataset"].unique())}
        return {dataset: {key: value for key, value in known.items() if key != "left"} for dataset, known in found.items() if known}

    def outside_geometry(self, row: dict[str, Any]) -> str | None:
        """Why a sample is not in the geometry of its dataset; None when it is, and of a piece, which is cut from the published file."""
        return None if PART in row["sample_id"] else self._outside(row["dataset"]).get(row["sample_id"])

    def donors(self) -> dict[str, int]:
        """Datasets whose copies were dropped for samples of another that go out (labels and annotations may have travelled) -> number of such samples."""
        own = dict(self._table.select("parent", "dataset").iter_rows())
        found = Counter((keeper, dataset) for keeper, copies in self._copies.items() if keeper in own for dataset in {self._home[copy] for copy, _ in copies} - {own[keeper]})
        return dict(sorted(Counter(dataset for _, dataset in found).items()))

    def public_id(self, row: dict[str, Any]) -> str:
        """The sample id as it goes out. Ids that DICOM gave are always replaced, published file names only when asked."""
        head, slash, key = str(row["sample_id"]).partition("/")
        if row["format"] == "dicom":
            return head + slash + self._dicom_key(self.slug(row), key, row["series_id"])
        return head + slash + self.pseudonyms.conceal(self.slug(row), key, row) if self.conceal_names else str(row["sample_id"])

    def _dicom_key(self, slug: str, key: str, series: str | None) -> str:
        """`<series>[.<volume>]` of pseudonyms: a volume may be named after an instance, whose UID is an id too."""
        if series is None or not key.startswith(series):
            return str(self.pseudonyms.of(slug, "uid", key))
        volume = key.removeprefix(series)
        plain = volume if VOLUME.fullmatch(volume) else f".{self.pseudonyms.of(slug, 'uid', volume)}"
        return f"{self.pseudonyms.of(slug, 'series', series)}{plain if volume else ''}"

    def slug(self, row: dict[str, Any]) -> str:
        """The dataset within which ids count: its slug, so that two names of one dataset agree."""
        return str(row["sample_id"]).partition("@")[0]

    def _item(self, number: int, row: dict[str, Any]) -> Item:
        decoder = self.decoders(row["dataset"])
        public = {name: value for name, value in row.items() if name not in HIDDEN}
        public |= {kind: self.pseudonyms.of(self.slug(row), kind, row[column]) for kind, column in IDS.items()}
        public["sample_id"] = self.public_id(row)
        files = tuple((decoder.root / path, self._file_name(row, path, at)) for at, path in enumerate(decoder.paths(row["parent"]), start=1))
        load = decoder.loader(row["parent"])
        stored = self.workspace.root / row["stored"] if row["stored"] else None
        part = row["sample_id"].partition(PART)[2] or None
        rewrite = partial(self.rewrite, dataset=self.slug(row)) if row["format"] == "dicom" else None
        if stored is not None and part is None and regridded(stored):
            files, rewrite, load = ((stored, self._volume_name(row)),), None, partial(load_sample, (stored,), "nifti")
            public["format"] = "nifti"
        return Item(number, public, files, load, stored, tuple(self._marks_of(row)), self.readers, self.terms, part, rewrite)

    def _file_name(self, row: dict[str, Any], path: str, at: int) -> str:
        if row["format"] == "dicom":
            return f"{self.public_id(row).partition('/')[2]}/{at:05d}.dcm"
        return self.pseudonyms.conceal(self.slug(row), path, row) if self.conceal_names else path

    def _volume_name(self, row: dict[str, Any]) -> str:
        """The name of a volume that goes out in the geometry that was asked for."""
        name = self.public_id(row).partition("/")[2] if row["format"] == "dicom" else self._file_name(row, row["uri"], 1)
        return f"{name.removesuffix('.gz').removesuffix('.nii')}.nii.gz"

    def _marks_of(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Annotations of the sample itself and of the copies that it was kept for, as far as the proven transform carries them."""
        sample, own = row["parent"], list(self._own(row["parent"]))
        yield from (self._public(mark, row) for mark in own)
        boxes = [(mark["term"], _corners(mark)) for mark in own if mark["kind"] == "box"]
        for copy, way in self._copies.get(sample, ()):
            for mark in self._own(copy):
                moved = _moved(mark, way)
                if moved is None or (mark["kind"] == "box" and not carry.without_doubles(boxes, [(mark["term"], _corners(moved))])):
                    continue
                if mark["kind"] == "box":
                    boxes.append((mark["term"], _corners(moved)))
                elif any((mark["kind"], mark["term"], mark["state"], mark["geometry"], mark["uri"]) == (other["kind"], other["term"], other["state"], other["geometry"], other["uri"])
                         and mark["dataset"] == other["dataset"] for other in own):
                    continue
                yield self._public(moved, row)

    def _public(self, mark: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        """The row with a term, with a uri that leads to the file, and with the name under which the file goes out."""
        public = None
        if mark["uri"]:
            plain = self.readers(mark["dataset"]).root / mark["uri"].partition(MEMBER)[0]
            stored = self.workspace.root / mark["uri"]
            if not plain.exists() and stored.exists():
                mark = mark | {"uri": str(stored)}
            public = self._mask_name(row, mark["uri"])
        return mark | {"term": mark["term"] or mark["raw"], "public": public}

    def _mask_name(self, row: dict[str, Any], uri: str) -> str:
        """Published masks keep their names; those drawn from DICOM are named after instances, whose UIDs are ids."""
        slug = self.slug(row)
        if Path(uri).is_absolute() or row["format"] == "dicom":
            ending = ".nii.gz" if uri.endswith(".nii.gz") else Path(uri).suffix
            return f"{self.pseudonyms.of(slug, 'uid', row['sample_id'])}/{self.pseudonyms.of(slug, 'uid', Path(uri).name)}{ending}"
        return self.pseudonyms.conceal(slug, uri, row) if self.conceal_names else uri

    def _own(self, sample: str) -> Iterator[dict[str, Any]]:
        table, places = self._annotations
        start, length = places.get(sample, (0, 0))
        yield from table[start:start + length].iter_rows(named=True)

    @cached_property
    def _table(self) -> pl.DataFrame:
        table = self.cohort.table.with_columns(pl.col("sample_id").str.split(PART).list.first().alias("parent"))
        whole = Cohort(self.cohort.name, table.select("dataset", pl.col("parent").alias("sample_id")).unique(maintain_order=True))
        known = whole.samples(self.workspace, COLUMNS).rename({"sample_id": "parent"}).drop("dataset")
        return table.join(known, on="parent", how="left", maintain_order="left")

    @cached_property
    def _annotations(self) -> tuple[pl.DataFrame, dict[str, tuple[int, int]]]:
        """All annotations of the datasets behind the cohort, sorted by sample, and where each sample's begin and how many they are."""
        tables = [read_table(path, ANNOTATIONS).with_columns(pl.lit(dataset).alias("dataset")) for dataset in self._datasets if (path := self.workspace.annotations(dataset)).exists()]
        if not tables:
            return pl.DataFrame(), {}
        table = pl.concat(tables).sort("sample_id", maintain_order=True)
        counts = table.group_by("sample_id", maintain_order=True).len()
        starts = counts["len"].cum_sum() - counts["len"]
        return table, dict(zip(counts["sample_id"], zip(starts, counts["len"])))

    @cached_property
    def _datasets(self) -> list[str]:
        lineage = self.cohort.header.get("lineage", [])
        first = Cohort.open(self.workspace, lineage[0]) if lineage and self.workspace.cohort(lineage[0]).exists() else self.cohort
        return sorted(first.table["dataset"].unique().to_list())

    @cached_property
    def _home(self) -> dict[str, str]:
        """Sample -> its dataset, of every sample that was ever in a group."""
        tables = [read_table(self.workspace.groups(name), GROUPS, ["sample_id", "dataset"]) for name in self._ancestry if self.workspace.groups(name).exists()]
        return dict(pl.concat(tables).iter_rows()) if tables else {}

    @property
    def _ancestry(self) -> list[str]:
        return [*self.cohort.header.get("lineage", []), self.cohort.name]

    @cached_property
    def _copies(self) -> dict[str, list[tuple[str, Transform | None]]]:
        """Keeper -> its dropped copies, each with the way of its pixels to the keeper's (None: unknown)."""
        found: dict[str, list[tuple[str, Transform | None]]] = defaultdict(list)
        for name in self._ancestry:
            if not self.workspace.groups(name).exists():
                continue
            proven = defaultdict(list)
            if self.workspace.pairs(name).exists():
                for pair in read_table(self.workspace.pairs(name), PAIRS).filter(pl.col("verdict") == "same").iter_rows(named=True):
                    one = Pair(**pair)
                    proven[one.a].append(one)
                    proven[one.b].append(one)
            for part in read_table(self.workspace.groups(name), GROUPS).partition_by("group"):
                keeper = part.filter("keeper")["sample_id"][0]
                ways = ways_to(keeper, list(dict.fromkeys(pair for sample in part["sample_id"] for pair in proven[sample])))
                for copy in part.filter(~pl.col("keeper"))["sample_id"]:
                    found[keeper] += [(copy, ways.get(copy)), *((older, _through(way, ways.get(copy))) for older, way in found.get(copy, []))]
        return dict(found)


def _through(first: Transform | None, then: Transform | None) -> Transform | None:
    return first.then(then) if first is not None and then is not None else None


def _moved(mark: dict[str, Any], way: Transform | None) -> dict[str, Any] | None:
    """An annotation of a copy in the keeper's pixels; None when it cannot be carried there. Masks travel only where nothing moves."""
    if way is None:
        return None
    if bool((abs(way.matrix - [[1, 0, 0], [0, 1, 0]]) < 1e-9).all()):
        return mark
    if mark["kind"] != "box" or way.mirrored:
        return None
    corners = carry.box(_corners(mark), way)
    return None if corners is None else mark | {"geometry": json.dumps({"box": list(corners)}), "source": f"{mark['source']}, carried from a copy"}


def _corners(mark: dict[str, Any]) -> carry.Box:
    x0, y0, x1, y1 = (float(value) for value in json.loads(mark["geometry"])["box"])
    return x0, y0, x1, y1
