"""What the catalog knows about the datasets of a workspace: licence claims, findings published later, overlaps among the members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from isocenter.core.workspace import Workspace
from isocenter.harmonize.source import open_source
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import quoted, read_names
from isocenter.registry.licenses import License, effective
from isocenter.registry.lookup import Query, read_statements

GRAVE = ("withdrawal", "unavailable", "duplicate-report", "leakage-report", "shortcut-report", "corrected-label", "license-change")
OVERLAPPING = ("derived-from", "overlaps-with", "same-patients-as", "same-release-as", "part-of", "version-of")


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog says of one dataset. slug: None when it does not know it. license: None when nobody claims one."""

    dataset: str
    slug: str | None = None
    license: License | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)


def known_of(workspace: Workspace, datasets: Iterable[str]) -> dict[str, Known]:
    """Catalog knowledge of adopted datasets, by the slug under which they were adopted; contested licence flags count as unknown."""
    found: dict[str, Known] = {}
    with catalog_query(workspace) as query:
        names = read_names(query)
        slugs = {name: names.find(open_source(workspace, name).slug).slug for name in datasets}
        present = {slug for slug in slugs.values() if slug}
        for name, slug in slugs.items():
            if slug is None:
                found[name] = Known(name)
                continue
            claims = effective(slug, read_statements(query, slug))
            license_ = claims.license() if claims.ids else None
            if license_ is not None and claims.contested:
                license_ = License(license_.id, **(license_.flags() | dict.fromkeys(claims.contested, "unknown")))
            kinds = ", ".join(quoted(kind) for kind in GRAVE)
            rows = query(f"SELECT d.type, d.finding, d.release, d.fixed_in FROM artifact_dataset d WHERE slug = {quoted(slug)} AND d.type IN ({kinds}) ORDER BY d.type, d.finding")
            warnings = [f"published about {slug}, {row['type']}: {row['finding']}" + (f" (fixed in {row['fixed_in']})" if row["fixed_in"] else "") for row in rows]
            found[name] = Known(name, slug, license_, (*warnings, *_overlaps(slug, present, query)))
    return found


def _overlaps(slug: str, present: set[str], query: Query) -> list[str]:
    kinds = ", ".join(quoted(kind) for kind in OVERLAPPING)
    rows = query(f"SELECT object, predicate, detail FROM relation WHERE subject = {quoted(slug)} AND predicate IN ({kinds}) ORDER BY object, predicate")
    return [f"{row['predicate']} {row['object']}, which is a member too: {row['detail'] or 'the same pictures or patients may be in both'}" for row in rows if row["object"] in present]
