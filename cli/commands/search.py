"""`isocenter search`: find datasets by what they show, how much of it there is, and what may be done with it."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, emit, in_workspace, maybe_workspace
from isocenter.core.workspace import Workspace

FACETS = ("modality", "anatomy", "task", "finding", "dimension")
ACCESS = ("open", "registration", "application")
ALLOWS = ("use", "commercial", "derivatives", "redistribution")


@click.command()
@click.argument("query", nargs=-1)
@click.option("--modality", multiple=True, help="CT, mri, mammography … any name the vocabulary knows; repeat for several.")
@click.option("--anatomy", multiple=True, help="liver, hepatic, retina …")
@click.option("--task", multiple=True, help="segmentation, detection, registration …")
@click.option("--finding", multiple=True, help="glioma, pneumonia, polyp …")
@click.option("--dimension", multiple=True, help="2D, 3D, 4D or video.")
@click.option("--access", type=click.Choice(ACCESS), help="How the data is obtained.")
@click.option("--allows", type=click.Choice(ALLOWS), multiple=True, help="What the licence must allow; unknown or contested is no yes.")
@click.option("--min-samples", type=click.IntRange(min=1), help="At least so many samples.")
@click.option("--not-facet", "without", multiple=True, metavar="FACET", help="Do not read this facet from the words of the query.")
@click.option("--plain", is_flag=True, help="Take every word as it stands, none as a facet.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many hits.")
@maybe_workspace
@as_json
def command(workspace: Workspace | None, query: tuple[str, ...], access: str | None, allows: tuple[str, ...], min_samples: int | None, without: tuple[str, ...],
            plain: bool, limit: int, json_: bool, **facets: tuple[str, ...]) -> None:
    """Find datasets in the catalog. Words and facets mix: "hepatic CT, more than 100 cases, open access".

    Quote a phrase inside the query to look for it as it stands.
    """
    from isocenter.cli.search_view import as_text, body
    from isocenter.registry.catalog import catalog_path
    from isocenter.registry.search.engine import open_catalog
    from isocenter.registry.search.options import wishes

    engine = open_catalog(catalog_path(workspace))
    vocabulary = engine.catalog.vocabulary
    asked = wishes(vocabulary, facets, access=access, allows=allows, min_samples=min_samples)
    result = engine.search(" ".join(query), asked, limit=limit, plain_words=plain, without=without)
    if json_:
        emit(body(result, vocabulary), json_, "")
        return
    click.echo(as_text(result, vocabulary))
    if result.hits:
        click.echo(f"next: {in_workspace(f'isocenter show {result.hits[0].entry.slug}')}")
