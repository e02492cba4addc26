"""Contact sheets of what was left out beside what was kept: cohorts and features go in, PNG pages come out, the least represented first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from isocenter.core.errors import BadInput, Unreadable
from isocenter.core.files import draft
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.features import features_of
from isocenter.curate.groups import GROUPS
from isocenter.curate.report.pictures import render
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder

SIDE, CAPTION, GAP, HEAD = 190, 46, 12, 34
ACROSS, DOWN = 3, 4
MOST = 48


@dataclass(frozen=True, slots=True)
class Contrast:
    """A sample that was left out, the kept one that stands for it, and what joins the two."""

    left_out: str
    kept: str
    why: str
    cosine: float | None = None


def contrasts(workspace: Workspace, pool: Cohort, cohort: Cohort, encoder: str | None) -> list[Contrast]:
    """Copies beside their keepers where the cohort came from dedup, in the order of the groups; else the samples left out beside their nearest
    kept neighbour by the encoder, the farthest first: what the choice represents worst.
    """
    if workspace.groups(cohort.name).exists():
        groups = read_table(workspace.groups(cohort.name), GROUPS)
        keeper = dict(groups.filter("keeper").select("group", "sample_id").iter_rows())
        return [Contrast(sample, keeper[group], f"copy by {evidence.split(' with ')[0]}") for group, sample, evidence, kept in groups.select("group", "sample_id", "evidence", "keeper").iter_rows() if not kept]
    if encoder is None:
        raise BadInput(f"no vectors tell what is near in {pool.name}", hint="--with thumbnail")
    features = features_of(workspace, pool, encoder)
    ids = np.array(pool.table["sample_id"].to_list(), object)[features.positions]
    inside = np.isin(ids, cohort.table["sample_id"].to_list())
    kept, out = np.flatnonzero(inside), np.flatnonzero(~inside)
    if not len(kept) or not len(out):
        return []
    found = []
    for start in range(0, len(out), 1024):
        cosine = features.rows[out[start:start + 1024]] @ features.rows[kept].T
        found += [Contrast(ids[at], ids[kept[best]], "nearest kept", float(row[best])) for at, row, best in zip(out[start:start + 1024], cosine, cosine.argmax(1))]
    return sorted(found, key=lambda one: (one.cosine or 0.0, one.left_out))


def write_sheets(workspace: Workspace, pool: Cohort, cohort: Cohort, shown: list[Contrast], folder: Path) -> list[Path]:
    """Pages of twelve contrasts as `folder`/<cohort>-001.png …, at most four pages."""
    dataset = dict(pool.table.select("sample_id", "dataset").iter_rows())
    pictures = _Pictures(workspace, dataset)
    pages, each, shown_now = [], ACROSS * DOWN, shown[:MOST]
    for number, start in enumerate(range(0, len(shown_now), each), start=1):
        page = _page(shown_now[start:start + each], pictures, f"{cohort.name}: left out of {pool.name} (left) beside the one kept (right), {start + 1}-{min(start + each, len(shown_now))} of {len(shown)}")
        path = folder / f"{cohort.name}-{number:03d}.png"
        with draft(path) as temporary:
            page.save(temporary, format="PNG")
        pages.append(path)
    return pages


class _Pictures:
    """Thumbnails of samples, decoded once each; a grey field where a sample does not decode."""

    def __init__(self, workspace: Workspace, dataset: dict[str, str]) -> None:
        self.workspace, self.dataset = workspace, dataset
        self.decoders: dict[str, Decoder] = {}

    def get(self, sample: str) -> Image.Image:
        name = self.dataset[sample]
        try:
            decoder = self.decoders.setdefault(name, Decoder(self.workspace, name))
            return render(decoder.pixels(sample), SIDE).convert("RGB")
        except (Unreadable, KeyError, ValueError, OSError):
            return Image.new("RGB", (SIDE, SIDE), "#888888")


def _page(rows: list[Contrast], pictures: _Pictures, title: str) -> Image.Image:
    wide, high = 2 * SIDE + 4 + GAP, SIDE + CAPTION + GAP
    lines = -(-len(rows) // ACROSS)
    page = Image.new("RGB", (GAP + min(ACROSS, len(rows)) * wide if len(rows) >= 2 else GAP + 2 * wide, HEAD + lines * high + GAP), "white")
    pen, font, small = ImageDraw.Draw(page), ImageFont.load_default(15), ImageFont.load_default(12)
    pen.text((GAP, 9), title, fill="#1b2430", font=font)
    for number, row in enumerate(rows):
        left, top = GAP + number % ACROSS * wide, HEAD + number // ACROSS * high
        for place, (sample, edge) in enumerate(((row.left_out, "#D55E00"), (row.kept, "#0072B2"))):
            x = left + place * (SIDE + 4)
            pen.rectangle((x, top, x + SIDE - 1, top + SIDE - 1), fill="#0c0f13", outline=edge, width=3)
            shown = ImageOps.contain(pictures.get(sample), (SIDE - 8, SIDE - 8))
            page.paste(shown, (x + (SIDE - shown.width) // 2, top + (SIDE - shown.height) // 2))
        told = row.why if row.cosine is None else f"{row.why}, cosine {row.cosine:.3f}"
        lines_below = "\n".join([*(_fitted(sample, pen, small, wide - GAP) for sample in (row.left_out, row.kept)), told])
        pen.text((left, top + SIDE + 2), lines_below, fill="#3c4652", font=small, spacing=2)
    return page


def _fitted(sample: str, pen: ImageDraw.ImageDraw, font: Any, width: int) -> str:
    """The dataset and as much of the end of an id as the width holds."""
    name, _, key = sample.partition("/")
    head, tail = f"{name.split('@')[0]}: ", key
    while len(tail) > 8 and pen.textlength(head + tail, font=font) > width:
        tail = "…" + tail[2:]
    return head + tail
