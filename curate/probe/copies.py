"""Changed copies of pictures: which picture is changed how, in turn, and the copies as files with a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image as Pillow

from isocenter.core.errors import NotFound, Refused
from isocenter.core.files import draft
from isocenter.core.progress import track
from isocenter.curate.probe.changes import CHANGES, change
from isocenter.curate.probe.corruptions import CORRUPTIONS, SEVERITIES
from isocenter.curate.probe.pictures import Image

MANIFEST = "manifest.csv"

Cell = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy to be made: `seed` and the other fields make the same copy again."""

    original: str
    change: str
    severity: int
    seed: int

    def of(self, picture: Image) -> Image:
        return change(picture, self.change, self.severity, seed=self.seed)


def cells(only: Sequence[str] = ()) -> list[Cell]:
    """Every change and corruption with its severities, or those named as `crop` or `crop:3`.

    One severity where all are the same (mirror, quarter turn, inversion). Raises NotFound for a name or severity that is none.
    """
    every = [(name, severity) for name in (*CHANGES, *CORRUPTIONS) for severity in SEVERITIES if severity == 1 or name in CORRUPTIONS or len(set(CHANGES[name][1])) > 1]
    if not only:
        return every
    found = {text: [cell for cell in every if text in (cell[0], f"{cell[0]}:{cell[1]}")] for text in only}
    for text, some in found.items():
        if not some:
            raise NotFound(f"no change {text!r}", hint=f"a name, or name:severity, of {', '.join(dict.fromkeys(name for name, _ in every))}")
    wanted = {cell for some in found.values() for cell in some}
    return [cell for cell in every if cell in wanted]


def rounds(names: Sequence[str], wanted: Sequence[Cell], copies: int, seed: int) -> Iterator[list[Copy]]:
    """`copies` copies per cell, in rounds with at most one copy of each picture; the cells take turns with the pictures."""
    queue = iter([cell for _ in range(copies) for cell in wanted])
    number = 0
    while turn := list(islice(queue, len(names))):
        order = np.random.default_rng(seed + number).permutation(len(names))
        yield [Copy(names[i], *cell, seed + number + place) for place, (i, cell) in enumerate(zip(order, turn))]
        number += 1


def write_copies(pictures: Mapping[str, Image], planned: Sequence[Copy], folder: Path) -> Path:
    """PNG files in a folder per change and severity, and `manifest.csv` that names the original, change, severity and seed of each.

    Raises Refused when the folder holds something else than an unfinished writing of the same copies.
    """
    manifest = folder / MANIFEST
    rows = [{"file": f"{one.change}-{one.severity}/{number:06d}.png", **asdict(one)} for number, one in enumerate(planned)]
    if folder.exists() and (foreign := {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} - {row["file"] for row in rows}):
        raise Refused(f"the folder is not empty: it holds {min(foreign)}", where=str(folder), hint="name a new folder")
    for row, one in track(list(zip(rows, planned)), "write copies"):
        with draft(folder / str(row["file"])) as temporary:
            Pillow.fromarray(one.of(pictures[one.original])).save(temporary, format="PNG")
    with draft(manifest) as temporary:
        pl.DataFrame(rows).write_csv(temporary)
    return manifest
