"""`isocenter sql`: one read-only SELECT over the catalog and the workspace's tables."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, columns, emit, maybe_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("statement")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows to print.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, help="Stop the query after so long.")
@click.option("--at", "url", metavar="URL", help="Ask a PostgreSQL catalog itself; only with a role that can do nothing but read it.")
@maybe_workspace
@as_json
def command(workspace: Workspace | None, statement: str, limit: int, seconds: float, url: str | None, json_: bool) -> None:
    """Run the SELECT STATEMENT.

    Tables: dataset, dataset_alias, dataset_term, term, license_statement, artifact, relation, assertion, conflict and the other tables of
    the catalog; in a workspace also the views samples, annotations, cohorts and groups; idc_series where idc-index-data is installed. Nothing can be written, and nothing else read.
    """
    if url:
        from isocenter.registry.postgres_sql import select_only

        answer = select_only(url, statement, limit=limit, seconds=seconds)
    else:
        from isocenter.registry.readonly import select

        answer = select(statement, workspace, limit=limit, seconds=seconds)
    body = {"columns": answer.columns, "rows": [list(row) for row in answer.rows], "more": answer.more}
    text = columns([["" if cell is None else cell for cell in row] for row in answer.rows], answer.columns)
    emit(body, json_, text, f"the first {limit} rows are shown; --limit {limit * 10} shows more" if answer.more else None)
