"""A process that decodes DICOM pixels with GDCM: a JSON request per line on standard input, a JSON line and raw samples back."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any, BinaryIO

import numpy as np


def main() -> None:
    """Answer until standard input ends; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    for line in sys.stdin.buffer:
        _answer(json.loads(line), answers)


def _answer(request: dict[str, Any], answers: BinaryIO) -> None:
    from pydicom.pixels import pixel_array

    try:
        found = np.ascontiguousarray(pixel_array(request["path"], raw=request["raw"], index=request["index"], decoding_plugin="gdcm"))
        head, body = {"shape": found.shape, "dtype": found.dtype.str, "bytes": found.nbytes}, found.tobytes()
    except Exception as error:
        head, body = {"error": " ".join(str(error).split())[:160] or type(error).__name__}, b""
    answers.write(json.dumps(head).encode() + b"\n" + body)
    answers.flush()


if __name__ == "__main__":
    main()
