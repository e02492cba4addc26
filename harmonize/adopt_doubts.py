"""What is doubtful about an adopted dataset: a slug that the catalog does not know, a licence nobody can read, terms that are in no vocabulary. One sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from isocenter.core.errors import IsocenterError
from isocenter.core.near_names import near
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.source import Source
from isocenter.registry import vocabulary
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import read_names
from isocenter.registry.license_parser import known_ids, parse_license

SHOWN = 8
UNREAD = "not recognised"


def doubts(workspace: Workspace, source: Source) -> list[str]:
    """Sentences about what its user stated; none of it is refused, for private data has names, licences and terms of its own."""
    layout = layouts.load(layouts.find(source.layout, workspace))
    return [*_slug(workspace, source, layout), *_license(source.license), *_terms(layout)]


def licence_told(workspace: Workspace, source: Source) -> str:
    """What stands for the licence of a dataset: as its user stated it, or that its samples state their own where a table of its layout has a column of them."""
    if source.license:
        return source.license
    try:
        tables = layouts.load(layouts.find(source.layout, workspace)).tables
    except IsocenterError:                                  # the layout's file is gone; `scan` says so
        return "not stated"
    return "stated per sample" if any(column == "license" for table in tables for column, _ in table.columns) else "not stated"


def _slug(workspace: Workspace, source: Source, layout: Layout) -> Iterator[str]:
    if source.slug in (source.name, layout.dataset):
        return
    with catalog_query(workspace) as query:
        names = read_names(query)
    if names.find(source.slug).slug is None:
        close = next(iter(names.close(source.slug)), None)
        yield f"the catalog has no dataset {source.slug!r}{_meant(close)}: nothing that it knows (licence, findings, overlaps) is applied"


def _license(stated: str | None) -> Iterator[str]:
    if stated and parse_license(stated).note.startswith(UNREAD):
        yield f"licence {stated!r} is none that isocenter can read{_meant(near(stated, known_ids()))}: what it allows counts as unknown"


def _terms(layout: Layout) -> Iterator[str]:
    known = vocabulary.load().terms
    used = {term for rule in layout.labels for term in rule.map.annotates} | {term for mapping in layout.maps for term in mapping.annotates}
    used |= {rule.term for rules in (layout.masks, layout.boxes, layout.runs) for rule in rules if rule.term and "{" not in rule.term}  # type: ignore[attr-defined]
    if own := sorted(used - known.keys()):
        told = [f"{term}{_meant(near(term, known))}" for term in own[:SHOWN]]
        yield f"not in the vocabulary, so classes of their own: {', '.join(told)}" + (f" and {len(own) - SHOWN} more" if len(own) > SHOWN else "")


def _meant(close: str | None) -> str:
    return f" (did you mean {close}?)" if close else ""
