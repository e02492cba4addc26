"""Adopted datasets: where a dataset lies on this machine, under which layout and what its user states about it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import fingerprint, write_text
from isocenter.core.near_names import near
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.layout_match import ANY
from isocenter.harmonize.layout_rules import Layout
from isocenter.registry import vocabulary
from isocenter.registry.labelmaps import find as find_map

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Source:
    """One adopted dataset. `layout` names a layout file; `license` is what the user read, None when nobody said.

    terms: names of the dataset's own labels that its user has explained -> terms of the vocabulary.
    maps: label maps that the layout names for masks -> those that they are read by instead.
    """

    name: str
    root: Path
    slug: str
    layout: str = ANY
    release: str | None = None
    license: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint([str(self.root), self.slug, self.release, self.license, *sorted(self.terms.items()), *sorted(self.maps.items())])


def adopt(workspace: Workspace, name: str, root: Path, *, dataset: str | None = None, layout: str = ANY, license: str | None = None,
          terms: Mapping[str, str] | None = None, maps: Mapping[str, str] | None = None, dry_run: bool = False) -> Source:
    """Note where a dataset lies. Nothing is copied and nothing is written there. Adopting a name again replaces it.

    dataset: see `identity`. layout: see `layout_match.recognise` for when nobody names one. terms, maps: see `Source`; an unknown term or map is refused.
    Raises BadInput when another adopted name has the same slug and release by its layout alone: their samples would have the same ids.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot name a dataset", hint="letters, digits, '.', '_' and '-'")
    if not root.is_dir():
        raise NotFound(f"{root} is not a folder" if root.exists() else "no such folder", where=str(root), hint=f"isocenter adopt {name} /path/you/have")
    path = layouts.find(layout, workspace)
    parsed = layouts.load(path)
    slug, release = identity(name, dataset, parsed)
    if dataset is None:
        _refuse_twin(workspace, name, slug, release)
    source = Source(name, root.resolve(), slug, str(path.resolve()) if layout.endswith(".toml") else layout, release, license, dict(terms or {}), dict(maps or {}))
    for term in source.terms.values():
        vocabulary.load().term(term)
    refuse_idle(parsed, source.terms)
    for mapping in set(source.maps.values()) - {own.name for own in parsed.maps}:
        find_map(mapping)
    body = {"root": str(source.root), "slug": slug, "layout": source.layout, "release": source.release, "license": license, "terms": dict(source.terms) or None,
            "maps": dict(source.maps) or None}
    if not dry_run:
        write_text(workspace.source(name), tomli_w.dumps({key: value for key, value in body.items() if value is not None}))
    return source


def identity(name: str, dataset: str | None, layout: Layout) -> tuple[str, str | None]:
    """Slug and release, from which sample ids derive: as stated (`slug` or `slug@release`), else those of the layout's dataset, else the name."""
    slug, _, release = (dataset or layout.dataset or name).partition("@")
    return slug, release or layout.release


def same_ids(name: str, other: str, slug: str, release: str | None) -> BadInput:
    """What to say of two names whose samples would have the same ids."""
    return BadInput(f"{name} and {other} would both be {slug}{f'@{release}' if release else ''}, so their samples would have the same ids",
                    hint=f"--dataset {name} (in a recipe: dataset = \"{name}\"), or adopt one folder that holds both; --dataset {slug} if they are parts of it that share no path")


def _refuse_twin(workspace: Workspace, name: str, slug: str, release: str | None) -> None:
    """Raises BadInput for a name that becomes what another is; one that has been it before stays."""
    known = {other: (source.slug, source.release) for other in workspace.sources() for source in [open_source(workspace, other)]}
    if known.pop(name, None) != (slug, release) and (twin := next((other for other, same in known.items() if same == (slug, release)), None)) is not None:
        raise same_ids(name, twin, slug, release)


def replaced(workspace: Workspace, name: str, root: Path) -> Source | None:
    """The dataset that adopting this folder under the name would put out of sight: one of that name that lies elsewhere and is still there."""
    if not workspace.source(name).exists():
        return None
    before = open_source(workspace, name)
    return before if before.root != root.resolve() and before.root.is_dir() else None


def refuse_idle(layout: Layout, terms: Mapping[str, str]) -> None:
    """Raises BadInput for words that explain nothing: the layout has no legend, no boxes that are read by their names, and no masks without a label list."""
    boxes = any(rule.map is None and rule.term is None for rule in layout.boxes)
    masks = any("{" in "".join((rule.term or "", *rule.labels)) or not (rule.term or rule.labels or layout.general) for rule in layout.masks)
    if terms and not (layout.legends or boxes or masks):
        why = "reads no masks and no boxes" if not (layout.masks or layout.boxes) else "says itself what its masks and boxes mean"
        raise BadInput(f"the term {next(f'{name}={term}' for name, term in terms.items())} explains nothing: layout {layout.name} {why}",
                       hint="a layout that says where the masks are (docs/how-to/write-a-layout.md), for labels of a table its [labels.values]")


def adopt_again(source: Source, *, terms: Iterable[str] = ()) -> str:
    """The command that adopts a dataset as it is, with these names explained too."""
    slug = f"{source.slug}@{source.release}" if source.release else source.slug
    options = {"--dataset": [] if slug == source.name else [slug], "--layout": [source.layout], "--license": [source.license] if source.license else [],
               "--read-as": [f"{used}={other}" for used, other in source.maps.items()], "--term": [*(f"{name}={term}" for name, term in source.terms.items()), *(f"{name}=TERM" for name in terms)]}
    return shlex.join(["isocenter", "adopt", source.name, str(source.root), *(text for option, values in options.items() for value in values for text in (option, value))])


def same_folder(workspace: Workspace, source: Source) -> list[str]:
    """Other names under which the folder of a dataset is adopted."""
    return [name for name in workspace.sources() if name != source.name and open_source(workspace, name).root == source.root]


def open_source(workspace: Workspace, name: str) -> Source:
    """The source of that name. Raises NotFound with the command that adopts it."""
    path = workspace.source(name)
    if not path.exists():
        known = workspace.sources()
        close = near(name, known)
        raise NotFound(f"no dataset {name!r} is adopted" + (f"; did you mean {close}?" if close else f" (adopted: {', '.join(known) or 'none yet'})"), where=str(path),
                       hint="isocenter status" if known else f"isocenter adopt {name} /path/you/have")
    body = tomllib.loads(path.read_text(encoding="utf-8"))
    return Source(name, Path(body["root"]), body["slug"], body["layout"], body.get("release"), body.get("license"), body.get("terms", {}), body.get("maps", {}))


def scanned(workspace: Workspace, name: str) -> Path:
    """The sample table of a dataset. Raises NotFound when no dataset of that name is adopted, with the one that was meant, and when it is not scanned."""
    path = workspace.samples(name)
    if not path.exists():
        open_source(workspace, name)
        raise NotFound(f"{name} is not scanned yet", where=str(path), hint=f"isocenter scan {name}")
    return path


def annotation_file(workspace: Workspace, source: Source, uri: str) -> Path:
    """Where the file of an annotation lies: drawn masks under the workspace's store, published ones under the adopted root."""
    drawn = workspace.store(source.name)
    return workspace.root / uri if uri.startswith(f"{drawn.relative_to(workspace.root).as_posix()}/") else source.root / uri


def parse_terms(texts: Iterable[str], option: str = "--term", example: str = "PZ=prostate peripheral zone") -> dict[str, str]:
    """`NAME=TERM` texts of an option as a mapping. Raises BadInput."""
    pairs = [text.rpartition("=") for text in texts]
    if wrong := [name for _, sign, name in pairs if not sign]:
        raise BadInput(f"{option} {wrong[0]!r} has no '='", hint=f"{option} '{example}'")
    return {name.strip(): term.strip() for name, _, term in pairs}
