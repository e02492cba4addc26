"""WebDataset: tar shards of `<key>.<png|jpg>` and `<key>.json`, in the cohort's order, one set of shards per split."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._pictures import key_of, picture_bytes, picture_only, suffix_of
from isocenter.curate.exporters._shards import shards

PER_SHARD = 1000
fits = picture_only


def write(items: Iterable[Item], out: Target) -> None:
    """Shards `<split>-000000.tar`; the JSON has sample_id, dataset, labels, boxes, split, license and modality. Source: webdataset's tar convention."""
    for split, number, members in shards(items, "data", PER_SHARD):
        out.write(f"{split}-{number:06d}.tar", lambda draft, members=members: _shard(draft, members, out))  # type: ignore[misc]


def _shard(draft: Path, members: list[Item], out: Target) -> None:
    with tarfile.open(draft, "w", format=tarfile.USTAR_FORMAT) as tar:
        for item in members:
            with out.sample(item):
                data, key = picture_bytes(item, out), key_of(item)
                _add(tar, f"{key}.{suffix_of(item)}", data)
                _add(tar, f"{key}.json", json.dumps(_facts(item), ensure_ascii=False, sort_keys=True).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


def _facts(item: Item) -> dict[str, Any]:
    facts = {name: item.row[name] for name in ("sample_id", "dataset", "labels", "split", "license", "modality", "patient")}
    return facts | {"boxes": [{"term": mark.term, "box": mark.corners} for mark in item.boxes()]}
