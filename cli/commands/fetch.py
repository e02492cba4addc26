"""`isocenter fetch`: download a dataset that is open to everyone, or say how a person gets it."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from isocenter.cli.options import as_json, dry_run, emit, maybe_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("slug")
@click.option("--to", "destination", type=click.Path(path_type=Path, file_okay=False), help="Where the files go.  [default: ./SLUG]")
@click.option("--release", help="The release to fetch.  [default: the newest that has files]")
@click.option("--only", multiple=True, metavar="PATTERN", help="Only files whose path fits (*.zip); repeat for several.")
@maybe_workspace
@dry_run
@as_json
def command(workspace: Workspace | None, slug: str, destination: Path | None, release: str | None, only: tuple[str, ...], dry_run: bool, json_: bool) -> None:
    """Download dataset SLUG where access is open: size and licence first, resumed after a cut, checked by sum.

    Never logs in. For every other dataset it prints the steps that a person takes.
    """
    from isocenter.cli.render import size
    from isocenter.registry.amounts import amount
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.fetch import fetch, narrow, plan_fetch, sized
    from isocenter.registry.licenses import PERMISSIONS, in_words, title

    with catalog_query(workspace) as query:
        plan = sized(narrow(plan_fetch(slug, query, release), only))
    flags = "; ".join(f"{what}: {in_words(plan.license, what)}" for what in PERMISSIONS)
    unsized = sum(file.bytes is None for file in plan.files)
    total = f"{size(plan.bytes)}{f' and {unsized} of unknown size' if unsized else ''}" if plan.bytes or not unsized else "size not known"
    files = f"{amount(len(plan.files), 'file')}, {total}" if plan.files else "no file that can be fetched without you"
    about = [f"{plan.name} [{plan.slug}]: {files}", f"licence: {title(plan.license)}", f"  {flags}",
             *([f"  sources disagree: {plan.license.conflict}; the strictest counts"] if plan.license.conflict else []), f"access:  {'not stated' if plan.access == 'unknown' else plan.access}"]
    if not plan.files:
        emit(plan.as_json() | {"fetched": False}, json_, "\n".join([*about, "what to do:", f"  {plan.steps}", f"  {plan.homepage or ''}".rstrip()]),
             f"isocenter adopt {plan.slug} /path/you/have")
        return
    target = destination or Path(plan.slug)
    if dry_run:
        emit(plan.as_json() | {"fetched": False}, json_, "\n".join([*about, *(f"  {file.path}  {size(file.bytes) if file.bytes else 'size not known'}" for file in plan.files)]),
             shlex.join(["isocenter", "fetch", plan.slug, *(["--release", release] if release else []), *(word for one in only for word in ("--only", one)), "--to", str(target)]))
        return
    if not json_:
        click.echo("\n".join(about))
    done = fetch(plan, target, say=lambda text: click.echo(text, err=True))
    body = plan.as_json() | {"fetched": True, "folder": str(done.folder), "verified": done.verified, "unverified": done.unverified, "kept": done.kept, "bytes": done.bytes}
    unverified = f", {len(done.unverified)} without a known sum" if done.unverified else ""
    emit(body, json_, f"{done.folder}: {size(done.bytes)}, {amount(len(done.verified), 'file')} verified{unverified}", f"isocenter adopt {plan.slug} {shlex.quote(str(done.folder))} --dataset {plan.slug}")
