"""Copies are found and proved; neighbours, other pictures and places of one series are not joined."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from isocenter.curate.duplicates.find import Found, find
from isocenter.curate.duplicates.groups import join
from isocenter.curate.duplicates.picture import Net, Picture, Verdict
from isocenter.curate.duplicates.transform import read
from isocenter.curate.duplicates.volumes import align, reduce
from isocenter.curate.probe.changes import change


def scene(seed: int, side: int = 220) -> np.ndarray:
    """A picture with structure at every scale."""
    rng = np.random.default_rng(seed)
    field = sum(gaussian_filter(rng.normal(size=(side, side)), s) * s for s in (1, 3, 9, 27))
    return ((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def neighbour(picture: np.ndarray, seed: int) -> np.ndarray:
    """The next slice: everything moves a little, each part its own way, and the noise is new."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    dy, dx = (gaussian_filter(rng.normal(size=picture.shape), 20).astype(np.float32) for _ in range(2))
    moved = cv2.remap(picture, xx + 2.5 * dx / dx.std(), yy + 2.5 * dy / dy.std(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return (moved + rng.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)


def as_picture(name: str, pixels: np.ndarray, **facts: object) -> Picture:
    return Picture(name, "d", partial(np.copy, pixels), **facts)  # type: ignore[arg-type]


def same(found: Found) -> set[frozenset[str]]:
    return {frozenset((pair.a, pair.b)) for pair in found.pairs if pair.verdict is Verdict.SAME}


@pytest.fixture(scope="module")
def corpus() -> tuple[list[Picture], Found]:
    base = {f"p{i}": scene(i) for i in range(12)}
    base |= {f"n{i}": neighbour(base[f"p{i}"], 100 + i) for i in range(6)}
    copies = {
        "equal": base["p0"].copy(), "jpeg": change(base["p1"], "jpeg", 1, seed=0), "half": change(base["p2"], "resize", 2, seed=0),
        "crop": change(base["p3"], "crop", 3, seed=1), "mirror": change(base["p4"], "mirror", 1, seed=0), "turned": change(base["p5"], "quarter-turn", 1, seed=0),
        "inverted": change(base["p6"], "invert", 1, seed=0), "rotated": change(base["p7"], "rotate", 2, seed=0), "window": change(base["p8"], "window", 3, seed=0),
        "deep": (base["p9"].astype(np.uint16) * 16 + 100),
    }
    pictures = [as_picture(name, pixels) for name, pixels in (base | copies).items()]
    return pictures, find(pictures, workers=1)


@pytest.mark.parametrize(("copy", "original"), [
    ("equal", "p0"), ("jpeg", "p1"), ("half", "p2"), ("crop", "p3"), ("mirror", "p4"), ("turned", "p5"), ("inverted", "p6"), ("rotated", "p7"),
    ("window", "p8"), ("deep", "p9")])
def test_a_changed_copy_joins_its_original(corpus: tuple[list[Picture], Found], copy: str, original: str) -> None:
    assert frozenset((copy, original)) in same(corpus[1])


def test_neighbouring_slices_are_never_joined(corpus: tuple[list[Picture], Found]) -> None:
    assert not [pair for pair in same(corpus[1]) if {name[0] for name in pair} == {"p", "n"}]
    assert len(same(corpus[1])) == 10


def test_every_group_keeps_the_picture_with_most_pixels(corpus: tuple[list[Picture], Found]) -> None:
    groups: dict[int, dict[str, bool]] = {}
    for member in corpus[1].groups:
        groups.setdefault(member.group, {})[member.id] = member.keeper
    assert sorted(sum(keepers.values()) for keepers in groups.values()) == [1] * 10
    kept = {name for keepers in groups.values() for name, keeper in keepers.items() if keeper}
    assert {"p2", "p3"} <= kept


def test_the_transform_leads_from_pixel_to_pixel(corpus: tuple[list[Picture], Found]) -> None:
    pair = next(pair for pair in corpus[1].pairs if {pair.a, pair.b} == {"p4", "mirror"})
    transform = read(pair.transform)
    assert transform is not None
    assert transform.mirrored
    np.testing.assert_allclose(transform.matrix @ [10, 30, 1], [209, 30], atol=0.3)
    crop = read(next(pair for pair in corpus[1].pairs if {pair.a, pair.b} == {"p3", "crop"}).transform)
    assert crop is not None
    whole, part = crop.shown
    assert part > 0.97
    assert whole == pytest.approx(0.85**2, abs=0.03)


def test_the_number_of_workers_changes_nothing(corpus: tuple[list[Picture], Found]) -> None:
    again = find(corpus[0][:8] + corpus[0][-6:], workers=2)
    once = find(corpus[0][:8] + corpus[0][-6:], workers=1)
    assert again.pairs == once.pairs
    assert again.groups == once.groups


def test_two_places_of_one_series_are_two_pictures() -> None:
    pixels = scene(3)
    two = [as_picture("a", pixels, series="s", position=1.0), as_picture("b", change(pixels, "jpeg", 1, seed=0), series="s", position=2.0)]
    assert same(find(two, workers=1)) == set()
    other = [two[0], as_picture("b", change(pixels, "jpeg", 1, seed=0), series="t", position=2.0)]
    assert same(find(other, workers=1)) == {frozenset(("a", "b"))}


def test_blank_and_unreadable_pictures_are_not_joined_by_looks(tmp_path: Path) -> None:
    black, dark = as_picture("black", np.zeros((60, 60), np.uint8)), as_picture("dark", np.full((70, 70), 9, np.uint8))
    broken = Picture("broken", "d", partial(np.load, tmp_path / "absent.npy"))
    found = find([black, dark, broken], workers=1)
    assert found.pairs == []
    assert list(found.failed) == ["broken"]


def test_a_chain_of_links_does_not_join_pictures_that_differ_from_the_keeper() -> None:
    links = {(0, 1): 5.0, (1, 2): 4.0}
    groups, refused = join(links, links | {(0, 2): -6.0}, [(0.0,), (1.0,), (2.0,)], 1.5)
    assert groups == [[0, 1]]
    assert refused == {(1, 2)}


def test_a_volume_is_found_again_turned_cropped_windowed_and_with_its_axes_exchanged(extra_data: Path) -> None:
    import nibabel as nib

    files = sorted((extra_data / "nifti/hippocampus/images").glob("*.nii.gz"))[:3]
    volumes = [np.asarray(nib.load(file).dataobj, np.float32) for file in files]
    low, high = np.percentile(volumes[0], [2, 98])
    exported = ((volumes[0] - low) / (high - low) * 255).clip(0, 255).astype(np.uint8).transpose(1, 0, 2)[:, :, ::-1]
    turned = rotate(volumes[1], 9, axes=(0, 1), reshape=False, order=1)[3:, 2:-4]
    pictures = [as_picture(f"v{i}", v, spacing_mm=(1.0, 1.0, 1.0)) for i, v in enumerate(volumes)]
    found = find([*pictures, as_picture("exported", exported), as_picture("turned", turned)], workers=1)
    assert same(found) == {frozenset(("v0", "exported")), frozenset(("v1", "turned"))}
    assert {pair.net for pair in found.pairs if pair.verdict is Verdict.SAME} == {Net.VOLUME}
    detail, _ = align(reduce(volumes[0], None), reduce(volumes[2], None))
    assert detail < 0.75
