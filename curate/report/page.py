"""Write the report: facts and pictures go into the template, one self-contained HTML file comes out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, select_autoescape

from isocenter.core.files import write_text
from isocenter.core.workspace import Workspace
from isocenter.curate.export import Exported
from isocenter.curate.recipe import Recipe
from isocenter.curate.report import facts
from isocenter.curate.report.choice_map import choice_map
from isocenter.curate.report.pictures import Thumbnails
from isocenter.harmonize.cohort import Cohort

HERE = Path(__file__).parent


def write_report(workspace: Workspace, recipe: Recipe, cohorts: list[Cohort], fates: pl.DataFrame, exported: Exported, warnings: list[str]) -> Path:
    """`report-<recipe>.html` in the workspace: stages, split, labels, copies, candidates, choice with its map, licences, issues."""
    pictures = Thumbnails(workspace)
    last = cohorts[-1]
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template("template.html").render(
        recipe=recipe, corpus=last, exported=exported, stages=facts.stages(cohorts, fates), fates=facts.fate_counts(fates),
        labels=facts.label_coverage(workspace, cohorts), groups=facts.groups(workspace, cohorts, pictures),
        candidates=facts.candidates(workspace, cohorts, pictures), chosen=facts.chosen(last, pictures), beside=last.header.get("beside"),
        rights=facts.rights(workspace, last), issues=facts.issues(workspace, cohorts, fates, [*warnings, *exported.warnings]),
        splits=last.table.group_by("split").len().sort("len", descending=True).rows(), datasets=sorted(cohorts[0].table["dataset"].unique().to_list()),
        lineage=[cohort.name for cohort in cohorts], sides=last.header.get("sides"), map=choice_map(workspace, last),
    )
    path = workspace.root / f"report-{recipe.name}.html"
    write_text(path, page)
    return path
