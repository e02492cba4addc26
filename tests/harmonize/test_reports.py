"""Claims about labels read from chest X-ray reports; `reports_gold.csv` holds our own sentences with their labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from isocenter.core.errors import BadInput
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.reports import Mention, annotation_rows, apply_policy, decide, label_report

GOLD = list(csv.DictReader((Path(__file__).parent / "reports_gold.csv").open(encoding="utf-8"), delimiter="|"))


def states(text: str) -> dict[str, str]:
    return {term: mention.state for term, mention in decide(label_report(text)).items()}


def scores(rows: list[dict[str, str]]) -> tuple[float, int]:
    hit = wrong = 0
    for row in rows:
        gold = {tuple(pair.split(":")) for pair in row["gold"].split(";") if pair}
        got = set(states(row["text"]).items())
        hit, wrong = hit + len(gold & got), wrong + len(gold ^ got)
    return 2 * hit / (2 * hit + wrong), len(rows)


def test_micro_f1_on_our_own_sentences_is_above_095():
    f1, n = scores(GOLD)
    print(f"micro F1 {f1:.3f} over {n} sentences")
    assert n >= 100
    assert f1 >= 0.95


@pytest.mark.parametrize("state", ["present", "absent", "uncertain"])
def test_each_state_is_read_well_by_itself(state):
    hit = wrong = 0
    for row in GOLD:
        gold = {pair.split(":")[0] for pair in row["gold"].split(";") if pair.endswith(f":{state}")}
        got = {term for term, said in states(row["text"]).items() if said == state}
        hit, wrong = hit + len(gold & got), wrong + len(gold ^ got)
    assert 2 * hit / (2 * hit + wrong) >= 0.93


def test_what_is_not_mentioned_has_no_row():
    assert states("Heart size is normal.") == {"cardiomegaly": "absent"}
    assert states("") == {}


def test_every_span_names_its_finding():
    text = "FINDINGS:\n  There is a small\n  left pleural  effusion.\nNo pneumothorax."
    found = {text[m.start : m.end] for m in label_report(text)}
    assert found == {"effusion", "pneumothorax"}


def test_indication_and_comparison_say_nothing():
    assert states("INDICATION: pneumonia?\nCOMPARISON: effusion on prior film.\nFINDINGS: No pneumothorax.") == {"pneumothorax": "absent"}


def test_a_present_mention_wins_over_doubt_and_doubt_over_denial():
    assert states("No consolidation on the right. Consolidation on the left.") == {"consolidation": "present"}
    assert states("No effusion on the right. Possible effusion on the left.") == {"pleural effusion": "uncertain"}


def test_certainty_and_cue_are_kept():
    mention = decide(label_report("Probable pneumonia."))["pneumonia"]
    assert (mention.state, mention.certainty, mention.cue) == ("uncertain", "probable", "probable")
    assert decide(label_report("Pneumonia cannot be excluded."))["pneumonia"].certainty == "possible"


@pytest.mark.parametrize(("policy", "settled"), [
    ("keep", {"a": "uncertain", "b": "absent"}), ("ones", {"a": "present", "b": "absent"}),
    ("zeros", {"a": "absent", "b": "absent"}), ("ignore", {"b": "absent"})])
def test_policies_for_doubt_are_chexperts(policy, settled):
    assert apply_policy({"a": "uncertain", "b": "absent"}, policy) == settled


def test_rows_fit_the_annotation_table_and_name_the_method():
    rows = annotation_rows("set@1/x", "Possible pneumonia. No effusion.", uri="reports/x.txt")
    assert [(row["term"], row["state"], row["raw"]) for row in rows] == [("pleural effusion", "absent", "effusion"), ("pneumonia", "uncertain", "pneumonia")]
    assert all(set(row) == set(ANNOTATIONS.schema.names) for row in rows)
    assert rows[0]["annotator"] == "isocenter report rules/1"
    assert json.loads(rows[1]["geometry"]) == {"span": [9, 18], "certainty": "possible", "cue": "possible"}


def test_a_language_model_is_one_function():
    def model(text):
        at = text.index("shadow")
        return [Mention("lung opacity", "present", at, at + 6, "definite", "model")]

    assert decide(label_report("A shadow on the left.", model))["lung opacity"].start == 2


def test_a_backend_from_the_plugins_folder_is_found(tmp_path):
    folder = tmp_path / "report labeller"
    folder.mkdir()
    (folder / "always_normal.py").write_text(
        "from isocenter.harmonize.reports import Mention\nversion = '7'\ndef label(text):\n    return [Mention('no finding', 'present', 0, len(text))]\n")
    assert annotation_rows("s", "ok", "always-normal", plugins=tmp_path)[0]["annotator"] == "isocenter report always-normal/7"


def test_a_span_that_is_not_in_the_text_is_refused():
    with pytest.raises(BadInput, match="outside the text"):
        label_report("short", lambda text: [Mention("pneumonia", "present", 0, 99)])


def test_an_unknown_policy_is_refused():
    with pytest.raises(BadInput, match="no policy"):
        apply_policy({}, "maybe")
