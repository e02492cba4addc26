"""`isocenter verify`: prove an export complete."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, emit
from isocenter.core.errors import Exit


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@as_json
def command(out: Path, json_: bool) -> int:
    """Check that every file of the export OUT is there and unchanged."""
    from isocenter.curate.export import verify

    defects = verify(out)
    emit({"folder": str(out), "complete": not defects, "defects": defects}, json_, "\n".join(defects) or f"{out}: complete")
    return Exit.FAILED if defects else Exit.DONE
