"""A search for duplicates that was cut goes on where it was, gives the same answer, and leaves nothing behind."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Evidence, Picture
from isocenter.curate.duplicates.planted import Plant
from isocenter.curate.duplicates.prepare import Facts
from isocenter.curate.duplicates.results import read_result, write_result
from isocenter.curate.duplicates.resume import home


def read(log: Path, stop: Path, seed: int) -> np.ndarray:
    """A picture of its own, noted in `log` whenever it is read; the 20th is not to be had while `stop` is there."""
    if seed == 20 and stop.exists():
        raise KeyboardInterrupt
    with log.open("a") as lines:
        lines.write(f"{seed}\n")
    rng = np.random.default_rng(seed % 19)
    return gaussian_filter(rng.normal(size=(96, 96)), 2) * 500


def pictures(tmp_path: Path, name: str) -> list[Picture]:
    return [Picture(f"p{i}", "d", partial(read, tmp_path / name, tmp_path / "stop", i), file_hash=str(i)) for i in range(22)]


def test_a_cut_search_reads_only_what_is_missing_and_ends_as_if_it_was_never_cut(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    place = home(tmp_path / "unfinished", pictures(tmp_path, "log"), seed=0)
    with pytest.raises(KeyboardInterrupt):
        find(pictures(tmp_path, "log"), keep=place, workers=1)
    (tmp_path / "stop").unlink()
    found = find(pictures(tmp_path, "again"), keep=place, workers=1)
    assert [int(line) for line in (tmp_path / "again").read_text().split()] == list(range(16, 22))
    whole = find(pictures(tmp_path, "whole"), workers=1)
    assert (found.pairs, found.groups) == (whole.pairs, whole.groups)
    assert len(found.groups) == 6
    assert not place.exists()


def test_other_pictures_or_settings_are_another_search(tmp_path: Path) -> None:
    some = pictures(tmp_path, "log")
    places = [home(tmp_path, some, seed=0), home(tmp_path, some, seed=1), home(tmp_path, some[1:], seed=0)]
    assert len(set(places)) == 3
    assert home(tmp_path, some, seed=0) == places[0]


def test_results_come_back_equal_and_without_pickle(tmp_path: Path) -> None:
    evidence = Evidence("same", (1.0, 0.1, -2.5, 0.0, 1.0, float(np.pi)), 40, 30, 0.7, 0.2, 1.0, 0.9, 0.8, 0.85, 0.6, 0.9, 1.0, 1.0)
    result = [Plant(3, (evidence, None), ((7, evidence),)), (1, 2, np.float64(0.1), [0.25]), None]
    write_result(tmp_path / "plain", result)
    assert read_result(tmp_path / "plain") == result
    write_result(tmp_path / "arrays", [Facts("key", (3, 4), np.eye(2, dtype=np.float32), error="torn"), np.arange(3, dtype=np.float16)])
    facts, array = read_result(tmp_path / "arrays")
    assert (facts.pixel_hash, facts.size, facts.volume, facts.error) == ("key", (3, 4), False, "torn")
    assert (facts.thumbnail.dtype, array.dtype, array.tolist()) == (np.float32, np.float16, [0, 1, 2])
    for wrong in (object(), np.array([object()]), Path("x")):
        with pytest.raises(TypeError, match="cannot be kept"):
            write_result(tmp_path / "wrong", wrong)
