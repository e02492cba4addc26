"""The map of the report: the pool of the last selection with what was chosen, drawn once per choice and kept beside the ledger."""

from __future__ import annotations

import base64

from isocenter.core.errors import BadInput, MissingExtra
from isocenter.core.files import draft
from isocenter.core.workspace import Workspace
from isocenter.curate.explain import encoder_at_hand, pool_of
from isocenter.curate.map import map_of, picture
from isocenter.harmonize.cohort import Cohort


def choice_map(workspace: Workspace, chosen: Cohort) -> str | None:
    """A PNG data URI; None when nothing was selected, the pool has no vectors, is too small for a map, or matplotlib is not installed."""
    if chosen.header["verb"] != "select":
        return None
    path = workspace.runs / f"{chosen.name}.map-{chosen.header['stage']}.png"
    if not path.exists():
        encoder = encoder_at_hand(workspace, chosen)
        if encoder is None:
            return None
        try:
            drawn = picture(map_of(workspace, pool_of(workspace, chosen), chosen, encoder), "png")
        except (MissingExtra, BadInput):
            return None
        for old in workspace.runs.glob(f"{chosen.name}.map-*.png"):
            old.unlink()
        with draft(path) as temporary:
            temporary.write_bytes(drawn)
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
