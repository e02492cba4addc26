"""The licence verdict of a cohort: what each member's licence says, and what that means for local use, sharing and commerce."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.knowledge import claim_told, claimed_licences, known_of
from isocenter.harmonize.adopt_doubts import licence_told
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.source import Source, open_source
from isocenter.registry.license_parser import parse_license
from isocenter.registry.licenses import Combination, License, Use, combine

UNSTATED = "not stated"
NOBODY = "NOASSERTION"          # the id of a licence that nobody states
STATE = "state the licence that you have read (adopt NAME PATH --license ID; in a recipe: license), "


def licenses_of(workspace: Workspace, cohort: Cohort, donors: Mapping[str, int] | None = None) -> dict[str, tuple[License, int]]:
    """`dataset: licence as stated` -> parsed licence and number of samples. donors: datasets that gave labels or annotations only, with the number
    of samples that have them.

    A sample's own licence counts before what the user stated for its dataset, and that before the claims of the catalog, of which the
    strictest counts.
    """
    table = cohort.samples(workspace, ["license"])
    counts = Counter(table.select(pl.col("dataset"), pl.col("license").fill_null(UNSTATED)).iter_rows())
    for dataset, number in (donors or {}).items():
        counts.setdefault((dataset, open_source(workspace, dataset).license or UNSTATED), number)
    silent = [dataset for dataset, text in counts if text == UNSTATED]
    known = known_of(workspace, silent) if silent else {}
    found: dict[str, tuple[License, int]] = {}
    for (dataset, text), number in sorted(counts.items()):
        claimed = known[dataset].license if text == UNSTATED else None
        if claimed is not None:
            found[f"{dataset}: {claim_told(claimed, known[dataset].contested)}"] = (claimed, number)
        else:
            found[f"{dataset}: {text}"] = (parse_license(None if text == UNSTATED else text), number)
    return found


def licences_told(workspace: Workspace, sources: Iterable[Source]) -> dict[str, str]:
    """What stands for the licence of each adopted dataset, in words: as its user stated it, per sample, or as the catalog claims it."""
    sources = list(sources)
    told = {source.name: licence_told(workspace, source) for source in sources}
    silent = {source.name: source.slug for source in sources if told[source.name] == UNSTATED}
    return told | (claimed_licences(workspace, silent) if silent else {})


def told_by_dataset(licenses: Mapping[str, tuple[License, int]]) -> dict[str, str]:
    """What stands for the licences of each dataset in one line: its licence, or how many there are when its samples have their own."""
    found: dict[str, list[str]] = {}
    for name in licenses:
        dataset, _, text = name.partition(": ")
        found.setdefault(dataset, []).append(text)
    return {dataset: texts[0] if len(texts) == 1 else f"per sample: {len([text for text in texts if text != UNSTATED])} licences{' or none' if UNSTATED in texts else ''}"
            for dataset, texts in found.items()}


def verdicts(workspace: Workspace, cohort: Cohort, *, changed: bool = True) -> Combination:
    """What may be done with the whole. changed: pixels or labels differ from what was published."""
    return together(licenses_of(workspace, cohort), changed=changed)


def together(licenses: Mapping[str, tuple[License, int]], *, changed: bool = True) -> Combination:
    """What may be done with samples under all these licences."""
    return combine({name: license_ for name, (license_, _) in licenses.items()}, changed=changed)


def require(licenses: Mapping[str, tuple[License, int]], cohort: str, use: Use, *, changed: bool = True) -> list[str]:
    """Warnings for local use; for `share` and `commercial` raises Refused naming every licence that forbids or does not say."""
    verdict = together(licenses, changed=changed).verdicts[use]
    reasons = [f"{reason.dataset}: {reason.why}" + (f" ({reason.license})" if reason.license != NOBODY else "") for reason in verdict.reasons]
    if verdict.answer == "yes" or use == "local":
        return reasons if verdict.answer != "yes" else []
    shown = "\n         ".join(reasons[:10]) + (f"\n         and {len(reasons) - 10} more" if len(reasons) > 10 else "")
    raise Refused(f"use {use!r} is not allowed by every licence:\n         {shown}", where=cohort,
                  hint="leave those members out (merge --where), " + (STATE if any(reason.license == NOBODY for reason in verdict.reasons) else "")
                  + "or --use local (in a recipe: use = \"local\")")
