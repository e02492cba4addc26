"""`isocenter plugins`: layouts, readers, encoders, strategies, exporters and importers that are at hand."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, emit
from isocenter.core.errors import NotFound

SINGULAR = {"readers": "reader", "encoders": "encoder", "strategies": "strategy", "exporters": "exporter", "layouts": "layout"}


@click.command()
@click.argument("kind", required=False)
@click.option("--workspace", "-w", "folder", default=None, type=click.Path(), envvar="ISOCENTER_WORKSPACE", help="List the plug-ins of this workspace too.")
@as_json
def command(kind: str | None, folder: str | None, json_: bool) -> None:
    """List plug-ins of KIND, or of every kind. A file of that kind in `<workspace>/plugins/<kind>/` is one more."""
    from pathlib import Path

    from isocenter.curate.export import EXPORTERS
    from isocenter.curate.select import STRATEGIES
    from isocenter.embeddings.api import ENCODERS
    from isocenter.harmonize import layout as layouts
    from isocenter.harmonize.image import READERS

    own = Path(folder) / "plugins" if folder else None
    found = {table.kind: table.names(own) for table in (READERS, ENCODERS, STRATEGIES, EXPORTERS)}
    found["layouts"] = sorted({*layouts.names(), *((path.stem for path in (own / "layouts").glob("*.toml")) if own else ())})
    kind = next((name for name in found if kind in (name, SINGULAR[name])), kind)
    if kind is not None and kind not in found:
        raise NotFound(f"no kind of plug-in named {kind!r}", hint=f"one of: {', '.join(sorted(found))}")
    shown = {kind: found[kind]} if kind else found
    emit(shown, json_, "\n".join(f"{name}: {', '.join(names)}" for name, names in sorted(shown.items())))
