"""Samples inside one file: frames of a video and tiles of a slide; the file's facts and its image rule go in, an image per piece comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from isocenter.core.files import blake2b
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.layout_rules import ImageRule

Piece = tuple[FileFacts, dict[str, str]]
EVERY_S = 1.0


def pieces(facts: FileFacts, rule: ImageRule | None) -> Iterator[Piece]:
    """Facts and tokens of each piece; none where the file is one sample. Pieces of a file have it as their series, and as their patient unless somebody says more.

    A video gives a frame every `every_s` seconds of the rule, every second without one: `file::frame/25`, token `frame`. A slide whose rule has a `tile` gives the
    whole tiles of that side at `level`: `file::tile/0/512/1024/512/512` (level, x, y, width, height), tokens `level`, `x` and `y`. Source of the defaults: ours.
    """
    if facts.header is None:
        return
    if facts.format == "video":
        yield from _frames(facts, rule.every_s if rule and rule.every_s else EVERY_S)
    elif facts.format == "slide" and rule is not None and rule.tile is not None:
        yield from _tiles(facts, rule.tile, rule.level)


def _frames(facts: FileFacts, every_s: float) -> Iterator[Piece]:
    assert facts.header is not None
    rate, count = facts.header.facts.get("frames_per_second") or 1.0, facts.header.frames or 0
    numbers = sorted({min(round(place * every_s * rate), count - 1) for place in range(int((count - 1) / (every_s * rate)) + 1)})
    for number in numbers:
        yield _piece(facts, f"frame/{number}", facts.header.shape or (), len(numbers)), {"frame": str(number)}


def _tiles(facts: FileFacts, side: int, level: int) -> Iterator[Piece]:
    assert facts.header is not None
    levels = facts.header.facts["levels"]
    width, height = levels[min(level, len(levels) - 1)]
    places = [(x, y) for y in range(0, height - side + 1, side) for x in range(0, width - side + 1, side)]
    for x, y in places:
        one = _piece(facts, f"tile/{level}/{x}/{y}/{side}/{side}", (side, side), len(places))
        assert one.header is not None
        spacing = one.header.spacing_mm
        finer = levels[0][0] / width
        yield replace(one, header=replace(one.header, spacing_mm=spacing and tuple(size * finer for size in spacing))), {"level": str(level), "x": str(x), "y": str(y)}


def _piece(facts: FileFacts, selector: str, shape: tuple[int, ...], count: int) -> FileFacts:
    assert facts.header is not None
    whole = {"series_id": facts.path, "patient_id": facts.path}
    return replace(facts, path=f"{facts.path}::{selector}", bytes=facts.bytes // max(1, count), file_hash=blake2b(f"{facts.file_hash}::{selector}".encode()),
                   header=replace(facts.header, shape=shape, frames=1, facts=whole))
