"""What stands on two sides is found by patient, study, picture and lineage, and nothing else is."""

from __future__ import annotations

import polars as pl

from isocenter.curate.knowledge import Shared, relations
from isocenter.curate.leakage import crossings
from isocenter.registry.related import Related, Step

ROWS = pl.DataFrame({
    "sample_id": ["n/1", "n/2", "n/3", "n/4", "s/1", "s/2"],
    "dataset": ["north"] * 4 + ["south"] * 2,
    "patient_id": ["1", "1", "2", None, "1", None],
    "study_id": ["a", "b", None, "c", None, None],
    "side": ["train", "test", "train", "test", "test", "train"],
})


def pairs(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame([{"a": a, "b": b, "net": "local-features", "score": 0.97, "verdict": verdict, "transform": "{}"} for a, b, verdict in rows])


def test_a_patient_on_two_sides_leaks_and_equal_ids_of_two_datasets_do_not() -> None:
    found = crossings(ROWS, None, {})
    assert [(leak.kind, leak.side_a, leak.side_b, leak.what) for leak in found] == [("patient", "test", "train", "north: 1")]


def test_a_study_leaks_without_any_patient_id() -> None:
    rows = ROWS.with_columns(pl.lit(None, pl.String).alias("patient_id"), pl.Series("study_id", ["a", "a", None, None, "a", None]))
    assert [(leak.kind, {leak.a, leak.b}) for leak in crossings(rows, None, {})] == [("study", {"n/1", "n/2"})]


def test_pictures_leak_where_ids_are_missing_also_through_a_third_copy() -> None:
    found = crossings(ROWS, pairs(("n/4", "n/3", "same"), ("n/3", "elsewhere", "same"), ("elsewhere", "s/2", "same")), {})
    pictures = [leak for leak in found if leak.kind == "picture"]
    assert [(leak.side_a, leak.side_b, leak.samples) for leak in pictures] == [("test", "train", 3)]
    assert pictures[0].what == "4 copies of one picture"
    assert (pictures[0].members_a, set(pictures[0].members_b)) == (("n/4",), {"n/3", "s/2"})


def test_an_unsettled_pair_is_named_apart_and_a_refuted_one_is_not_named() -> None:
    found = crossings(ROWS, pairs(("n/4", "n/3", "unsettled"), ("s/1", "n/3", "different")), {})
    assert [leak.kind for leak in found] == ["patient", "unsettled picture"]


def test_the_catalog_makes_equal_ids_of_two_datasets_one_person() -> None:
    step = Step("north-slug", "same-patients-as", "south-slug", True, None, None, None)
    known = relations({"north": "north-slug", "south": "south-slug"}, [Related("south-slug", "South", 1, (step,), "same")])
    found = crossings(ROWS.filter(pl.col("sample_id") != "n/2"), None, known)
    assert [(leak.kind, leak.a, leak.b) for leak in found] == [("patient", "s/1", "n/1")]
    assert found[0].what == "1 (the same patients: north-slug same-patients-as south-slug)"
    perhaps = relations({"north": "north-slug", "south": "south-slug"}, [Related("south-slug", "South", 1, (step,), "may")])
    assert [leak.kind for leak in crossings(ROWS.filter(pl.col("sample_id") != "n/2"), None, perhaps)] == ["lineage"]


def test_a_relation_without_common_ids_is_reported_as_what_is_known() -> None:
    rows = ROWS.with_columns(pl.lit(None, pl.String).alias("patient_id"), pl.lit(None, pl.String).alias("study_id"))
    found = crossings(rows, None, {frozenset(("north", "south")): Shared(True, "north derived-from south")})
    assert {(leak.kind, leak.side_a, leak.side_b) for leak in found} == {("lineage", "test", "train"), ("lineage", "train", "test")}


def test_a_sample_that_stands_on_two_sides_is_the_gravest_leak_and_is_told_once() -> None:
    rows = pl.concat([ROWS.head(1), ROWS.head(1).with_columns(pl.lit("benchmark").alias("side"))])
    assert [(leak.kind, leak.side_a, leak.side_b, leak.a) for leak in crossings(rows, None, {})] == [("sample", "benchmark", "train", "n/1")]


def test_a_copy_of_a_sample_that_stands_on_two_sides_leaks_besides() -> None:
    rows = pl.concat([ROWS.filter(pl.col("sample_id").is_in(["n/3", "s/2"])), ROWS.filter(pl.col("sample_id") == "n/3").with_columns(pl.lit("benchmark").alias("side"))])
    found = crossings(rows, pairs(("n/3", "s/2", "same")), {})
    assert [(leak.kind, leak.a, leak.b) for leak in found] == [("sample", "n/3", "n/3"), ("picture", "n/3", "s/2")]
