"""The portal's rule document gives the portal's own counts, to the row."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from isocenter.core.errors import BadInput
from isocenter.registry.fusion.compat import fuse_like_portal, read_portal
from isocenter.registry.fusion.rule import parse_rule, read_rule

PORTAL = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[2].parent / "shared")) / "facts" / "upstream" / "imagingx_portal_cleaned_total.json"
DEFAULT = {
    "dimension": "2D", "modalities": ["CT", "MR", "Fundus"], "task_types": ["classification", "segmentation", "detection", "regression"],
    "license_allowlist": None, "include_unlabeled": True, "prefer_labeled": True, "min_valid_image_n_per_dataset": 100, "anatomy_whitelist": [],
    "release_date_min": None, "allow_3d_as_2d_sources": False,
    "selection": {"enable": False, "min_datasets_per_modality": 2, "min_orgs_per_modality": 2, "storage_budget_gb": None},
}
NO_FILTER = {"dimension": None, "modalities": [], "task_types": [], "min_valid_image_n_per_dataset": 0}
GOLDEN = [
    ({}, 56, 36, {"CT": (14, 23960, 9), "MR": (7, 12399, 5), "Fundus": (19, 231199, 13)}, 56),
    ({"allow_3d_as_2d_sources": True}, 273, 215, {"CT": (120, 453594, 40), "MR": (108, 113889, 30), "Fundus": (19, 231199, 13)}, None),
    ({"dimension": "3D"}, 240, 184, {"CT": (110, 439806, 36), "MR": (103, 108801, 28), "Fundus": (1, 800, 1)}, 238),
    ({"min_valid_image_n_per_dataset": 0}, 148, 99, {"Fundus": (59, 231631, 23), "CT": (33, 24674, 12), "MR": (19, 12745, 8)}, None),
    ({"license_allowlist": ["CC BY 4.0"]}, 6, 5, None, 4),
    (NO_FILTER, 1156, 975, None, 1107),
]


def row(name: str, **values: object) -> dict[str, object]:
    return {"name": name, "dimension": "2D", "modality": ["CT"], "task": ["Segmentation"], "organ": "Liver", "year": 2020, "license": "CC BY 4.0",
            "organization": "A", "data_volume_total": 500, **values}


@pytest.mark.skipif(not PORTAL.exists(), reason="the portal's table is not here (ISOCENTER_SHARED)")
@pytest.mark.parametrize(("change", "rows", "names", "modalities", "third"), GOLDEN)
def test_the_golden_table_of_the_portal_is_reproduced_to_the_row(change, rows, names, modalities, third):
    plan = fuse_like_portal(parse_rule(DEFAULT | change), read_portal(PORTAL))
    assert (plan.rows, plan.names) == (rows, names)
    if modalities:
        assert {name: (one.names, one.images, one.orgs) for name, one in plan.modalities.items()} == modalities
    if third:
        assert plan.phase3["rows"] == third


@pytest.mark.parametrize(("values", "field"), [
    ({"dimension": "3D"}, "dimension"), ({"modality": ["PET"]}, "modalities"), ({"task": ["Tracking"]}, "task_types"),
    ({"data_volume_total": None, "images_valid": 90000}, "min_valid_image_n_per_dataset"),
])
def test_each_rule_drops_what_the_portal_drops(values, field):
    plan = fuse_like_portal(parse_rule(DEFAULT), [row("kept"), row("dropped", **values)])
    assert (plan.rows, dict(plan.excluded)) == (1, {field: 1})


def test_an_unknown_year_is_dropped_and_anatomy_is_a_part_of_the_cell():
    records = [row("a"), row("b", year=None), row("c", year="2015"), row("d", organ="Liver, Spleen"), row("e", organ=None)]
    assert fuse_like_portal(parse_rule(DEFAULT | {"release_date_min": "2018-01"}), records).slugs == ("a", "d", "e")
    assert fuse_like_portal(parse_rule(DEFAULT | {"anatomy_whitelist": ["Liver"]}), records).slugs == ("a", "b", "c", "d")


def test_the_portal_compares_licences_as_strings():
    records = [row("a"), row("b", license="CC-BY-4.0"), row("c", license="cc by 4.0")]
    assert fuse_like_portal(parse_rule(DEFAULT | {"license_allowlist": ["CC BY 4.0"]}), records).slugs == ("a", "c")


def test_phase_three_asks_for_two_names_and_two_organisations():
    records = [row("a", organization="A"), row("b", organization=None), row("c", modality=["MR"])]
    plan = fuse_like_portal(parse_rule(DEFAULT), records)
    assert (plan.rows, plan.phase3["rows"]) == (3, 2)


def test_the_table_is_read_as_records_and_as_columns_with_rows(tmp_path):
    one = row("a")
    for data in ([one], {"rows": [one]}, {"columns": list(one), "rows": [list(one.values())]}):
        (tmp_path / "portal.json").write_text(json.dumps(data))
        assert read_portal(tmp_path / "portal.json") == [one]


@pytest.mark.parametrize("document", [[], {"modalities": "CT"}, {"prefer_labeled": "yes"}, {"min_valid_image_n_per_dataset": "many"}, {"release_date_min": "recent"}])
def test_a_rule_that_means_nothing_is_refused_by_name(tmp_path, document):
    (tmp_path / "rule.json").write_text(json.dumps(document))
    with pytest.raises(BadInput) as error:
        read_rule(tmp_path / "rule.json")
    assert str(tmp_path) in str(error.value)
