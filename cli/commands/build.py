"""`isocenter build`: a recipe becomes a corpus."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, data_options, dry_run, emit, starting_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@data_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the export.  [default: exports/<recipe> of the workspace]")
@dry_run
@starting_workspace
@as_json
def command(workspace: Workspace, recipe: Path, data: dict[str, Path], out: Path | None, dry_run: bool, json_: bool) -> int:
    """Build the corpus that RECIPE describes; run again after a cut, it goes on where it was.

    Exit status 3: built, and some files could not be read or brought into the geometry; report and ledger name them.
    """
    from isocenter.cli.render import counts, size
    from isocenter.curate.build import build
    from isocenter.curate.recipe_check import open_recipe

    read = open_recipe(workspace, recipe, data, with_roots=True)
    if dry_run:
        from isocenter.curate.build_preview import preview

        rows = preview(workspace, read, out)
        text = columns([(row["step"], row["output"], "kept if its inputs are as they were" if row["there"] else "to make") for row in rows], ("step", "output", "state"))
        emit({"corpus": read.name, "steps": rows, "written": False}, json_, text, shlex.join(["isocenter", "build", str(recipe), *(word for name, path in data.items() for word in ("--data", f"{name}={path}"))]))
        return Exit.DONE
    built = build(workspace, read, out)
    exported, warnings = built.exported, [*built.left, *built.warnings, *built.exported.warnings]
    body = {"corpus": built.recipe.name, "cohorts": built.cohorts, "files": built.fates, "export": str(exported.folder), "samples": exported.samples,
            "bytes": exported.bytes, "ledger": exported.done, "unreadable": exported.unreadable, "left": built.left, "lock": str(built.lock), "report": str(built.report), "warnings": warnings}
    lines = [f"{built.recipe.name}: {counts(built.cohorts)}", f"files: {counts(built.fates)}", *[f"warning: {text}" for text in warnings[:8]],
             *([f"… and {len(warnings) - 8} more warnings (all in the report)"] if len(warnings) > 8 else []),
             f"corpus: {exported.folder} ({amount(exported.samples, 'sample')}, {size(exported.bytes)})",
             *([f"samples in the ledger: {counts(exported.done)} ({exported.folder / 'ledger.parquet'})"] if exported.done else []), f"lock:   {built.lock}", f"report: {built.report}"]
    emit(body, json_, "\n".join(lines), shlex.join(["isocenter", "verify", str(exported.folder)]))
    return Exit.ROWS_IN_ERROR if built.fates.get("error") or exported.unreadable or built.left else Exit.DONE
