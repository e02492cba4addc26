"""`isocenter adopt`: say where a dataset lies."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from isocenter.cli.options import as_json, dry_run, emit, in_workspace, starting_workspace
from isocenter.core.errors import Conflict
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="SLUG[@RELEASE]", help="The dataset's name in the catalog; NAME if left out.")
@click.option("--layout", default=None, help="How the files lie: a layout's name or a TOML file.  [default: the general form that the folder is in (nnU-Net, BIDS, COCO …), else folder]")
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="A table below PATH to join to the images; its join column is found by content.")
@click.option("--label", "labels", multiple=True, metavar="COLUMN:MODE[:SEPARATOR]", help="A label column of --table; MODE is exclusive, list or mentions.")
@click.option("--term", "terms", multiple=True, metavar="NAME=TERM", help="What a name of the dataset's own labels means, as a term of the vocabulary.")
@click.option("--read-as", multiple=True, metavar="MAP=MAP", help="Read masks by another label map than the one that the layout names.")
@click.option("--license", "license_", metavar="ID", help="The licence as you read it.")
@click.option("--force", is_flag=True, help="Let PATH take the place of another folder that was adopted as NAME.")
@dry_run
@starting_workspace
@as_json
def command(workspace: Workspace, name: str, path: Path, dataset: str | None, layout: str | None, table: Path | None, labels: tuple[str, ...], terms: tuple[str, ...], read_as: tuple[str, ...], license_: str | None, force: bool, dry_run: bool, json_: bool) -> None:
    """Note that dataset NAME lies in the folder PATH. Nothing is copied, nothing is written there."""
    from isocenter.curate.rights import licences_told
    from isocenter.harmonize.adopt_doubts import doubts
    from isocenter.harmonize.layout_match import ANY, Recognised, recognise
    from isocenter.harmonize.source import adopt, parse_terms, replaced, same_folder
    from isocenter.harmonize.table_layout import layout_for_table

    if not force and (before := replaced(workspace, name, path)) is not None:
        raise Conflict(f"{name} is another folder already (layout {before.layout})", where=str(before.root), hint="another NAME, or --force to let this folder take its place")
    with TemporaryDirectory() as spare:
        kept = workspace.plugins / "layouts" / f"{name}.toml"
        written = layout_for_table(Path(spare) if dry_run else kept.parent, name, path, table, labels, layout) if table is not None or labels else None
        layout = str(written) if written else layout
        seen = recognise(path) if layout is None and path.is_dir() else Recognised(layout or ANY)
        source = adopt(workspace, name, path, dataset=dataset, layout=seen.layout, license=license_, terms=parse_terms(terms),
                       maps=parse_terms(read_as, "--read-as", "segbook-task013-acdc=acdc"), dry_run=dry_run)
        warnings, licence = doubts(workspace, source), licences_told(workspace, [source])[name]
    warnings += [f"this folder is also {other}: a merge of both holds every sample twice" for other in same_folder(workspace, source)]
    source = replace(source, layout=str(kept)) if written else source
    form = layout is None and seen.layout != ANY
    body = {"name": name, "root": str(source.root), "dataset": source.slug, "release": source.release, "layout": source.layout, "license": source.license, "written": not dry_run}
    told = f"{name}: {source.root} (layout {source.layout}, licence {licence})"
    anew, next_ = shlex.join(["isocenter", "adopt", name, str(path), "--layout"]), f"isocenter scan {name}"
    if form:
        told += f"\nrecognised by its files; to read every file by its content alone: {in_workspace(f'{anew} {ANY}')}"
    if seen.looks_like:
        told += f"\nlooks like layout {seen.looks_like}; until it is adopted so, files are read by their content alone, and no labels"
        next_ = f"{in_workspace(f'{anew} {seen.looks_like}')}, or as it is: {in_workspace(next_)}"
    told = "\n".join([told, *(f"warning: {text}" for text in warnings)])
    emit(body | ({"warnings": warnings} if warnings else {}) | ({"looks_like": seen.looks_like} if seen.looks_like else {}) | ({"recognised": True} if form else {}), json_, told, next_)
