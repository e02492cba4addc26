"""What stands on a cohort: a cohort that is about to be written goes in, and what it would replace is told, or refused where others came from that."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from isocenter.core.errors import Conflict
from isocenter.core.progress import say
from isocenter.core.tables import read_header
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.dataset_state import changed

COMPUTED = ("components",)            # parameters that a verb found out and was not asked


def claim(workspace: Workspace, planned: Cohort, *, force: bool) -> None:
    """See to it that the name of a cohort may be written, before the work for it is done.

    planned: name and header of what is to be made; its table, where it is known already. The same question asked again is silent. Raises Conflict when
    the name is that of its own input, and, unless `force`, when other cohorts came from what has the name now.
    """
    name = planned.name
    warn_of_age(workspace, planned)
    if name in planned.header.get("lineage", []):
        raise Conflict(f"{name} is what this is made from; it cannot take the place of its own input", where=str(workspace.cohort(name)), hint=f"--as {name}-2, or any other name")
    if not workspace.cohort(name).exists():
        return
    before = Cohort.open(workspace, name)
    if _asked(before.header) == _asked(planned.header) and (before.header.get("inputs") == planned.header.get("inputs") or planned.holds_the_same(before)):
        return
    told = f"{name} ({len(before)} samples by {before.header.get('verb')}{_origin(before.header)})"
    standing = descendants(workspace, name)
    if standing and not force:
        raise Conflict(f"{told} is there already, and {', '.join(standing)} came from it", where=str(workspace.cohort(name)),
                       hint=f"--as with another name, or --force: then what {standing[-1]} was made from is gone, and isocenter explain says so")
    say(f"replaces {told}" + (f"; {', '.join(standing)} came from it" if standing else ""))


def descendants(workspace: Workspace, name: str) -> list[str]:
    """Cohorts that came from this one, by name."""
    return [other for other in workspace.cohorts() if other != name and name in read_header(workspace.cohort(other), COHORT).get("lineage", [])]


def outdated(line: list[Cohort]) -> list[tuple[Cohort, Cohort]]:
    """Neighbours of a line of cohorts, eldest first, of which the younger was made from something else than what now has the elder's name."""
    return [(parent, child) for parent, child in pairwise(line) if child.header.get("inputs", {}).get(parent.name) not in (None, parent.fingerprint)]


def older_than(workspace: Workspace, cohort: Cohort) -> list[str]:
    """What a cohort came from and what has changed since, in words: its datasets, and the nearest cohort of its line that was made anew."""
    found = [f"dataset {name} has changed" for name in changed(workspace, cohort.header)]
    child = cohort
    for name in reversed(cohort.header.get("lineage", [])):
        if not workspace.cohort(name).exists():
            break
        parent = Cohort.open(workspace, name)
        if outdated([parent, child]):
            return [*found, f"{name} was made anew"]
        child = parent
    return found


def warn_of_age(workspace: Workspace, cohort: Cohort) -> None:
    """Say in one line that work starts from a cohort that is older than its data. cohort: that one, or one that is planned from it."""
    if cohort.header.get("lineage") or cohort.fingerprint:
        name = cohort.name if cohort.fingerprint else cohort.header["parent"]
        if reasons := older_than(workspace, cohort):
            say(f"warning: {name} is older than its data: {'; '.join(reasons)} since (isocenter status)")


def by_descent(cohorts: list[Cohort]) -> list[tuple[int, Cohort]]:
    """Cohorts with their depth, each below the one that it came from, those without one by name."""
    known = {cohort.name: cohort for cohort in cohorts}
    children: dict[str | None, list[Cohort]] = {}
    for cohort in sorted(cohorts, key=lambda one: one.name):
        parent = cohort.header.get("parent")
        children.setdefault(parent if parent in known else None, []).append(cohort)
    found: list[tuple[int, Cohort]] = []
    waiting = [(0, cohort) for cohort in reversed(children.get(None, []))]
    while waiting:
        depth, cohort = waiting.pop()
        found.append((depth, cohort))
        waiting += [(depth + 1, child) for child in reversed(children.get(cohort.name, []))]
    return found


def _asked(header: dict[str, Any]) -> Any:
    """What a verb was asked for, as a file would give it back."""
    parameters = {key: value for key, value in header.get("parameters", {}).items() if key not in COMPUTED}
    return json.loads(json.dumps([header.get("verb"), header.get("parent"), parameters], default=str))


def _origin(header: dict[str, Any]) -> str:
    parents = [header["parent"]] if header.get("parent") else header.get("parameters", {}).get("datasets", [])
    return f" of {', '.join(parents)}" if parents else ""
