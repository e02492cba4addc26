"""Join pictures into groups: settled pairs go in, groups whose members all agree with their keeper come out, and links refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isocenter.curate.duplicates.contradictions import Key, key
from isocenter.curate.duplicates.picture import Picture


def join(links: Mapping[Key, float], odds: Mapping[Key, float], rank: Sequence[tuple[float, ...]], clear: float) -> tuple[list[list[int]], set[Key]]:
    """Groups of positions (keeper first, sizes from 2) and the links that would have chained two different pictures.

    links: pairs judged the same, with their log-odds (infinite for equal bytes or pixels). odds: all pairs that were proved.
    clear: log-odds from which two pictures are one. Strongest links first; two groups join only if their keepers, which show
    most, were not compared or are one picture.
    """
    home: dict[int, list[int]] = {}
    refused: set[Key] = set()
    for (a, b), strength in sorted(links.items(), key=lambda item: (-item[1], item[0])):
        first, second = home.setdefault(a, [a]), home.setdefault(b, [b])
        if first is second:
            continue
        if odds.get(key(first[0], second[0]), clear) < clear and strength != float("inf"):
            refused.add((a, b))
            continue
        joined = sorted(first + second, key=lambda i: rank[i])
        for member in joined:
            home[member] = joined
    groups = {id(group): group for group in home.values() if len(group) > 1}
    return sorted(groups.values(), key=min), refused


def rank(pictures: Sequence[Picture], sizes: Sequence[tuple[int, int]]) -> list[tuple[float, ...]]:
    """Sort keys by which the best of a group is kept: most pixels, most bits, freest licence, most labels; then dataset and id."""
    order = {picture: place for place, picture in enumerate(sorted({(p.dataset, p.id) for p in pictures}))}
    return [(-float(size[0] * size[1]), -float(p.bits), -float(p.freedom), -float(p.labels), float(order[(p.dataset, p.id)]))
            for p, size in zip(pictures, sizes)]
