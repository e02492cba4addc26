"""Decode the pixels of a DICOM data set with pydicom's plug-ins; the one that can abort the process runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
ISOLATED = "gdcm"
"""GDCM calls std::terminate on some broken JPEG streams, which no exception handler in this process survives."""


class Undecodable(Exception):
    """Every decoder refused; the text says why."""


def decode_pixels(path: Path, syntax: str, *, raw: bool, index: int | None = None, dataset: Any = None) -> Samples:
    """What `pydicom.pixels.pixel_array` gives for a file of that transfer syntax, safe against decoders that abort.

    raw: colour stays as stored, else YBR becomes RGB. index: one frame, else all. dataset: the file's, if it is already read
    with its pixels. Raises Undecodable.
    """
    from pydicom.pixels import get_decoder, pixel_array
    from pydicom.uid import UID

    uid = UID(syntax)
    try:
        plugins = get_decoder(uid).available_plugins if uid.is_encapsulated else ("",)
    except (NotImplementedError, ValueError) as error:
        raise Undecodable(str(error)) from error
    complaints = []
    for plugin in sorted(plugins, key=lambda name: name == ISOLATED):
        try:
            if plugin == ISOLATED:
                return WORKER.decode(path, raw, index)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return np.asarray(pixel_array(path if dataset is None else dataset, raw=raw, index=index, decoding_plugin=plugin))
        except Exception as error:
            complaints.append(" ".join(str(error).split())[:160])
    raise Undecodable("; ".join(complaints) or f"no decoder for {uid.name}")


class Worker:
    """A child process that decodes with GDCM, started when first needed and again after it died."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: subprocess.Popen[bytes] | None = None

    def decode(self, path: Path, raw: bool, index: int | None) -> Samples:
        """Raises Undecodable when GDCM refuses or dies."""
        with self.lock:
            child = self._alive()
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(json.dumps({"path": str(path.resolve()), "raw": raw, "index": index}).encode() + b"\n")
                child.stdin.flush()
                answer = child.stdout.readline()
                if not answer:
                    raise Undecodable("the JPEG decoder aborted on these bytes")
                body = json.loads(answer)
                if "error" in body:
                    raise Undecodable(body["error"])
                found = np.frombuffer(child.stdout.read(body["bytes"]), np.dtype(body["dtype"]))
                return found.reshape(body["shape"])
            except (OSError, ValueError) as error:
                raise Undecodable("the JPEG decoder aborted on these bytes") from error

    def _alive(self) -> subprocess.Popen[bytes]:
        if self.child is None or self.child.poll() is not None:
            self.child = subprocess.Popen([sys.executable, "-m", "isocenter.harmonize.dicom.gdcm_worker"], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self.child


WORKER = Worker()
