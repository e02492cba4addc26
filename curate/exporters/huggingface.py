"""Hugging Face: Parquet shards per split with the picture's bytes inside; `datasets.load_dataset(folder)` opens them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isocenter.core.files import draft, write_text
from isocenter.curate.export import Item
from isocenter.curate.exporters._pictures import key_of, picture_bytes

PER_SHARD = 1000
SCHEMA = pa.schema([
    ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("sample_id", pa.string()), ("dataset", pa.string()), ("labels", pa.string()),
    ("license", pa.string()), ("modality", pa.string()),
])
FEATURES = {"image": {"_type": "Image"}, **{name: {"dtype": "string", "_type": "Value"} for name in SCHEMA.names[1:]}}
METADATA = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """`data/<split>-00000.parquet` and a dataset card; `labels` is JSON, so that a term nobody annotated is simply not there."""
    written: dict[str, list[str]] = {}
    waiting: dict[str, list[dict[str, Any]]] = {}
    shards: dict[str, int] = {}

    def flush(split: str) -> None:
        name = f"data/{split}-{shards.get(split, 0):05d}.parquet"
        shards[split] = shards.get(split, 0) + 1
        rows = waiting.pop(split)
        with draft(folder / name) as temporary:
            pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA.with_metadata(METADATA)), temporary)
        written.update({row["sample_id"]: [name] for row in rows})

    for number, item in enumerate(items):
        data, extension = picture_bytes(item)
        split = (item.row["split"] or "train").replace("val", "validation")
        row = {name: item.row[name] for name in ("sample_id", "dataset", "license", "modality")}
        waiting.setdefault(split, []).append(row | {"image": {"bytes": data, "path": f"{key_of(item, number)}.{extension}"}, "labels": json.dumps(item.row["labels"], sort_keys=True)})
        if len(waiting[split]) == PER_SHARD:
            flush(split)
    for split in sorted(waiting):
        flush(split)
    lines = "".join(f"  - split: {split}\n    path: data/{split}-*.parquet\n" for split in sorted(shards))
    write_text(folder / "README.md", f"---\nconfigs:\n- config_name: default\n  data_files:\n{lines}---\n\nWritten by isocenter; licences in LICENSES.md.\n")
    return written
