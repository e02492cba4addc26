"""Shards: items in any order of splits go in, full groups of one split come out, each as soon as it is full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isocenter.curate.export_item import Item


def shards(items: Iterable[Item], unsplit: str, size: int) -> Iterator[tuple[str, int, list[Item]]]:
    """(split, number of the shard within it, at most `size` items). unsplit: the name for samples without a split."""
    waiting: dict[str, list[Item]] = {}
    numbers: dict[str, int] = {}
    for item in items:
        split = item.split or unsplit
        waiting.setdefault(split, []).append(item)
        if len(waiting[split]) == size:
            yield split, numbers.setdefault(split, 0), waiting.pop(split)
            numbers[split] += 1
    for split in sorted(waiting):
        yield split, numbers.get(split, 0), waiting[split]
