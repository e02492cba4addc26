"""Import an outside source into a workspace's own facts: records are resolved against the catalog and written as text, one file per source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isocenter.core.errors import NotFound
from isocenter.core.issues import Issues
from isocenter.core.workspace import Workspace
from isocenter.registry.assemble import assemble
from isocenter.registry.audit.impossible import contradictions
from isocenter.registry.build import facts_files, read_facts, write_facts
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import read_names
from isocenter.registry.importers import IMPORTERS
from isocenter.registry.license_parser import parse_license
from isocenter.registry.models import Base
from isocenter.registry.record import Options, Record
from isocenter.registry.resolve import Names
from isocenter.registry.vocabulary import from_rows

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: new datasets, known ones with further claims, rows per table, and what was doubtful."""

    source: str
    new: list[str]
    known: list[str]
    rows: dict[str, int]
    issues: Issues


def import_source(workspace: Workspace, importer: str, path: Path, options: Options, *, write: bool = True) -> Imported:
    """Import `path` with the importer of that name. The same source imported again replaces what it brought before.

    Cells that contradict their row are kept as claims, doubted, and so are cells that are no value of their field; an ambiguous name is reported
    and left out.
    """
    plugin = IMPORTERS.get(importer, workspace.plugins)
    if not path.exists():
        raise NotFound("there is no such file", where=str(path))
    origin: Row = plugin.source(path, options) if hasattr(plugin, "source") else dict(plugin.SOURCE)
    names = _names_without(workspace, str(origin["source_id"]))
    with catalog_query(workspace) as query:
        vocabulary = from_rows(query("SELECT * FROM term"), query("SELECT * FROM term_synonym"), query("SELECT * FROM term_parent"))
        licences = {row["license_id"] for row in query("SELECT license_id FROM license")}
    before = set(names.slugs)
    records = list(plugin.records(path, vocabulary, options))
    doubts = {(record.source, record.evidence, f"{doubt.field} cell"): f"impossible: {doubt}" for record in records
              for doubt in contradictions(_cells(record), record.name, vocabulary)}
    done = assemble(records, names, doubts)
    for (_, evidence, field), why in doubts.items():
        with done.issues.at(evidence, field):
            done.issues.warning(why.removeprefix("impossible: "), "impossible")
    for record in records:
        for field, why in record.unread:
            with done.issues.at(record.evidence, field):
                done.issues.warning(why, "unread-cell")
    tables = done.tables() | _more(records, done.slugs, names, licences) | {"source": [origin]}
    if write:
        for table, rows in tables.items():
            target = workspace.facts / f"{table}-{origin['source_id']}.csv"
            if rows:
                write_facts(table, rows, target)
            else:
                target.unlink(missing_ok=True)
    found = {slug for slug in done.slugs if slug}
    return Imported(str(origin["source_id"]), sorted(found - before), sorted(found & before), {table: len(rows) for table, rows in tables.items()}, done.issues)


def _names_without(workspace: Workspace, source: str) -> Names:
    """Names of the shipped catalog and of the workspace's facts, without what this very source brought before."""
    with catalog_query() as query:
        names = read_names(query)
    for table in ("dataset", "dataset_alias"):
        for path in facts_files(table, workspace.facts):
            if not path.stem.endswith(f"-{source}"):
                for row in read_facts(Base.metadata.tables[table], path):
                    if table == "dataset":
                        names.add(row["slug"], row["name"])
                    else:
                        names.alias(row["alias"], row["slug"], row["ambiguous"])
    return names


def _cells(record: Record) -> dict[str, list[str]]:
    cells: dict[str, list[str]] = {}
    for _, term, origin in record.terms:
        cells.setdefault(origin.removesuffix(" cell"), []).append(term)
    return cells


def _more(records: list[Record], slugs: list[str | None], names: Names, known: set[str]) -> dict[str, list[Row]]:
    """Licence statements and relations of the records; a licence that the catalog does not know brings its flags along."""
    statements: list[Row] = []
    relations: list[Row] = []
    licences: dict[str, Row] = {}
    for record, slug in zip(records, slugs):
        if slug is None:
            continue
        for claim in record.licences:
            licence = parse_license(claim.value)
            statements.append({"slug": slug, "statement": claim.value, "source": record.source, "evidence": record.evidence, "license_id": licence.id,
                               "confidence": claim.confidence})
            if licence.id not in known:
                licences[licence.id] = {"license_id": licence.id, **licence.flags(), "note": licence.note}
        for predicate, other, detail in record.relations:
            if (target := names.find(other).slug) is not None and target != slug:
                relations.append({"subject": slug, "predicate": predicate, "object": target, "source": record.source, "detail": detail,
                                  "evidence": record.evidence, "confidence": "read"})
    return {"license_statement": statements, "license": list(licences.values()), "relation": relations}
