"""Exporters of the catalog: one file is one form. Each offers `SUFFIX`, `dataset(entry)` and `plan(plan)`, which give text."""

from __future__ import annotations

from pathlib import Path

from isocenter.core.errors import NotFound
from isocenter.core.files import write_text
from isocenter.core.plugins import PluginTable
from isocenter.registry.entry import dataset_entry, find_slug, quoted, read_names
from isocenter.registry.fusion import plan_corpus, plan_rule, read_rule
from isocenter.registry.fusion.plan import FusionPlan
from isocenter.registry.lookup import Query

EXPORTERS = PluginTable(kind="catalog-exporters", package="isocenter.registry.exporters", required=("SUFFIX", "dataset", "plan"))


def export_any(name: str, form: str, query: Query, plugins: Path | None = None) -> str:
    """A rule (a file ending in .json), a dataset (slug, name or alias) or else a corpus, as text in that form."""
    if name.endswith(".json"):
        return export_plan(plan_rule(read_rule(Path(name)), query, title=Path(name).stem), form, plugins)
    try:
        return export_dataset(name, form, query, plugins)
    except NotFound as error:
        try:
            return export_plan(plan_corpus(name, query), form, plugins)
        except NotFound:
            raise error from None


def export_dataset(name: str, form: str, query: Query, plugins: Path | None = None) -> str:
    """One dataset (slug, name or alias) as text in that form. Raises NotFound for an unknown name or form."""
    exporter = EXPORTERS.get(form, plugins)
    slug = find_slug(name, read_names(query))
    entry = dataset_entry(slug, query)
    entry["downloads"] = query(f"SELECT * FROM download WHERE slug = {quoted(slug)} ORDER BY release, path")
    entry["license_urls"] = {row["license_id"]: row["url"] for row in query("SELECT license_id, url FROM license WHERE url IS NOT NULL")}
    text: str = exporter.dataset(entry)
    return text


def export_plan(plan: FusionPlan, form: str, plugins: Path | None = None) -> str:
    """A fusion plan as text in that form. Raises NotFound for an unknown form."""
    text: str = EXPORTERS.get(form, plugins).plan(plan)
    return text


def write_export(text: str, path: Path) -> None:
    """Write an export whole or not at all."""
    write_text(path, text)
