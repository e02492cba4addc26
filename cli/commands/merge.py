"""`isocenter merge`: samples of several datasets, labels in one space, as a cohort, with the ledger of what became of every raw value."""

from __future__ import annotations

from collections import Counter

import click

from isocenter.cli.options import as_json, dry_run, emit, output_cohort, with_workspace
from isocenter.core.errors import UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount


def _answers(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in texts]
    if wrong := [text for text, (name, _, answer) in zip(texts, pairs) if not (name and answer)]:
        raise UsageError(f"--settle {wrong[0]!r}", hint='--settle "NAME=ANSWER", both as the merge prints them')
    return {name: answer for name, _, answer in pairs}


@click.command()
@click.argument("datasets", nargs=-1, required=True, metavar="NAME…")
@click.option("--where", metavar="SQL", help="A condition on the sample table, e.g. \"modality = 'CT' and labels['liver'] = 'present'\".")
@click.option("--space", default="union", show_default=True, metavar="union|intersection|ancestors:LEVEL|ancestors:TERM,…|FILE", help="The label space to merge into.")
@click.option("--uncertain", multiple=True, metavar="[TERM=]keep|ones|zeros|ignore", help="What becomes of uncertain labels, of all terms or of one.  [default: keep]")
@click.option("--settle", multiple=True, metavar="NAME=ANSWER", callback=_answers, help="The answer to a disagreement that stopped the merge, by its name.")
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, datasets: tuple[str, ...], where: str | None, space: str, uncertain: tuple[str, ...], settle: dict[str, str], name: str,
            dry_run: bool, force: bool, json_: bool) -> None:
    """Merge scanned datasets by metadata into cohort NAME, their labels unified; absent and not annotated stay apart."""
    from isocenter.cli.render import coverage, coverage_text, members, raw_values, readings
    from isocenter.harmonize.doubt import doubt_of_texts
    from isocenter.harmonize.merge import merge
    from isocenter.harmonize.merge_ledger import ledger_path

    cohort = merge(workspace, list(datasets), name=name, where=where, space=space, uncertain=doubt_of_texts(uncertain), settle=settle, dry_run=dry_run, force=force)
    twice = [f"{one} is named {number} times and taken once" for one, number in Counter(datasets).items() if number > 1]
    header, path = cohort.header, None if dry_run else ledger_path(workspace, name)
    body = {"cohort": name, "samples": len(cohort), "datasets": list(datasets), "space": header["space"], "coverage": coverage(cohort), "raw_values": header["raw_values"], "members": header["members"], "dropped_terms": header["dropped_terms"], "readings": header["readings"],
            "settled": header["settled"], "warnings": [*header["warnings"], *twice], "ledger": str(path) if path else None, "written": not dry_run}
    lines = [f"{name}: {amount(len(cohort), 'sample')}", members(header["members"]), "", coverage_text(cohort), *raw_values(header["raw_values"]), *readings(header),
             *[f"settled: {name} = {answer}" for name, answer in header["settled"].items()], *[f"warning: {text}" for text in [*header["warnings"], *twice]],
             *([f"ledger: {path.with_suffix('.csv')}"] if path else [])]
    emit(body, json_, "\n".join(lines), f"isocenter dedup {name} --as {name}-unique")
