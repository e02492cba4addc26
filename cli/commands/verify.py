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
    """Check that every file of the export OUT is there and unchanged, that nothing is there beside it, and that its counts and texts agree.

    Every defect is listed at once. Neither the workspace nor the original data are needed.
    """
    from isocenter.curate.verify import verify

    defects = verify(out)
    text = "\n".join([*defects, f"{out}: {len(defects)} defects"]) if defects else f"{out}: complete"
    emit({"folder": str(out), "complete": not defects, "defects": defects}, json_, text)
    return Exit.FAILED if defects else Exit.DONE
