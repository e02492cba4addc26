"""Audits: of an outside table of datasets, and of the catalog itself."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.registry.audit.defect import Defect
from isocenter.registry.audit.table import Known, audit_table
from isocenter.registry.lookup import Query
from isocenter.registry.record import NO_OPTIONS, Options


def audit_here(workspace: Workspace | None = None) -> list[Defect]:
    """Audit the packaged or the workspace's catalog."""
    from isocenter.registry.audit.catalog import audit_catalog
    from isocenter.registry.catalog import catalog_query

    with catalog_query(workspace) as query:
        return audit_catalog(query)


def audit_file(path: Path, importer: str | None = None, options: Options = NO_OPTIONS) -> list[Defect]:
    """Audit a table that one of the importers can read; the first that accepts it, unless one is named. Raises BadInput when none does."""
    from isocenter.registry.importers import IMPORTERS
    from isocenter.registry.vocabulary import load

    refused = []
    for name in [importer] if importer else IMPORTERS.names():
        plugin = IMPORTERS.get(name)
        if not hasattr(plugin, "rows"):
            continue
        try:
            rows = plugin.rows(path)
            columns = plugin.COLUMNS if hasattr(plugin, "COLUMNS") else plugin.columns(path, options)
        except BadInput as error:
            refused.append(f"{name}: {error.what}")
            continue
        return audit_table(rows, columns, load(), known())
    raise BadInput("no importer can read this table", where=str(path), hint="; ".join(refused))


def known() -> Known:
    """What the packaged catalog believes: a name → the anatomy, findings and modalities of the dataset that it means; nothing for other names."""
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.entry import read_names

    with catalog_query() as query:
        names, terms = read_names(query), _terms(query)
    return lambda name: terms[slug] if (slug := names.find(name).slug) else ()


def _terms(query: Query) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in query("SELECT DISTINCT slug, term FROM dataset_term WHERE facet IN ('anatomy', 'finding', 'modality') ORDER BY slug, term"):
        found[row["slug"]].append(row["term"])
    return found
