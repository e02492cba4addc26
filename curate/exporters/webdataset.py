"""WebDataset: tar shards of `<key>.<png|jpg>` and `<key>.json`, in the cohort's order, one set of shards per split."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from isocenter.core.files import draft
from isocenter.curate.export import Item
from isocenter.curate.exporters._pictures import key_of, picture_bytes

PER_SHARD = 1000


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """Shards `<split>-000000.tar`; the JSON has sample_id, dataset, labels, split and license. Source: webdataset's tar convention."""
    written: dict[str, list[str]] = {}
    waiting: dict[str, list[tuple[str, Item]]] = {}
    shards: dict[str, int] = {}
    for number, item in enumerate(items):
        split = item.row["split"] or "data"
        waiting.setdefault(split, []).append((key_of(item, number), item))
        if len(waiting[split]) == PER_SHARD:
            _shard(folder, split, shards, waiting.pop(split), written)
    for split in sorted(waiting):
        _shard(folder, split, shards, waiting[split], written)
    return written


def _shard(folder: Path, split: str, shards: dict[str, int], members: list[tuple[str, Item]], written: dict[str, list[str]]) -> None:
    name = f"{split}-{shards.get(split, 0):06d}.tar"
    shards[split] = shards.get(split, 0) + 1
    with draft(folder / name) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key, item in members:
            data, extension = picture_bytes(item)
            _add(tar, f"{key}.{extension}", data)
            _add(tar, f"{key}.json", json.dumps(_facts(item.row), ensure_ascii=False, sort_keys=True).encode())
            written[item.row["sample_id"]] = [name]


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("sample_id", "dataset", "labels", "split", "license", "modality")}
