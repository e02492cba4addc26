"""Frames of videos and tiles of slides are samples: decoded exactly, of one series and one patient per file, with their place in the id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export import export
from isocenter.harmonize.decode import ensure_pixel_hashes
from isocenter.harmonize.image import load_pixels, recognize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

cv2 = pytest.importorskip("cv2")
tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")
RATE, COUNT = 10, 35


def video(path: Path, codec: str) -> Path:
    """35 frames at 10 a second; a bar walks to the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), RATE, (64, 48))
    for number in range(COUNT):
        frame = np.full((48, 64, 3), (10, 90, 200), np.uint8)
        frame[:, number : number + 8] = 250
        writer.write(frame)
    writer.release()
    return path


def slide(path: Path) -> NDArray[np.uint8]:
    """A slide of 700 columns and 500 rows with a level of half the size, in tiles of 128; without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.random.default_rng(5).integers(0, 255, (500, 700, 3), dtype=np.uint8)
    with tifffile.TiffWriter(path) as file:
        how = {"tile": (128, 128), "photometric": "rgb", "compression": "deflate"}
        file.write(whole, subifds=1, description="Aperio Image Library v1\n700x500 |AppMag = 20|MPP = 0.5", **how)
        file.write(whole[::2, ::2], subfiletype=1, **how)
    return whole


def rows(workspace: Workspace) -> pl.DataFrame:
    return read_table(workspace.samples("d"), SAMPLES).sort("sample_id")


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_a_frame_is_the_one_that_is_met_when_the_video_is_played(name: str, codec: str, tmp_path: Path) -> None:
    path = video(tmp_path / name, codec)
    assert recognize(path) == "video"
    played, reader = [], cv2.VideoCapture(str(path))
    while (read := reader.read())[0]:
        played.append(read[1][..., ::-1])
    assert len(played) == COUNT
    for number in (0, 1, 13, 34):
        np.testing.assert_array_equal(load_pixels(Path(f"{path}::frame/{number}"), "video"), played[number])
    with pytest.raises(Unreadable, match="frame 99"):
        load_pixels(Path(f"{path}::frame/99"), "video")


def test_a_video_is_a_frame_a_second_of_one_patient(workspace: Workspace, tmp_path: Path) -> None:
    video(tmp_path / "d/clips/a.avi", "MJPG")
    adopt(workspace, "d", tmp_path / "d")
    scan(workspace, "d")
    found = rows(workspace)
    assert [one.rsplit("::")[-1] for one in found["sample_id"]] == ["frame/0", "frame/10", "frame/20", "frame/30"]
    assert found.select("patient_id", "series_id").unique().rows() == [("clips/a.avi", "clips/a.avi")]
    assert ensure_pixel_hashes(workspace, "d").broken == {}
    assert rows(workspace)["pixel_hash"].n_unique() == 4


def test_a_layout_says_how_often_and_whose_video_it_is(workspace: Workspace, tmp_path: Path) -> None:
    video(tmp_path / "d/p7_echo.avi", "MJPG")
    (tmp_path / "l.toml").write_text('evidence = "made"\n[[images]]\npattern = "{patient}_echo.avi"\nevery_s = 0.5\n')
    adopt(workspace, "d", tmp_path / "d", layout=str(tmp_path / "l.toml"))
    scan(workspace, "d")
    assert rows(workspace)["patient_id"].unique().to_list() == ["p7"]
    assert sorted(int(one.rsplit("/", 1)[-1]) for one in rows(workspace)["sample_id"]) == [0, 5, 10, 15, 20, 25, 30]


def test_a_slide_is_an_overview_and_its_tiles_are_cut_from_the_tiles_that_they_touch(tmp_path: Path) -> None:
    path = tmp_path / "s.svs"
    whole = slide(path)
    assert recognize(path) == "slide"
    np.testing.assert_array_equal(load_pixels(path, "slide"), whole)                                  # 700 is nearer to 1024 than 350
    np.testing.assert_array_equal(load_pixels(Path(f"{path}::tile/0/100/60/256/200"), "slide"), whole[60:260, 100:356])
    np.testing.assert_array_equal(load_pixels(Path(f"{path}::tile/1/10/20/64/64"), "slide"), whole[::2, ::2][20:84, 10:74])
    beyond = load_pixels(Path(f"{path}::tile/0/600/400/200/200"), "slide")
    np.testing.assert_array_equal(beyond[:100, :100], whole[400:, 600:])
    assert (beyond[100:] == 255).all()
    assert (beyond[:, 100:] == 255).all()


def test_an_ordinary_tiff_is_no_slide(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 40), np.uint8))
    assert recognize(tmp_path / "a.tif") == "tiff"


def test_tiles_of_a_slide_are_samples_that_go_out_as_pictures(workspace: Workspace, tmp_path: Path) -> None:
    slide(tmp_path / "d/s.svs")
    (tmp_path / "l.toml").write_text('evidence = "made"\n[[images]]\npattern = "{slide}.svs"\ntile = 128\nlevel = 1\n')
    adopt(workspace, "d", tmp_path / "d", layout=str(tmp_path / "l.toml"), license="CC-BY-4.0")
    scan(workspace, "d")
    found = rows(workspace)
    assert [one.rsplit("::")[-1] for one in found["sample_id"]] == ["tile/1/0/0/128/128", "tile/1/128/0/128/128"]      # whole tiles of 350 x 250
    assert found["spacing_mm"].to_list() == [[0.001, 0.001]] * 2
    assert found["patient_id"].to_list() == ["s.svs"] * 2
    export(workspace, merge(workspace, ["d"], name="c"), to="files", folder=tmp_path / "out")
    assert sum(path.suffix == ".png" for path in (tmp_path / "out").rglob("*")) == 2


@pytest.mark.parametrize(("name", "cause"), [("a.mp4", "not a video that OpenCV can open"), ("s.svs", "truncated slide")])
def test_a_file_that_was_cut_has_a_row_that_says_so_and_nothing_is_printed(name: str, cause: str, workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = tmp_path / name
    if name == "a.mp4":
        video(whole, "mp4v")
    else:
        slide(whole)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    adopt(workspace, "d", tmp_path / "d")
    assert scan(workspace, "d").errors == 1
    assert cause in rows(workspace)["error"][0]
    assert capfd.readouterr().err == ""
