"""Export a cohort: an exporter writes the samples, this holds it to licences and privacy and writes what goes with every export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from isocenter.core.errors import BadInput, UsageError
from isocenter.core.files import fingerprint
from isocenter.core.plugins import PluginTable
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.attribution import file_name, write_attribution
from isocenter.curate.croissant import write_croissant
from isocenter.curate.export_checks import Checked, check
from isocenter.curate.export_dicom import Identifying
from isocenter.curate.export_folder import finish, look, require_same, take
from isocenter.curate.export_gather import Items
from isocenter.curate.export_item import Item
from isocenter.curate.export_manifest import MANIFEST, public_header, public_recipe, write_ledger, write_manifest
from isocenter.curate.export_names import write_names
from isocenter.curate.export_target import CANNOT, Target, reasons_of
from isocenter.curate.pseudonym import open_pseudonyms
from isocenter.curate.verify import verify
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.cohort_line import warn_of_age
from isocenter.harmonize.merge_ledger import ledger_of
from isocenter.registry.licenses import Use

__all__ = ["EXPORTERS", "MANIFEST", "Exported", "Wishes", "export", "preview", "verify"]
RECIPE = "recipe.toml"
FORMAT_OPTIONS = ("by_annotation", "regions")       # wishes that only some formats know
EXPORTERS = PluginTable("exporters", "isocenter.curate.exporters", ("write",))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asks of an export beyond format and use.

    accept_leakage: go on although samples of one patient, study or picture stand on two sides. against: cohorts (benchmarks) that nothing may be
    shared with. identifying: DICOM that names a person is refused, cleaned or kept. keep_dates: dates of DICOM files stay.
    skip_unfit: leave out what the format cannot carry. by_annotation: one dataset per set of annotated terms; regions: overlapping structures
    are kept as regions (both nnunet).
    conceal_names: replace ids in published file names too. pseudonym_key: a file in place of the workspace's own key.
    """

    accept_leakage: bool = False
    against: tuple[str, ...] = ()
    identifying: Identifying = "refuse"
    keep_dates: bool = False
    skip_unfit: bool = False
    by_annotation: bool = False
    regions: bool = False
    conceal_names: bool = False
    pseudonym_key: Path | None = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Wishes:
        """From the `[export]` table of a recipe. Raises BadInput for a value that is none."""
        known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items() if name != "to"}
        if known.get("identifying", "refuse") not in get_args(Identifying):
            raise BadInput(f"[export]: identifying = {known['identifying']!r}", hint=", ".join(get_args(Identifying)))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. samples: that went out; files, bytes: of the samples; unreadable: left out because they could not be read.

    done: changed, ignored, left out -> number of samples, as in the ledger; reasons: the commonest of them, as (what, why, samples).
    """

    folder: Path
    samples: int
    files: int
    bytes: int
    warnings: list[str] = field(default_factory=list)
    unreadable: int = 0
    done: dict[str, int] = field(default_factory=dict)
    reasons: list[tuple[str, str, int]] = field(default_factory=list)


def export(workspace: Workspace, cohort: Cohort, *, to: str = "files", folder: Path, use: Use = "local", extras: dict[str, str | Path] | None = None,
           wishes: Wishes = Wishes(), force: bool = False) -> Exported:
    """Write a cohort with manifest, Croissant, licences, attribution and ledger. extras: name -> text or file that goes along (recipe, lock).

    A folder that holds the same export, cut short, is completed; one that is finished is left as it is, or replaced if the cohort or a wish has changed.
    One that holds another cohort or format is replaced with `force` only (else Conflict), one that holds anything else never. Raises Refused, naming every reason, for what a licence forbids, what names a person, what leaks, and what the format cannot carry.
    """
    if not force:
        require_same(folder, cohort.name, to)
    warn_of_age(workspace, cohort)
    plan = _plan(workspace, cohort, to, use, wishes)
    key = {"cohort": cohort.name, "fingerprint": cohort.fingerprint, "format": to, "use": use, "asked": plan.asked, "geometry": plan.items.geometries(), "extras": fingerprint(_texts(extras))}
    if (known := take(folder, key)) is not None:
        return Exported(folder, known["samples"], known["files"], known["bytes"], [*plan.checked.warnings, *known.get("warned", [])], known["unreadable"], known["done"],
                        [(what, why, number) for what, why, number in known.get("reasons", [])])
    with ledger(workspace, "export", cohort=cohort.name, to=to, use=use, folder=str(folder), **plan.asked) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        out = Target(folder)
        chosen = _Chosen(plan.items, frozenset(plan.checked.unfit))
        _run(plan, chosen, out)
        result = _finish(workspace, cohort, plan, out, key, _texts(extras))
        run.counts |= {"samples": result.samples, "files": result.files, "bytes": result.bytes, "left_out": len(cohort) - result.samples}
    return result


def preview(workspace: Workspace, cohort: Cohort, *, folder: Path, to: str = "files", use: Use = "local", wishes: Wishes = Wishes(), force: bool = False) -> Exported:
    """What an export would take in; nothing is written. Raises what `export` would raise."""
    look(folder) if force else require_same(folder, cohort.name, to)
    plan = _plan(workspace, cohort, to, use, wishes, dry_run=True)
    files = {Path(str(path).partition("::")[0]) for item in _Chosen(plan.items, frozenset(plan.checked.unfit)) for path, _ in item.files}
    size = sum(path.stat().st_size for path in files if path.is_file())
    return Exported(folder, len(cohort) - len(plan.checked.unfit), len(files), size, plan.checked.warnings, done={"left out": len(plan.checked.unfit)} if plan.checked.unfit else {})


@dataclass(frozen=True, slots=True)
class _Plan:
    exporter: ModuleType
    items: Items
    checked: Checked
    options: dict[str, Any]
    asked: dict[str, Any]


class _Chosen:
    """The items that go out, with progress shown; may be iterated as often as an exporter likes."""

    def __init__(self, items: Items, without: frozenset[int]) -> None:
        self.items, self.without = items, without

    def __len__(self) -> int:
        return len(self.items) - len(self.without)

    def __iter__(self) -> Iterator[Item]:
        return (item for item in track(self.items, "export", total=len(self.items)) if item.number not in self.without)


def _plan(workspace: Workspace, cohort: Cohort, to: str, use: Use, wishes: Wishes, *, dry_run: bool = False) -> _Plan:
    exporter = EXPORTERS.get(to, workspace.plugins)
    offered = getattr(exporter, "OPTIONS", ())
    options = {name: True for name in FORMAT_OPTIONS if getattr(wishes, name)}
    if strange := [name for name in options if name not in offered]:
        raise UsageError(f"{to} has no --{strange[0].replace('_', '-')}", hint="--to nnunet")
    pseudonyms = open_pseudonyms(workspace, wishes.pseudonym_key, dry_run=dry_run)
    items = Items(workspace, cohort, pseudonyms, conceal_names=wishes.conceal_names, identifying=wishes.identifying, keep_dates=wishes.keep_dates)
    checked = check(workspace, cohort, items, use=use, fits=getattr(exporter, "fits", None), identifying=wishes.identifying,
                    accept_leakage=wishes.accept_leakage, against=wishes.against, skip_unfit=wishes.skip_unfit, trains=getattr(exporter, "TRAINS", False))
    asked = {name: value for name, value in asdict(wishes).items() if value != getattr(Wishes(), name) and name != "pseudonym_key"}
    return _Plan(exporter, items, checked, options, asked | {"pseudonyms": pseudonyms.check})


def _run(plan: _Plan, chosen: _Chosen, out: Target) -> None:
    """Let the exporter write. One that returns sample id -> files has written them by itself."""
    for item in plan.items if plan.checked.unfit else ():
        if item.number in plan.checked.unfit:
            out.leave_out(item, f"does not fit the format: {plan.checked.unfit[item.number]}")
    returned = plan.exporter.write(chosen, out, **plan.options)
    for sample, names in (returned or {}).items():
        for name in names:
            out.claim(sample, name)


def _finish(workspace: Workspace, cohort: Cohort, plan: _Plan, out: Target, key: dict[str, Any], extras: dict[str, bytes]) -> Exported:
    """Everything that goes along, the sums of all files, and the mark that it is whole."""
    files, size = len(out.entries), sum(entry.bytes for entry in out.entries.values())
    samples = write_manifest(out, plan.items, {"cohort": public_header(cohort.header), "use": key["use"], "geometry": key["geometry"]})
    done = write_ledger(out, out.notes)
    warnings = [*plan.checked.warnings, *out.warnings]
    members = write_attribution(workspace, cohort, plan.checked.licenses, plan.checked.donors, out, warnings)
    licenses = sorted({license_.id for license_, _ in plan.checked.licenses.values()})
    write_croissant(out, cohort.name, licenses, members, warnings)
    merged = ledger_of(workspace, cohort)
    for path in (merged, merged.with_suffix(".csv")) if merged else ():
        out.copy(path, path.name)
    for name, data in extras.items():
        out.bytes(name, data)
    write_names(workspace, cohort, plan.items)
    unreadable = len({note.sample_id for note in out.notes if note.what == "left out" and note.why.startswith(CANNOT)})
    reasons = reasons_of(out.notes)
    finish(out, {**key, "samples": samples, "files": files, "bytes": size, "unreadable": unreadable, "done": done, "reasons": reasons, "warned": out.warnings, "licenses": [file_name(name) for name in licenses]})
    return Exported(out.folder, samples, files, size, warnings, unreadable, done, reasons)


def _texts(extras: dict[str, str | Path] | None) -> dict[str, bytes]:
    texts = {name: value.read_bytes() if isinstance(value, Path) else value.encode() for name, value in sorted((extras or {}).items())}
    return {name: public_recipe(data.decode()).encode() if name == RECIPE else data for name, data in texts.items()}
