"""Videos (AVI, MP4, MOV, Matroska) through OpenCV: what they are, and one frame as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels
from isocenter.harmonize.readers._quiet import quiet_decoders

formats = ("video",)
STILL = (b"heic", b"heix", b"mif1", b"msf1", b"avif")        # brands of pictures in the same container
FRAME = "frame/"


def sniff(head: bytes, path: Path) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video"
    if head[4:8] == b"ftyp" and head[8:12] not in STILL:
        return "video"
    return "video" if head.startswith(b"\x1a\x45\xdf\xa3") else None


def header(path: Path) -> ImageHeader:
    """Size of a frame, their number and how many there are in a second; raises Unreadable when no frame can be decoded."""
    import cv2

    with _opened(path) as video:
        width, height, frames = (int(video.get(one)) for one in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT))
        rate = float(video.get(cv2.CAP_PROP_FPS))
        if frames <= 0 or not video.grab():
            raise Unreadable("a video without frames that can be decoded", where=str(path))
    return ImageHeader("video", (width, height), dtype="uint8", channels=3, frames=frames, facts={"frames_per_second": rate})


def pixels(path: Path) -> Pixels:
    """The frame that the path names (`file::frame/12`, counted from 0), (rows, columns, 3) in red, green, blue.

    A decoder that does not land on the frame it was sent to is made to walk there from the first one.
    """
    import cv2

    file, _, selector = str(path).partition("::")
    if not selector.startswith(FRAME):
        raise Unreadable("a video is read frame by frame (`file::frame/12`)", where=str(path))
    number = int(selector.removeprefix(FRAME))
    with _opened(Path(file)) as video:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        there = int(video.get(cv2.CAP_PROP_POS_FRAMES)) == number
        found, frame = video.read() if there else (False, None)
    if not found:
        with _opened(Path(file)) as video:
            found, frame = all(video.grab() for _ in range(number)), None
            if found:
                found, frame = video.read()
    if not found or frame is None:
        raise Unreadable(f"frame {number} cannot be decoded", where=file)
    return np.ascontiguousarray(frame[..., ::-1])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import cv2
    except ImportError as error:
        raise Unreadable("videos need OpenCV: pip install 'isocenter[formats]'", where=str(path)) from error
    with quiet_decoders():
        video = cv2.VideoCapture(str(path))
        try:
            if not video.isOpened():
                raise Unreadable("not a video that OpenCV can open", where=str(path))
            yield video
        finally:
            video.release()
