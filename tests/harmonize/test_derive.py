"""Claims about annotations derived from masks, checked on shapes whose measures are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from isocenter.core.errors import NotFound
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.derive import DERIVATIONS, MaskView, derive

RAS = np.eye(4)


def grid(shape: tuple[int, ...], spacing: tuple[float, ...]) -> list[np.ndarray]:
    return np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, spacing)], indexing="ij")


def ellipsoid(spacing: tuple[float, float, float], radii: tuple[float, float, float], extent: float = 64.0) -> np.ndarray:
    shape = tuple(round(extent / s) for s in spacing)
    return (sum(((axis - extent / 2) / r) ** 2 for axis, r in zip(grid(shape, spacing), radii)) <= 1).astype(np.uint8)


def only(view: MaskView, what: str) -> dict:
    rows = list(derive(view, [what]))
    assert len(rows) == 1
    return json.loads(rows[0]["geometry"])


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 0.7, 2.5), (2.0, 0.8, 0.8)])
def test_a_sphere_has_its_volume_and_diameters_whatever_the_spacing(spacing):
    view = MaskView("s", ellipsoid(spacing, (20, 20, 20)), {1: "lesion"}, np.diag([*spacing, 1.0]))
    assert only(view, "volumes")["volume_ml"] == pytest.approx(4 / 3 * math.pi * 8, rel=0.01)
    found = only(view, "diameters")
    voxel = max(spacing)
    assert found["longest_mm"] == pytest.approx(40, abs=voxel)
    assert found["in_plane_mm"] == pytest.approx(40, abs=voxel)
    assert found["across_mm"] == pytest.approx(40, abs=1.5 * voxel)
    assert only(view, "areas")["area_mm2"] == pytest.approx(math.pi * 400, rel=0.02)


def test_an_ellipsoid_has_its_long_axis_across_and_through_the_slices():
    view = MaskView("s", ellipsoid((0.5, 0.5, 1.0), (24, 10, 15)), {1: "lesion"}, np.diag([0.5, 0.5, 1.0, 1.0]))
    found = only(view, "diameters")
    assert (found["longest_mm"], found["in_plane_mm"], found["across_mm"]) == pytest.approx((48, 48, 20), abs=1.0)
    standing = MaskView("s", ellipsoid((0.5, 0.5, 1.0), (10, 12, 28)), {1: "lesion"}, np.diag([0.5, 0.5, 1.0, 1.0]))
    found = only(standing, "diameters")
    assert (found["longest_mm"], found["in_plane_mm"], found["across_mm"]) == pytest.approx((56, 24, 20), abs=1.0)
    assert found["slice"] == 32


def test_slices_are_cut_across_feet_to_head_wherever_that_axis_lies():
    mask = ellipsoid((1, 1, 1), (28, 8, 8))                        # long along the first array axis, which runs feet to head
    affine = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    found = only(MaskView("s", mask, {1: "a"}, affine), "diameters")
    assert found["axis"] == 0
    assert found["in_plane_mm"] == pytest.approx(16, abs=1)


def test_a_tilted_rectangle_has_its_diagonal_and_the_widest_line_across():
    x, y = grid((200, 200), (1, 1))
    turn = math.radians(30)
    u, v = (x - 100) * math.cos(turn) + (y - 100) * math.sin(turn), (y - 100) * math.cos(turn) - (x - 100) * math.sin(turn)
    found = only(MaskView("s", ((abs(u) <= 60) & (abs(v) <= 20)).astype(np.uint8), {1: "a"}, RAS), "diameters")
    assert found["longest_mm"] == pytest.approx(math.hypot(120, 40), abs=2)
    assert found["across_mm"] == pytest.approx(40 / math.cos(math.atan2(40, 120)), abs=3)


def test_one_voxel_and_one_line_have_diameters_too():
    dot, line = np.zeros((5, 5, 5), np.uint8), np.zeros((9, 5, 5), np.uint8)
    dot[2, 2, 2] = 1
    line[1:8, 2, 2] = 1
    assert only(MaskView("s", dot, {1: "a"}, RAS), "diameters")["longest_mm"] == pytest.approx(1)
    assert only(MaskView("s", line, {1: "a"}, RAS), "diameters")["longest_mm"] == pytest.approx(7)


def test_boxes_are_half_open_and_start_at_the_first_voxel():
    mask = np.zeros((10, 12, 6), np.uint8)
    mask[2:5, 3:9, 1:2] = 7
    view = MaskView("s", mask, {7: "liver"}, np.diag([2.0, 1.0, 5.0, 1.0]))
    assert only(view, "boxes") == {"box": [2, 3, 1, 5, 9, 2], "size_mm": [6.0, 6.0, 5.0]}


def test_components_come_largest_first_and_corners_connect():
    mask = np.zeros((20, 20), np.uint8)
    mask[1:3, 1:3] = 1
    mask[3, 3] = 1                                                  # touches the first by a corner
    mask[10:14, 10:14] = 1
    rows = [json.loads(row["geometry"]) for row in derive(MaskView("s", mask, {1: "nodule"}), ["components"])]
    assert [(row["box"], row["voxels"], row["component"], row["of"]) for row in rows] == [([10, 10, 14, 14], 16, 1, 2), ([1, 1, 4, 4], 5, 2, 2)]


def test_a_term_of_two_values_is_their_union_and_a_value_of_two_terms_counts_for_both():
    mask = np.zeros((6, 6, 6), np.uint8)
    mask[0], mask[1, :3], mask[2] = 1, 2, 9
    view = MaskView("s", mask, {1: ("left kidney", "kidney"), 2: ("right kidney", "kidney")}, RAS)
    found = {row["term"]: (row["raw"], json.loads(row["geometry"])["voxels"]) for row in derive(view, ["volumes"])}
    assert found == {"left kidney": ("1", 36), "kidney": ("1|2", 54), "right kidney": ("2", 18)}


def test_the_centroid_is_in_index_and_in_ras_millimetres():
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[2:5, 4, 6] = 1
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [100, -50, 10]
    assert only(MaskView("s", mask, {1: "a"}, affine), "centroids") == {"point": [3.0, 4.0, 6.0], "ras_mm": [94.0, -42.0, 28.0]}


@pytest.mark.parametrize(("corner", "words"), [((0, 0, 0), "inferior posterior left"), ((8, 8, 8), "superior anterior right"), ((4, 4, 4), "central"), ((4, 0, 8), "superior posterior")])
def test_positions_are_the_patients_not_the_arrays(corner, words):
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[corner] = 1
    assert only(MaskView("s", mask, {1: "a"}, RAS), "positions")["text"] == words
    flipped = np.diag([-1.0, 1, 1, 1])
    assert only(MaskView("s", mask[::-1], {1: "a"}, flipped), "positions")["text"] == words


def test_a_picture_without_directions_has_upper_and_lower():
    mask = np.zeros((30, 30), np.uint8)
    mask[1:4, 25:28] = 1                                            # first axis runs left to right, second downwards
    assert only(MaskView("s", mask, {1: "a"}), "positions")["text"] == "lower left"


def test_sizes_are_ranked_among_the_terms_of_a_sample():
    mask = np.zeros((100, 100), np.uint8)
    mask[:30, :30], mask[50:60, 50:60], mask[90, 90] = 1, 2, 3
    found = {row["term"]: json.loads(row["geometry"]) for row in derive(MaskView("s", mask, {1: "liver", 2: "spleen", 3: "cyst"}), ["sizes"])}
    assert {term: (body["text"], body["rank_text"]) for term, body in found.items()} == {
        "liver": ("large", "largest"), "spleen": ("medium", "second largest"), "cyst": ("small", "third largest")}


def test_captions_name_their_template_and_skip_what_is_not_known():
    mask = np.zeros((10, 10, 10), np.uint8)
    mask[1:4, 1:4, 1:4] = 1
    view = MaskView("s", mask, {1: "liver"}, RAS, modality="CT", body_part="abdomen")
    texts = {json.loads(row["geometry"])["template"]: json.loads(row["geometry"])["text"] for row in derive(view, ["captions"])}
    assert texts["sample-body-part-1"] == "A CT scan of the abdomen with liver."
    assert texts["term-volume-1"] == "The liver measures 0.027 ml."
    assert "term-pieces-1" not in texts
    bare = {json.loads(row["geometry"])["template"] for row in derive(MaskView("s", mask, {1: "liver"}), ["captions"])}
    assert "term-volume-1" not in bare
    assert "sample-body-part-1" not in bare


def test_without_spacing_nothing_is_said_in_millimetres():
    view = MaskView("s", np.ones((4, 4), np.uint8), {1: "a"})
    assert only(view, "volumes") == {"measure": "area", "voxels": 16}
    assert list(derive(view, ["diameters", "areas"])) == []


def test_every_row_fits_the_annotation_table_and_says_who_made_it():
    view = MaskView("set@1/a", np.ones((4, 4, 4), np.uint8), {1: "liver"}, RAS, uri="labels/a.nii.gz", label_map="set-raw")
    rows = list(derive(view, DERIVATIONS.names()))
    assert {row["annotator"].split("/")[0] for row in rows} == {f"isocenter derive {name}" for name in DERIVATIONS.names()}
    for row in rows:
        assert set(row) == set(ANNOTATIONS.schema.names)
        assert row["machine_made"] is True
        assert (row["uri"], row["label_map"], row["sample_id"]) == ("labels/a.nii.gz", "set-raw", "set@1/a")
    assert len({row["annotation_id"] for row in rows}) == len(rows)


def test_an_empty_mask_gives_no_rows_and_an_unknown_wish_is_refused():
    empty = MaskView("s", np.zeros((4, 4, 4), np.uint8), {1: "a"}, RAS)
    assert list(derive(empty, DERIVATIONS.names())) == []
    with pytest.raises(NotFound, match="no derivation named"):
        list(derive(empty, ["volume-of-nothing"]))
