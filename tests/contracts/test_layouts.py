"""The same questions to every layout that comes with isocenter: evidence, labels, a miniature that scans clean, and no confusion with others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize import layout_list
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.layout import Layout
from isocenter.harmonize.layout_match import best
from isocenter.harmonize.miniature import MiniSample, miniature
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.scan_state import Scanned
from isocenter.harmonize.source import adopt
from isocenter.registry import vocabulary
from isocenter.registry.labelmaps import all_maps

OPEN = ("folder", "dicom")     # take whatever they find: there is nothing to make a miniature of
NAMES = [name for name in layouts.names() if name not in OPEN]


@dataclass(frozen=True, slots=True)
class Tried:
    """A layout, its miniature and what a scan made of it."""

    layout: Layout
    root: Path
    made: list[MiniSample]
    scanned: Scanned
    samples: list[dict[str, Any]]
    inventory: list[dict[str, Any]]
    annotations: list[dict[str, Any]]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tried]:
    """Every layout's miniature, scanned when first asked for."""
    class Trials(dict[str, Tried]):
        def __missing__(self, name: str) -> Tried:
            self[name] = _try(name, home / name, Workspace.create(tmp_path_factory.mktemp("w")))
            return self[name]

    home = tmp_path_factory.mktemp("miniatures")
    return Trials()


def _try(name: str, root: Path, workspace: Workspace) -> Tried:
    layout = layouts.load(layouts.find(name))
    made = miniature(layout, root, samples=3)
    adopt(workspace, name, root, layout=name)
    scanned = scan(workspace, name)
    return Tried(layout, root, made, scanned, read_table(workspace.samples(name), SAMPLES).to_dicts(), read_table(workspace.inventory(name), INVENTORY).to_dicts(),
                 read_table(workspace.annotations(name), ANNOTATIONS).to_dicts())


@pytest.mark.parametrize("name", layouts.names())
def test_says_where_its_paths_were_read(name: str) -> None:
    layout = layouts.load(layouts.find(name))
    assert layout.evidence
    assert layout.description


@pytest.mark.parametrize("name", NAMES)
def test_its_labels_are_terms(name: str) -> None:
    layout, known = layouts.load(layouts.find(name)), vocabulary.load().terms
    maps = [*layout.maps, *(rule.map for rule in layout.labels), *(all_maps()[one] for rule in layout.masks for one in rule.labels if one in all_maps())]
    assert not {term for mapping in maps for term in mapping.annotates if term not in known}
    assert not {rule.term for rule in layout.masks if rule.term and "{" not in rule.term and rule.term not in known}


@pytest.mark.parametrize("name", NAMES)
def test_its_miniature_scans_clean(name: str, tried: dict[str, Tried]) -> None:
    one = tried[name]
    assert (one.scanned.samples, one.scanned.errors, one.scanned.warnings) == (len(one.made), 0, ())
    unclean = [issue for row in one.samples for issue in row["issues"] if not issue.startswith(("spacing_missing", "wrong_orientation"))]
    assert unclean == []


@pytest.mark.parametrize("name", NAMES)
def test_every_mask_and_box_finds_its_image(name: str, tried: dict[str, Tried]) -> None:
    one = tried[name]
    alone = [row["path"] for row in one.inventory if row["reason"] == "its image is not here"]
    assert alone == []
    kinds = {row["kind"] for row in one.annotations}
    outlined = one.layout.general and any(rule.form == "coco" for rule in one.layout.boxes)
    assert kinds == {kind for kind, rules in (("mask", one.layout.masks or one.layout.runs or outlined), ("box", one.layout.boxes)) if rules}


@pytest.mark.parametrize("name", NAMES)
def test_says_patient_and_labels_where_the_dataset_does(name: str, tried: dict[str, Tried]) -> None:
    one = tried[name]
    stated = any("patient" in rule.pattern.tokens for rule in one.layout.images) or any(dict(table.columns).get("patient") for table in one.layout.tables)
    assert not stated or any(row["patient_id"] for row in one.samples)
    says = any(rule.map.annotates for rule in one.layout.labels) or any(rule.labels or rule.term for rule in one.layout.masks)
    assert not says or any(row["labels"] for row in one.samples)


@pytest.mark.parametrize("name", NAMES)
def test_no_other_layout_claims_its_miniature(name: str, tried: dict[str, Tried]) -> None:
    found = best(tried[name].root)
    assert found[0].layout == name
    assert [replace(claim, layout="") for claim in found].count(replace(found[0], layout="")) == 1


def test_the_reference_page_lists_every_layout() -> None:
    page = Path(__file__).parents[2] / "docs/reference/layouts.md"
    assert page.read_text(encoding="utf-8") == layout_list.page(), "python -m isocenter.harmonize.layout_list > docs/reference/layouts.md"
