"""Split a cohort into train, val and test by connected components: patients, studies and copies never stand on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.runs import ledger
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import PAIRS, components
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.sample import PATIENT_SEPARATOR

RATIO = {"train": 0.8, "val": 0.1, "test": 0.1}


def split(workspace: Workspace, cohort: Cohort, *, name: str, ratio: Mapping[str, float] | None = None, seed: int = 0,
          dry_run: bool = False) -> Cohort:
    """Give every sample a split so that each component lies on one side and the labels are spread as the ratio asks.

    A component joins samples of one patient (ids count within their dataset), one study, and pairs that are copies or
    unsettled, also through samples that were dropped on the way. Raises BadInput for a ratio that is none.
    """
    shares = _shares(ratio or RATIO)
    with ledger(workspace, "split", dry_run=dry_run, cohort=cohort.name, ratio=shares, seed=seed, name=name) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        owner = component_of(workspace, cohort)
        assigned = assign(owner, cohort.table["labels"].to_list(), shares, seed)
        table = cohort.table.with_columns(pl.Series("split", assigned, dtype=pl.String))
        result = cohort.next(name, table, "split", ratio=shares, seed=seed, components=len(set(owner))).save(workspace, dry_run=dry_run)
        run.counts |= {"components": len(set(owner)), **Counter(assigned)}
        run.outputs |= {name: result.fingerprint or ""}
    return result


def _shares(ratio: Mapping[str, float]) -> dict[str, float]:
    total = sum(ratio.values())
    if not ratio or total <= 0 or any(share < 0 for share in ratio.values()):
        raise BadInput(f"{dict(ratio)} is no ratio", hint="train=0.8,val=0.1,test=0.1")
    return {name: share / total for name, share in ratio.items()}


def component_of(workspace: Workspace, cohort: Cohort) -> list[int]:
    """Component number of every sample of the cohort, found among all samples of the cohorts that it came from."""
    everyone, pairs = cohort, []
    for name in [*cohort.header.get("lineage", []), cohort.name]:
        if workspace.pairs(name).exists():
            pairs.append(read_table(workspace.pairs(name), PAIRS))
    if lineage := cohort.header.get("lineage"):
        everyone = Cohort.open(workspace, lineage[0])
    table = everyone.samples(workspace, ["patient_id", "study_id"])
    position = {sample: index for index, sample in enumerate(table["sample_id"].to_list())}
    edges = [edge for column in ("patient_id", "study_id") for edge in _shared(table, column)]
    for found in pairs:
        for a, b in found.filter(pl.col("verdict").is_in(["same", "unsettled"])).select("a", "b").iter_rows():
            if a in position and b in position:
                edges.append((position[a], position[b]))
    owner = components(len(position), edges)
    return [int(owner[position[sample]]) for sample in cohort.table["sample_id"].to_list()]


def _shared(table: pl.DataFrame, column: str) -> list[tuple[int, int]]:
    """Edges between samples of one dataset that share a value; several values of one cell all count."""
    rows = table.select("dataset", column).with_row_index("at").filter(pl.col(column).is_not_null())
    exploded = rows.with_columns(pl.col(column).str.split(PATIENT_SEPARATOR)).explode(column, empty_as_null=True)
    return [edge for _, part in exploded.group_by("dataset", column, maintain_order=True) for edge in pairwise(part["at"].to_list())]


def assign(owner: list[int], labels: list[dict[str, str] | None], shares: Mapping[str, float], seed: int) -> list[str]:
    """Greedy iterative stratification over components (Sechidis et al. 2011, on groups): largest first, each to the side that lacks most.

    What a side lacks counts samples and, for every term, samples in which it is present.
    """
    order = _by_size(owner, seed)
    present = [frozenset(term for term, state in (found or {}).items() if state == "present") for found in labels]
    members: dict[int, list[int]] = {}
    for index, component in enumerate(owner):
        members.setdefault(component, []).append(index)
    totals = Counter(term for terms in present for term in terms)
    have = {side: Counter[str]() for side in shares}
    size = dict.fromkeys(shares, 0)
    chosen: dict[int, str] = {}
    for component in order:
        inside = Counter(term for index in members[component] for term in present[index])

        def lack(side: str, inside: Counter[str] = inside) -> tuple[float, float]:
            room = shares[side] - size[side] / len(owner)
            wanted = [shares[side] - have[side][term] / totals[term] for term in inside]
            return (room + float(np.mean(wanted)) if wanted else 2 * room, shares[side])

        best = max(shares, key=lack)
        chosen[component] = best
        have[best] += inside
        size[best] += len(members[component])
    return [chosen[component] for component in owner]


def _by_size(owner: list[int], seed: int) -> list[int]:
    """Components, largest first; equal sizes in an order that the seed decides."""
    sizes = Counter(owner)
    names = sorted(sizes)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    rank = {names[at]: int(place) for place, at in enumerate(shuffled)}
    return sorted(names, key=lambda component: (-sizes[component], rank[component]))
