"""`isocenter catalog`: build the catalog from text facts, audit it or an outside table, import an outside source."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, maybe_workspace, starting_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace

FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Build, audit and extend the catalog of datasets."""


@command.command()
@click.option("--facts", "folders", type=click.Path(path_type=Path, file_okay=False, exists=True), multiple=True,
              help="A folder of facts instead of the shipped ones; a later one replaces rows of the same key.")
@click.option("--out", type=FILE, help="Where to write it instead of the packaged or workspace catalog.")
@maybe_workspace
@dry_run
@as_json
def build(workspace: Workspace | None, folders: tuple[Path, ...], out: Path | None, dry_run: bool, json_: bool) -> None:
    """Build catalog.duckdb from the text facts: the shipped ones, then the workspace's own."""
    from isocenter.registry import catalog
    from isocenter.registry.build import build as make
    from isocenter.registry.build import load

    sources = list(folders) or [catalog.SHIPPED_FACTS, *([workspace.facts] if workspace and workspace.facts.exists() else [])]
    target = out or catalog.build_target(workspace)
    counts = {name: len(rows) for name, rows in load(sources).items()} if dry_run else make(sources, target)
    lines = [f"{'would write' if dry_run else 'wrote'} {target}", *(f"  {count:>6} {name}" for name, count in counts.items() if count)]
    emit({"catalog": str(target), "rows": counts, "written": not dry_run}, json_, "\n".join(lines), 'isocenter search "liver ct segmentation"')


@command.command()
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False)
@click.option("--as", "importer", metavar="IMPORTER", help="What the table is; found out by trying when not given.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the importer, as map=FILE.")
@maybe_workspace
@as_json
def audit(workspace: Workspace | None, table: Path | None, importer: str | None, options: tuple[str, ...], json_: bool) -> None:
    """Print every kind of defect of the catalog, or of an outside TABLE, with its count."""
    from isocenter.registry.audit import audit_file, audit_here

    defects = audit_file(table, importer, _options(options)) if table else audit_here(workspace)
    body = {"audited": str(table or "catalog"), "defects": [{"kind": one.kind, "what": one.what, "count": one.count, "where": list(one.where)} for one in defects]}
    emit(body, json_, lambda: columns([(one.kind, f"{one.count:,}", one.what, _first(one.where)) for one in defects], ("kind", "count", "what", "for example")),
         None if table else 'isocenter sql "SELECT * FROM conflict LIMIT 20"')


@command.command("import")
@click.argument("importer")
@click.argument("path", type=FILE)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the importer, as map=FILE or source=ID.")
@starting_workspace
@dry_run
@as_json
def import_(workspace: Workspace, importer: str, path: Path, options: tuple[str, ...], dry_run: bool, json_: bool) -> int:
    """Import PATH with IMPORTER into the workspace's own facts (`isocenter plugins` lists importers)."""
    from isocenter.registry.amounts import amount
    from isocenter.registry.importing import import_source

    done = import_source(workspace, importer, path, _options(options), write=not dry_run)
    body: dict[str, Any] = {"source": done.source, "new": done.new, "known": done.known, "rows": done.rows, "written": not dry_run,
                            "issues": [{"where": list(issue.path), "code": issue.code, "message": issue.message} for issue in done.issues.all]}
    text = (f"{done.source}: {amount(len(done.new), 'new dataset')}, further claims on {amount(len(done.known), 'known one')}, "
            f"{len(done.issues.all)} doubtful {'cell or name' if len(done.issues.all) == 1 else 'cells or names'}")
    if not json_:
        done.issues.print()
    emit(body, json_, text, f"isocenter show {(done.new or done.known or ['NAME'])[0]} --claims")
    return Exit.ROWS_IN_ERROR if any(issue.code == "ambiguous-name" for issue in done.issues.all) else Exit.DONE


@command.command()
@click.argument("name")
@click.option("--to", "form", default="croissant", show_default=True, help="croissant, csv or json.")
@click.option("--out", type=FILE, help="The file to write; printed when not given.")
@maybe_workspace
@dry_run
@as_json
def export(workspace: Workspace | None, name: str, form: str, out: Path | None, dry_run: bool, json_: bool) -> None:
    """Export the dataset NAME, or the plan of a corpus (its slug) or of a rule (a .json file)."""
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.exporters import export_any, write_export

    with catalog_query(workspace) as query:
        text = export_any(name, form, query, workspace.plugins if workspace else None)
    if out is None:
        click.echo(text, nl=False)
        return
    if not dry_run:
        write_export(text, out)
    emit({"export": str(out), "bytes": len(text.encode()), "written": not dry_run}, json_, f"{'would write' if dry_run else 'wrote'} {out}", None if name.endswith(".json") else f"isocenter show {shlex.quote(name)}")


@command.command()
@click.argument("url", required=False, envvar="ISOCENTER_CATALOG")
@maybe_workspace
@dry_run
@as_json
def publish(workspace: Workspace | None, url: str | None, dry_run: bool, json_: bool) -> None:
    """Put the shipped facts and the workspace's own into the PostgreSQL catalog at URL (default: the team's catalog)."""
    from isocenter.core.errors import UsageError
    from isocenter.registry import catalog
    from isocenter.registry.build import load
    from isocenter.registry.postgres import migrate
    from isocenter.registry.postgres import publish as send

    target = url or catalog.team_url(workspace)
    if target is None:
        raise UsageError("no database is named", hint="isocenter catalog publish postgresql://user@host/database")
    folders = [catalog.SHIPPED_FACTS, *([workspace.facts] if workspace and workspace.facts.exists() else [])]
    if dry_run:
        rows = {name: len(found) for name, found in load(folders).items() if found}
    else:
        migrate(target)
        rows = send(target, folders)
    emit({"rows": rows, "written": not dry_run}, json_, "\n".join(f"{count:>6} {name}" for name, count in rows.items()), "export ISOCENTER_CATALOG=… for every command to read it")


def _options(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [option.partition("=") for option in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE", param_hint="--option")
    return {name: value for name, _, value in pairs}


def _first(where: tuple[str, ...], width: int = 80) -> str:
    text = "; ".join(where[:3])
    return text if len(text) <= width else text[: width - 1] + "…"
