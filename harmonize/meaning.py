"""Whether the masks of a dataset mean what their layout says: the values that were met go in, those with a second reading come out."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache

from isocenter.harmonize import layout as layouts
from isocenter.harmonize.readings import Reader
from isocenter.registry.labelconflicts import Contradiction, are_related, contradictions
from isocenter.registry.labelmap import LabelMap
from isocenter.registry.labelmaps import FACTS, all_maps, maps_of


def second_readings(slug: str, release: str | None, reader: Reader, values: Collection[str], settled: Collection[str] = ()) -> list[Contradiction]:
    """Values that another map of the dataset reads as another structure, unless the layout has settled that map.

    A map is believed where it is the dataset's own, for this release and the encoding that the files are stated to be in; where no release is stated, its other
    editions are asked. Otherwise the maps of that encoding are asked, and nothing is said if one of them, of a part or task of the dataset, reads everything alike.
    Where none of them knows the values, the files are in another encoding than stated: then every map of the dataset is asked, unless the layout gives the
    meanings itself. Values: as the files hold them, 0 left out.
    """
    own = {mapping.name: mapping for mapping in (*maps_of(slug), *_used_for(slug))}
    known = own | {mapping.name: mapping for mapping in (maps_of(reader.map.dataset) if reader.map.dataset else ())}
    rivals = [mapping for mapping in known.values() if mapping.name not in settled and mapping.name != reader.map.name]
    stated = [mapping for mapping in rivals if mapping.encoding == reader.encoding and not _other_release(mapping, release)]
    shipped = reader.map.name in all_maps()
    if shipped and reader.map.encoding == reader.encoding and (reader.map.name in own or not own):
        editions = [mapping for mapping in stated if mapping.release and _other_release(mapping, reader.map.release)]
        if not _other_release(reader.map, release):
            chosen = [] if release else [mapping for mapping in editions if _knows(mapping, values)]
        else:
            chosen = editions or stated
    elif any(mapping.name in own and _knows(mapping, values) and not contradictions(reader.map, [mapping]) for mapping in stated):
        chosen = []
    else:
        chosen = stated if not shipped or any(_knows(mapping, values) for mapping in stated) else rivals
    return [replace(clash, witnesses=_witnesses(clash, known.values())) for clash in contradictions(reader.map, chosen, sorted(values))]


def _witnesses(clash: Contradiction, maps: Iterable[LabelMap]) -> str:
    """Which other maps of the dataset, of whatever encoding, read the value the one way or the other: evidence, not a verdict."""
    told = []
    for reading, name in ((clash.reading, clash.map), (clash.other_reading, clash.other_map)):
        alike = sorted(one.name for one in maps if one.name not in (clash.map, clash.other_map) and (terms := one.terms_of(clash.value)) and are_related(reading, terms))
        told += [f"as {name!r} reads it: {', '.join(alike[:3])}" + (f" and {len(alike) - 3} more" if len(alike) > 3 else "")] if alike else []
    return "; ".join(told)


def _other_release(mapping: LabelMap, release: str | None) -> bool:
    return bool(mapping.release and release and mapping.release != release)


def _knows(mapping: LabelMap, values: Iterable[str]) -> bool:
    return all(value.casefold() in mapping.by_raw for value in values)


@cache
def _used_for(slug: str) -> tuple[LabelMap, ...]:
    """Maps that the layouts of this dataset read its masks with; the catalog keeps some of them under no dataset."""
    paths = [path for path in map(layouts.find, layouts.names()) if f'dataset = "{slug}"' in path.read_text(encoding="utf-8")]
    found = {name for layout in map(layouts.load, paths) for rule in layout.masks for name in rule.labels}
    return tuple(all_maps()[name] for name in sorted(found & all_maps().keys()))


def fitting_maps(slug: str, reader: Reader, values: Collection[str]) -> str:
    """In words, how the map that does not list all of the values reads the rest, and how maps of the dataset or its family do that list them."""
    family = [slug, *(reader.map.dataset,) * bool(reader.map.dataset), *_family(slug), *_family(reader.map.dataset)]
    others = {mapping.name: mapping for one in family for mapping in (*maps_of(one), *_used_for(one)) if mapping.name != reader.map.name and _knows(mapping, values)}
    nearest = sorted(others.values(), key=lambda mapping: (mapping.encoding != reader.encoding, mapping.dataset != slug, mapping.name))[:2]
    told = [f"{mapping.name!r} ({mapping.encoding}) lists them: {_read(mapping, values)}" for mapping in nearest]
    own = _read(reader.map, values)
    return "".join(f"; {text}" for text in ([f"it reads {own}"] if own else []) + told)


def _read(mapping: LabelMap, values: Iterable[str]) -> str:
    known = sorted((value for value in values if mapping.terms_of(value)), key=lambda value: (len(value), value))
    shown = [f"{value} = {' + '.join(mapping.terms_of(value)[:2])}" for value in known[:5]]
    return ", ".join(shown) + (f" and {len(known) - 5} more" if len(known) > 5 else "")


@cache
def _family(slug: str) -> tuple[str, ...]:
    """Datasets of the same family: editions and parts of one challenge."""
    with (FACTS / "dataset.csv").open(encoding="utf-8", newline="") as stream:
        families = {row["slug"]: row["family"] for row in csv.DictReader(stream)}
    return tuple(other for other, family in families.items() if other != slug and family and family == families.get(slug))
