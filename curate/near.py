"""Near-duplicates of a cohort: its sample rows go in, proven, unsettled and refuted pairs come out, and contact sheets of those to look at."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from isocenter.core.tables import read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture
from isocenter.curate.duplicates.resume import forget, home
from isocenter.curate.groups import PAIRS, Pair, pair_rows
from isocenter.curate.settled import EXACT, PERSON, write_form
from isocenter.harmonize.decode import Decoder

EXAMPLES = 12                      # joined and refuted pairs on a contact sheet
MOST = 120                         # unsettled pairs on a contact sheet
FORM = "unsettled.csv"


def near_pairs(workspace: Workspace, table: pl.DataFrame, known: list[Pair], *, local: bool | None = None, seed: int = 0, dry_run: bool = False) -> list[Pair]:
    """Every pair that came near among the rows that are no exact copy of an earlier one, whatever the verdict.

    table: sample_id, dataset, series_id, patient_id, study_id, shape, spacing_mm, pixel_hash, file_hash. Samples of one series are
    neighbours and never paired. local: see `find`. What the very same search found before, within a week, is read and not searched again.
    """
    copies = {pair.b for pair in known}
    rest = table.filter(~pl.col("sample_id").is_in(list(copies)))
    decoders = {dataset: Decoder(workspace, dataset) for dataset in rest["dataset"].unique().sort()}
    pictures = [_picture(row, place, decoders[row["dataset"]]) for place, row in enumerate(rest.iter_rows(named=True))]
    unfinished = home(workspace.root / "unfinished-dedup", pictures, local=local, seed=seed)
    done = workspace.root / "groups" / "searches" / f"{unfinished.name}.parquet"
    forget(done.parent)
    if done.exists():
        return [Pair(**row) for row in read_table(done, PAIRS).iter_rows(named=True)]
    pairs = [Pair(p.a, p.b, p.net.value, round(p.score, 4), p.verdict.value, p.transform) for p in find(pictures, local=local, seed=seed, keep=None if dry_run else unfinished).pairs]
    if not dry_run:
        write_table(done, pair_rows(pairs), PAIRS)
    return pairs


def _picture(row: dict[str, object], place: int, decoder: Decoder) -> Picture:
    return Picture(
        str(row["sample_id"]), str(row["dataset"]), decoder.loader(str(row["sample_id"])), patient=_text(row["patient_id"]), study=_text(row["study_id"]),
        series=_text(row["series_id"]), position=float(place), shape=_numbers(row["shape"], int), spacing_mm=_numbers(row["spacing_mm"], float),
        file_hash=_text(row["file_hash"]), pixel_hash=_text(row["pixel_hash"]))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _numbers(value: object, sort: type) -> tuple | None:  # type: ignore[type-arg]
    return None if not isinstance(value, list) or None in value else tuple(sort(v) for v in value)


def sheets(workspace: Workspace, table: pl.DataFrame, pairs: list[Pair], folder: Path) -> list[Path]:
    """Contact sheets of the pairs that a person should see: unsettled ones, and apart from them the least sure of the joined and of the refuted.

    table: sample_id, dataset, spacing_mm. Beside the unsettled ones lies `unsettled.csv`, in which they are settled (`curate.settled`).
    """
    from isocenter.curate.duplicates.sheets import ROWS, Shown, write_sheets

    near = [pair for pair in pairs if pair.net not in (*EXACT, PERSON)]
    weakest = sorted((pair for pair in near if pair.verdict == "same"), key=lambda pair: pair.score)[:EXAMPLES]
    strongest = sorted((pair for pair in near if pair.verdict == "different"), key=lambda pair: -pair.score)[:EXAMPLES]
    unsettled = sorted((pair for pair in near if pair.verdict == "unsettled"), key=lambda pair: -pair.score)
    shown = unsettled[:MOST] + weakest + strongest
    names = {name for pair in shown for name in (pair.a, pair.b)}
    rows = {row["sample_id"]: row for row in table.select("sample_id", "dataset", "spacing_mm").iter_rows(named=True) if row["sample_id"] in names}
    decoders = {dataset: Decoder(workspace, dataset) for dataset in sorted({row["dataset"] for row in rows.values()})}
    if unsettled:
        write_form(folder / FORM, unsettled, ROWS, MOST)
    return write_sheets(shown, {name: Shown(decoders[row["dataset"]].loader(name), _numbers(row["spacing_mm"], float)) for name, row in rows.items()}, folder)
