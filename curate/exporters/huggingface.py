"""Hugging Face: Parquet shards per split with the picture's bytes inside, and a dataset card; `datasets.load_dataset(folder)` opens them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of, picture_bytes, picture_only, suffix_of
from isocenter.curate.exporters._shards import shards
from isocenter.registry.license_parser import parse_license

PER_SHARD = 1000
PER_GROUP = 100
TEXTS = ("sample_id", "dataset", "labels", "license", "modality", "patient")
BOX = pa.list_(pa.struct([("term", pa.string()), ("box", pa.list_(pa.float32()))]))
SCHEMA = pa.schema([("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), *((name, pa.string()) for name in TEXTS),
                    *((state, pa.list_(pa.string())) for state in ("present", "absent", "uncertain")), ("boxes", BOX)])
TEXT = {"dtype": "string", "_type": "Value"}
FEATURES = {"image": {"_type": "Image"}, **dict.fromkeys(TEXTS, TEXT), **{state: {"feature": TEXT, "_type": "List"} for state in ("present", "absent", "uncertain")},
            "boxes": {"feature": {"term": TEXT, "box": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"}}, "_type": "List"}}
METADATA = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}
fits = picture_only


def write(items: Iterable[Item], out: Target) -> None:
    """`data/<split>-00000.parquet`. `labels` is JSON; `present`, `absent` and `uncertain` list its terms: one in none of them was not annotated."""
    splits: dict[str, int] = {}
    licenses: set[str] = set()

    def seen() -> Iterable[Item]:
        for item in items:
            licenses.add(item.row["license"] or "unknown")
            yield item

    for split, number, members in shards(seen(), "train", PER_SHARD):
        name = "validation" if split == "val" else split
        splits[name] = splits.get(name, 0) + len(members)
        out.write(f"data/{name}-{number:05d}.parquet", lambda draft, members=members: _shard(draft, members, out))  # type: ignore[misc]
    out.text("README.md", _card(splits, sorted(licenses)))


def _shard(draft: Path, members: list[Item], out: Target) -> None:
    with pq.ParquetWriter(draft, SCHEMA.with_metadata(METADATA)) as writer:
        for start in range(0, len(members), PER_GROUP):
            rows: list[dict[str, Any]] = []
            for item in members[start:start + PER_GROUP]:
                with out.sample(item):
                    rows.append(_row(item, picture_bytes(item, out)))
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def _row(item: Item, data: bytes) -> dict[str, Any]:
    labels = dict(item.row["labels"] or {})
    states = {state: sorted(term for term, said in labels.items() if said == state) for state in ("present", "absent", "uncertain")}
    return {"image": {"bytes": data, "path": f"{key_of(item)}.{suffix_of(item)}"}, **{name: item.row[name] for name in TEXTS if name != "labels"},
            "labels": None if item.row["labels"] is None else json.dumps(labels, sort_keys=True, ensure_ascii=False), **states,
            "boxes": [{"term": mark.term, "box": list(mark.corners)} for mark in item.boxes()]}


def _card(splits: dict[str, int], licenses: list[str]) -> str:
    """The dataset card. One public licence stands there by the hub's name for it, the SPDX id in small letters; else the hub's `other`."""
    ids = {parse_license(text).id for text in licenses}
    only = next(iter(ids)) if len(ids) == 1 else ""
    license_ = "license: other\nlicense_name: several\nlicense_link: LICENSES.md" if not only or only.startswith(("LicenseRef", "NOASSERTION")) else f"license: {only.lower()}"
    files = "".join(f"  - split: {split}\n    path: data/{split}-*.parquet\n" for split in sorted(splits))
    counts = "".join(f"| {split} | {number} |\n" for split, number in sorted(splits.items()))
    return (f"---\n{license_}\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n\n"
            f"Licences of the samples: {', '.join(licenses)}. Texts and attribution: `LICENSES.md`, `ATTRIBUTION.md`, `licenses/`.\n\n| split | samples |\n|---|---|\n{counts}")
