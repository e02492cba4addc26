"""Build a corpus from its recipe: stage by stage, each skipped when its output is there and was made from the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import tomli_w

from isocenter.core.errors import BadInput, Conflict, Refused
from isocenter.core.files import fingerprint, write_text
from isocenter.core.progress import say
from isocenter.core.runs import ledger, versions
from isocenter.core.tables import Kind, content_fingerprint, read_header, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.budget import read_budget
from isocenter.curate.dedup import dedup
from isocenter.curate.export import Exported, Wishes, export
from isocenter.curate.export_folder import look
from isocenter.curate.groups import GROUPS
from isocenter.curate.knowledge import known_of
from isocenter.curate.recipe import Member, Recipe
from isocenter.curate.recipe_check import check_recipe, require_use
from isocenter.curate.recipe_geometry import bring
from isocenter.curate.recipe_options import as_lines, contents, geometry, select_wishes, split_terms
from isocenter.curate.report import write_report
from isocenter.curate.select import select
from isocenter.curate.settled import concerning, settled
from isocenter.curate.split import split
from isocenter.harmonize.adopt_doubts import doubts
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dataset_state import state_of
from isocenter.harmonize.decode import UNDECODABLE
from isocenter.harmonize.layout_match import Recognised, recognise
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_conflicts import other_maps
from isocenter.harmonize.merge_ledger import MERGE_LEDGER, ledger_path, readable
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.scan_state import Scanned
from isocenter.harmonize.source import adopt

FILES = Kind("fates", 1, pa.schema([("dataset", pa.string()), ("path", pa.string()), ("role", pa.string()), ("fate", pa.string()), ("reason", pa.string()), ("sample_id", pa.string())]))
"""fate: kept, dropped, sidecar or error; reason: why, in words."""


@dataclass(frozen=True, slots=True)
class Built:
    """A finished corpus: its last cohort, its export, and the fate of every file that went in. left: what is not in the geometry of the recipe, and why."""

    recipe: Recipe
    cohorts: dict[str, int]
    exported: Exported
    fates: dict[str, int]
    lock: Path
    report: Path
    warnings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def build(workspace: Workspace, recipe: Recipe, out: Path | None = None) -> Built:
    """Scan, merge and run the recipe's stages, export, and write recipe.lock. Run again after a cut, it goes on where it was.

    out: folder of the export, `exports/<name>` of the workspace by default. Raises what `check_recipe` finds before anything is read
    (a dataset without a local copy among it), Refused after the merge when a licence stands against the use.
    """
    with ledger(workspace, "build", recipe=recipe.name, fingerprint=recipe.fingerprint) as run:
        check_recipe(workspace, recipe, with_roots=True)
        warnings = scan_members(workspace, recipe)
        left = bring(workspace, recipe)
        cohorts = _stages(workspace, recipe)
        last = cohorts[-1]
        warnings += cohorts[0].header["warnings"]
        fates = account(workspace, recipe, cohorts)
        write_table(workspace.root / "runs" / f"{recipe.name}.files.parquet", fates, FILES, {"recipe": recipe.fingerprint})
        lock = _lock(workspace, recipe, last)
        exported = _export(workspace, recipe, last, out or workspace.export(recipe.name), lock.read_text(encoding="utf-8"))
        counts = dict(fates.group_by("fate").len().sort("fate").iter_rows())
        run.counts |= counts
        report = write_report(workspace, recipe, cohorts, fates, exported, [*warnings, *left])
    return Built(recipe, {cohort.name: len(cohort) for cohort in cohorts}, exported, counts, lock, report, warnings, left)


def _export(workspace: Workspace, recipe: Recipe, last: Cohort, folder: Path, lock: str) -> Exported:
    """The corpus as the recipe wants it, in the place of one that this recipe made before. What `export` refuses is answered by lines of the recipe."""
    options, before = recipe.stages["export"], look(folder)
    own = before is not None and str(before.get("cohort")).rpartition(".")[0] == recipe.name
    try:
        return export(workspace, last, to=options.get("to", "files"), folder=folder, use=recipe.use, wishes=Wishes.of(options), force=own, extras={"recipe.toml": recipe.text, "recipe.lock": lock})
    except Conflict as error:
        error.hint = "--out with another folder"
        raise
    except Refused as error:
        error.where, error.hint = str(recipe.path), as_lines(error.hint or "")
        raise


def scan_members(workspace: Workspace, recipe: Recipe) -> list[str]:
    """Adopt and scan every member, whose folders are here."""
    warnings: list[str] = []
    for member in recipe.members:
        warnings += scan_member(workspace, recipe, member).warnings
    for name, known in known_of(workspace, [member.name for member in recipe.members]).items():
        warnings += [f"{name}: {text}" for text in known.warnings]
    return warnings


def scan_member(workspace: Workspace, recipe: Recipe, member: Member) -> Scanned:
    """Adopt and scan one member, whose root is known; its masks are read as the recipe has settled."""
    assert member.root is not None
    seen = Recognised(member.layout) if member.layout else recognise(member.root)
    source = adopt(workspace, member.name, member.root, dataset=member.dataset, layout=seen.layout, license=member.license,
                   terms=member.terms, maps=other_maps(member.name, recipe.merge.get("settle", {})))
    say(f"scan {member.name} (layout {source.layout})")
    found = scan(workspace, member.name)
    likely = [f'looks like layout {seen.looks_like}, which the recipe can name: layout = "{seen.looks_like}"'] if seen.looks_like else []
    return replace(found, warnings=(*(f"{member.name}: {text}" for text in [*likely, *doubts(workspace, source)]), *found.warnings))


def _stages(workspace: Workspace, recipe: Recipe) -> list[Cohort]:
    """The cohorts of the recipe's stages in order."""
    options, names = recipe.stages, [member.name for member in recipe.members]
    inputs = {name: state_of(workspace, name) for name in names}
    cohorts = [_stage(workspace, f"{recipe.name}.merged", [inputs, recipe.merge_key], lambda name: merge(workspace, names, name=name, force=True, **recipe.merge))]
    require_use(workspace, recipe, cohorts[0])
    if "dedup" in options:
        decided = concerning(settled(workspace), cohorts[-1].table["sample_id"])
        cohorts.append(_stage(workspace, f"{recipe.name}.unique", [cohorts[-1].header["stage"], options["dedup"], *sorted(decided.items())],
                              lambda name: dedup(workspace, cohorts[-1], name=name, force=True, **options["dedup"]).cohort))
    if "split" in options:
        cohorts.append(_stage(workspace, f"{recipe.name}.split", [cohorts[-1].header["stage"], options["split"], recipe.seed, contents(workspace, recipe, "split")],
                              lambda name: split(workspace, cohorts[-1], name=name, ratio=options["split"].get("ratio"), seed=recipe.seed, terms=split_terms(workspace, recipe), force=True)))
    if "select" in options:
        cohorts.append(_stage(workspace, f"{recipe.name}.selected", [cohorts[-1].header["stage"], options["select"], recipe.seed, contents(workspace, recipe, "select")],
                              lambda name: select(workspace, cohorts[-1], name=name, seed=recipe.seed, wishes=select_wishes(recipe), force=True, **_plain(options["select"], len(cohorts[-1])))))
    return cohorts


def _plain(options: dict[str, Any], pool: int) -> dict[str, Any]:
    """The options of a choice that are no wishes; a budget that is a share is one of the pool."""
    return {key: options[key] for key in ("by", "encoder", "on") if key in options} | {"budget": read_budget(options["budget"]).of(pool)}


def _stage(workspace: Workspace, name: str, inputs: list[Any], work: Callable[[str], Cohort]) -> Cohort:
    """The cohort of a stage: the one that is there if it was made from the same inputs, else a new one, stamped with its key."""
    key = fingerprint(inputs)
    path = workspace.cohort(name)
    if path.exists():
        try:
            found = Cohort.open(workspace, name)
        except BadInput:
            found = None
        if found is not None and found.header.get("stage") == key:
            say(f"{name}: done before, {len(found)} samples")
            return found
    made = work(name)
    stamped = Cohort(made.name, made.table, {**made.header, "stage": key}).save(workspace)
    say(f"{name}: {len(stamped)} samples")
    return stamped


def account(workspace: Workspace, recipe: Recipe, cohorts: list[Cohort]) -> pl.DataFrame:
    """The fate of every file: kept, dropped (by which stage and why), sidecar, or in error. No file is missing, none is twice."""
    rows = []
    for member in recipe.members:
        inventory = read_table(workspace.inventory(member.name), INVENTORY)
        errors = _errors(workspace, member.name)
        left = _left_out(workspace, cohorts)
        final = set(cohorts[-1].table["sample_id"].to_list())
        merged = set(cohorts[0].table["sample_id"].to_list())
        for file in inventory.iter_rows(named=True):
            fate, reason = _fate(file, errors, final, merged, left)
            rows.append({"dataset": member.name, "path": file["path"], "role": file["role"], "fate": fate, "reason": reason, "sample_id": file["sample_id"]})
    return pl.DataFrame(rows, schema=dict.fromkeys(FILES.schema.names, pl.String))


def _errors(workspace: Workspace, dataset: str) -> dict[str, str]:
    """Sample id -> why it cannot be used: unreadable when scanned, or not decodable later."""
    found = {}
    for sample, error, issues in read_table(workspace.samples(dataset), SAMPLES, ["sample_id", "error", "issues"]).iter_rows():
        broken = error or next((issue for issue in issues or [] if issue.startswith(UNDECODABLE)), None)
        if broken:
            found[sample] = broken
    return found


def _left_out(workspace: Workspace, cohorts: list[Cohort]) -> dict[str, str]:
    """Sample id -> why a stage left it out."""
    reasons: dict[str, str] = {}
    for before, after in pairwise(cohorts):
        kept = set(after.table["sample_id"].to_list())
        copies: dict[str, str] = {}
        if workspace.groups(after.name).exists():
            groups = read_table(workspace.groups(after.name), GROUPS)
            keeper = dict(groups.filter("keeper").select("group", "sample_id").iter_rows())
            copies = {sample: f"copy of {keeper[group]} ({evidence})" for group, sample, evidence in groups.select("group", "sample_id", "evidence").iter_rows()}
        for sample in before.table["sample_id"]:
            if sample not in kept:
                reasons[sample] = copies.get(sample, f"not chosen by {after.header['verb']}")
    return reasons


def _fate(file: dict[str, Any], errors: dict[str, str], final: set[str], merged: set[str], left: dict[str, str]) -> tuple[str, str | None]:
    sample = file["sample_id"]
    if file["error"] or sample in errors:
        return "error", file["error"] or errors[sample]
    if sample is None:
        return "sidecar", file["reason"] or file["role"]
    if file["role"] == "image" and file["reason"]:
        return "dropped", file["reason"]
    if sample in final:
        return "kept", None
    return "dropped", left.get(sample) or ("left out by merge: the condition does not hold" if sample not in merged else "left out")


def _lock(workspace: Workspace, recipe: Recipe, last: Cohort) -> Path:
    """Write recipe.lock: with the recipe it gives the same corpus again on the same kind of device."""
    path = workspace.root / f"{recipe.name}.lock"
    wanted = geometry(recipe)
    body = {
        "recipe": recipe.fingerprint, "seed": recipe.seed, "corpus": content_fingerprint(last.table), "versions": versions(), **({"geometry": wanted.told()} if wanted else {}),
        "merge": {"space": last.header["space"]["name"], "terms": last.header["space"]["terms"], "uncertain": last.header["space"]["uncertain"], "settled": last.header["settled"],
                  "ledger": content_fingerprint(readable(read_table(ledger_path(workspace, f"{recipe.name}.merged"), MERGE_LEDGER)))},
        "datasets": {member.name: {
            "files": content_fingerprint(read_table(workspace.inventory(member.name), INVENTORY, ["path", "file_hash"])),
            "layout": read_header(workspace.samples(member.name), SAMPLES)["layout"].rsplit("/", 1)[-1],
        } for member in recipe.members},
    }
    write_text(path, tomli_w.dumps(body))
    return path
