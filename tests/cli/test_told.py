"""What compare and split say of cohorts that share samples, and of traits that are spread evenly."""

from __future__ import annotations

import polars as pl
import pytest

from isocenter.cli.commands.compare import _common
from isocenter.cli.commands.split import _text
from isocenter.harmonize.cohort import Cohort


def cohort(name: str, *samples: str) -> Cohort:
    return Cohort(name, pl.DataFrame({"sample_id": samples}))


@pytest.mark.parametrize(("second", "common", "told"), [
    (cohort("b", "1", "2"), 2, ["b is a part of a: 2 of its 3 samples"]),
    (cohort("b", "3", "4"), 1, ["in both: 1 sample; the distances are those of cohorts that share them"]),
    (cohort("b", "3", "2", "1"), 3, ["b holds the same samples as a"]),
    (cohort("b", "4"), 0, []),
])
def test_two_cohorts_that_share_samples_are_told_so(second: Cohort, common: int, told: list[str]) -> None:
    assert list(_common([cohort("a", "1", "2", "3"), second], common)) == told


def test_only_what_is_uneven_is_called_uneven() -> None:
    def shown(share: float) -> str:
        sides = {"samples": {"train": 8}, "spans": {}, "components": {"train": 8}, "largest": 1, "bound": {}, "moved": {},
                 "uneven": [{"trait": "age=not stated", "share": share, "side": "train", "of all": 1.0}]}
        return _text("s", 8, ["train"], {"ratio": {"train": 1.0}, "components": 8}, sides)

    assert "uneven" not in shown(1.0)
    assert "most uneven: age=not stated 90.0% of train (100.0% of all)" in shown(0.9)
