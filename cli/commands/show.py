"""`isocenter show`: everything the catalog knows about one dataset, or a corpus with its members."""

from __future__ import annotations

from typing import Any

import click

from isocenter.cli.options import as_json, emit, maybe_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("name")
@click.option("--claims", is_flag=True, help="Also list every claim with its source and evidence.")
@maybe_workspace
@as_json
def command(workspace: Workspace | None, name: str, claims: bool, json_: bool) -> None:
    """Show the dataset or corpus NAME (a slug, a name or an alias)."""
    from isocenter.cli import catalog_text
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.entry import show

    with catalog_query(workspace) as query:
        entry: dict[str, Any] = show(name, query)
    if entry["kind"] == "corpus":
        emit(entry, json_, lambda: catalog_text.corpus(entry), f"isocenter plan {entry['corpus_id']}")
    else:
        emit(entry, json_, lambda: catalog_text.dataset(entry, claims=claims), f"isocenter related {entry['slug']}")
