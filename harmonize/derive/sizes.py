"""How large a term is, in words: its share of the field of view, and its rank among the terms of the same sample."""

from __future__ import annotations

from collections.abc import Iterator

from isocenter.harmonize.derive._view import Derived, MaskView, Region, rounded

version = "1"
SMALL, LARGE = 0.005, 0.05
"""Shares of the field of view; ours, since the literature that types structures by size gives no numbers."""
ORDINALS = ("largest", "second largest", "third largest")


def derive(view: MaskView) -> Iterator[Derived]:
    ranked = sorted(view.regions, key=lambda region: -region.voxels)
    for region in view.regions:
        rank = ranked.index(region) + 1
        word = ORDINALS[rank - 1] if rank <= len(ORDINALS) else "smallest" if rank == len(ranked) else f"number {rank} by size"
        share = region.voxels / view.mask.size
        body = {"text": size_of(view, region), "share": rounded(share, 6), "rank": rank, "of": len(ranked), "rank_text": word}
        yield Derived("text", body, region)


def size_of(view: MaskView, region: Region) -> str:
    """`small` below 0.5 % of the field of view, `large` from 5 %, else `medium`."""
    share = region.voxels / view.mask.size
    return "small" if share < SMALL else "large" if share >= LARGE else "medium"
