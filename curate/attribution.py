"""Attribution and licence texts of a corpus: a cohort and the catalog go in, ATTRIBUTION.md, LICENSES.md and licences/ come out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export_target import Target
from isocenter.curate.rights import together
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.sample import INVENTORY
from isocenter.harmonize.source import Source, open_source
from isocenter.registry.catalog import catalog_query
from isocenter.registry.entry import dataset_entry, read_names
from isocenter.registry.licenses import USES, License
from isocenter.registry.lookup import Query

TEXTS = Path(__file__).parent / "licence_texts"
LARGEST = 1 << 20
FOLDER = "licenses"
Licenses = Mapping[str, tuple[License, int]]


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of the corpus: what the catalog knows of it (None: nothing), and the licence files that lie with its data.

    given: samples of other datasets that carry labels or annotations of its copies.
    """

    source: Source
    samples: int
    given: int
    slug: str | None
    name: str
    homepage: str | None
    doi: str | None
    organisation: str | None
    statements: tuple[str, ...]
    files: tuple[str, ...]


def write_attribution(workspace: Workspace, cohort: Cohort, found: Licenses, donors: Mapping[str, int], out: Target, warnings: list[str]) -> list[Member]:
    """Write all three. found, donors: as `licenses_of` tells them; texts of `licenses/` are the public licence, else what is known of its terms, and the files that lie with the data."""
    licenses = {license_.id: license_ for license_, _ in found.values()}
    with catalog_query(workspace) as query:
        members = _members(workspace, cohort, donors, query)
        urls = {row["license_id"]: row["url"] for row in query("SELECT license_id, url FROM license")}
    for license_ in licenses.values():
        out.text(f"{FOLDER}/{file_name(license_.id)}", _text(license_, urls.get(license_.id)))
    for member in members:
        for path in member.files:
            out.copy(member.source.root / path, f"{FOLDER}/{member.source.name}/{path}")
    out.text("ATTRIBUTION.md", _attribution(cohort, members, found))
    out.text("LICENSES.md", _licenses(found, warnings))
    return members


def file_name(license_id: str) -> str:
    """The file of a licence in `licenses/`."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", license_id)[:100] + ".txt"


def _members(workspace: Workspace, cohort: Cohort, donors: Mapping[str, int], query: Query) -> list[Member]:
    names = read_names(query)
    found = []
    own = dict(cohort.table.group_by("dataset").len().iter_rows())
    for name in sorted({*own, *donors}):
        source = open_source(workspace, name)
        slug = names.find(source.slug).slug
        entry = dataset_entry(slug, query) if slug else None
        statements = tuple(dict.fromkeys(f"{one['statement']} (read as {one['license_id']}; said by {one['source']})" for one in entry["licence"]["statements"])) if entry else ()
        found.append(Member(source, own.get(name, 0), donors.get(name, 0), slug, entry["name"] if entry else source.slug, entry["homepage"] if entry else None, entry["doi"] if entry else None,
                            entry["organisation"] if entry else None, statements, _licence_files(workspace, source)))
    return found


def _licence_files(workspace: Workspace, source: Source) -> tuple[str, ...]:
    """Licence files that scanning found among the data."""
    inventory = read_table(workspace.inventory(source.name), INVENTORY, ["path", "role", "bytes"])
    paths = inventory.filter((pl.col("role") == "licence") & (pl.col("bytes") < LARGEST) & (pl.col("bytes") > 0)).sort("path")["path"].to_list()
    return tuple(path for path in paths if (source.root / path).is_file())


def _text(license_: License, url: str | None) -> str:
    """The full text where it is a public licence whose text we carry; else an honest page of what is known."""
    path = TEXTS / f"{license_.id}.txt"
    if path.exists():
        return path.read_text(encoding="utf-8")
    flags = "".join(f"  {flag.replace('_', ' ')}: {value}\n" for flag, value in license_.flags().items())
    where = f"Text: {url}\n" if url else "No public text of these terms is known: ask whoever publishes the dataset.\n"
    return f"{license_.id}\n\n{where}\nWhat isocenter reads from it (permissions; then what is asked for):\n{flags}{f'Note: {license_.note}' if license_.note else ''}\n"


def _attribution(cohort: Cohort, members: list[Member], found: Licenses) -> str:
    lines = ["# Attribution", "", f"This corpus of {len(cohort)} samples is made of the datasets below. Name them, with their licences, wherever it is used.",
             "Its samples were chosen, and some were converted, by isocenter; `ledger.parquet` says which and how.", ""]
    for member in members:
        stated = [f"{key.partition(': ')[2]} → {license_.id}, {number} samples" for key, (license_, number) in found.items() if key.partition(": ")[0] == member.source.name]
        lines += [f"## {member.name}", "", f"- dataset: {member.slug or member.source.slug}{f', release {member.source.release}' if member.source.release else ''} ({member.samples} samples, here as `{member.source.name}`)"]
        lines += [f"- labels or annotations of it go with {member.given} samples of other datasets that show the same pictures"] if member.given else []
        lines += [f"- by: {member.organisation}"] if member.organisation else []
        lines += [f"- source: {member.homepage}"] if member.homepage else []
        lines += [f"- cite: https://doi.org/{member.doi}"] if member.doi else []
        lines += [f"- licence: {text}" for text in stated]
        lines += [f"- claimed: {text}" for text in member.statements]
        lines += [f"- licence file: {FOLDER}/{member.source.name}/{path}" for path in member.files]
        lines += ["- not in the catalog: what is said here was stated when the data were adopted"] if member.slug is None else []
        lines += [""]
    return "\n".join(lines)


def _licenses(found: Licenses, warnings: list[str]) -> str:
    lines = ["# Licences", "", "| dataset: licence as stated | read as | samples | text |", "|---|---|---|---|"]
    lines += [f"| {name} | {license_.id} | {number} | [{FOLDER}/{file_name(license_.id)}]({FOLDER}/{file_name(license_.id)}) |" for name, (license_, number) in found.items()]
    combined = together(found).verdicts
    lines += ["", "| the whole may be used for | answer | why |", "|---|---|---|"]
    lines += [f"| {use} | {combined[use].answer} | {'; '.join(f'{one.dataset}: {one.why}' for one in combined[use].reasons[:5])} |" for use in USES]
    if warnings:
        lines += ["", "What is not settled:", "", *[f"- {warning}" for warning in warnings]]
    return "\n".join([*lines, "", "This is a reading aid, not legal advice.", ""])
