"""What the catalog knows about the datasets of a workspace: licence claims, findings published later, which of them show the same patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from isocenter.core.workspace import Workspace
from isocenter.harmonize.source import open_source
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import quoted, read_names
from isocenter.registry.licenses import DISAGREE, License, effective
from isocenter.registry.lookup import Query, read_statements
from isocenter.registry.related import Related, related

GRAVE = ("withdrawal", "unavailable", "duplicate-report", "leakage-report", "shortcut-report", "corrected-label", "license-change")
OVERLAPPING = ("derived-from", "overlaps-with", "same-patients-as", "same-release-as", "part-of", "version-of")


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog says of one dataset. slug: None when it does not know it. license: the strictest of the claims, None when nobody claims one.

    contested: the flags of the licence about which the claims disagree.
    """

    dataset: str
    slug: str | None = None
    license: License | None = None
    contested: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Shared:
    """Two datasets of which the catalog knows common patients. certain: a relation says so by itself, so that equal ids are one person."""

    certain: bool
    path: str

    def text(self) -> str:
        return f"{'the same' if self.certain else 'perhaps the same'} patients: {self.path}"


def known_of(workspace: Workspace, datasets: Iterable[str]) -> dict[str, Known]:
    """Catalog knowledge of adopted datasets, by the slug under which they were adopted."""
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
            kinds = ", ".join(quoted(kind) for kind in GRAVE)
            rows = query(f"SELECT d.type, d.finding, d.release, d.fixed_in FROM artifact_dataset d WHERE slug = {quoted(slug)} AND d.type IN ({kinds}) ORDER BY d.type, d.finding")
            warnings = [f"published about {slug}, {row['type']}: {row['finding']}" + (f" (fixed in {row['fixed_in']})" if row["fixed_in"] else "") for row in rows]
            license_ = claims.license() if claims.ids else None
            found[name] = Known(name, slug, license_, tuple(claims.contested), (*warnings, *_overlaps(slug, present, query)))
    return found


def claimed_licences(workspace: Workspace, slugs: Mapping[str, str]) -> dict[str, str]:
    """What the catalog claims about the licences of datasets (name -> slug), in words; a dataset about which nobody claims anything is left out."""
    with catalog_query(workspace) as query:
        names = read_names(query)
        claims = {name: effective(known, read_statements(query, known)) for name, slug in slugs.items() if (known := names.find(slug).slug)}
    return {name: claim_told(one.license(), tuple(one.contested)) for name, one in claims.items() if one.ids}


def claim_told(license_: License, contested: tuple[str, ...]) -> str:
    """A claimed licence in words, as every verb says it."""
    return f"{license_.id} (claimed in the catalog{f'; {DISAGREE}' if contested else ''})"


def shared_patients(workspace: Workspace, datasets: Iterable[str]) -> dict[frozenset[str], Shared]:
    """Pairs of datasets that show the same patients, or may, by the relations of the catalog; of datasets that are not adopted nothing is known."""
    with catalog_query(workspace) as query:
        names = read_names(query)
        slugs = {name: slug for name in sorted(set(datasets) & set(workspace.sources())) if (slug := names.find(open_source(workspace, name).slug).slug)}
        return relations(slugs, [one for slug in sorted(set(slugs.values())) for one in related(slug, query)]) if len(slugs) > 1 else {}


def relations(slugs: Mapping[str, str], found: Iterable[Related]) -> dict[frozenset[str], Shared]:
    """Pairs of local datasets (name -> slug) that a path of relations joins."""
    names: dict[str, list[str]] = {}
    for name, slug in slugs.items():
        names.setdefault(slug, []).append(name)
    pairs: dict[frozenset[str], Shared] = {}
    for one in found:
        if one.patients != "other":
            shared = Shared(one.patients == "same", "; ".join(step.text() for step in one.path))
            for a in names.get(one.path[0].left, []):
                for b in names.get(one.slug, []):
                    if a != b:
                        pairs.setdefault(frozenset((a, b)), shared)
    return pairs


def _overlaps(slug: str, present: set[str], query: Query) -> list[str]:
    kinds = ", ".join(quoted(kind) for kind in OVERLAPPING)
    rows = query(f"SELECT object, predicate, detail FROM relation WHERE subject = {quoted(slug)} AND predicate IN ({kinds}) ORDER BY object, predicate")
    return [f"{row['predicate']} {row['object']}, which is a member too: {row['detail'] or 'the same pictures or patients may be in both'}" for row in rows if row["object"] in present]
