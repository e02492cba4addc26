"""Results of finished jobs as files: a tree of plain values, arrays and this package's dataclasses goes in and comes back equal.

One npz file: the arrays, and the tree as JSON that refers to them. No pickle: reading a file runs nothing that stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "isocenter.curate.duplicates."
TREE = "tree"


def write_result(path: Path, result: Any) -> None:
    """Raises TypeError for a value that is neither plain (None, bool, number, text, list, tuple), nor an array, nor a dataclass of this package."""
    arrays: dict[str, NDArray[Any]] = {}
    tree = json.dumps(_flat(result, arrays))
    with path.open("wb") as file:
        np.savez(file, **{TREE: np.frombuffer(tree.encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]


def read_result(path: Path) -> Any:
    """What `write_result` was given; lists stay lists and tuples tuples."""
    with np.load(path, allow_pickle=False) as stored:
        return _deep(json.loads(stored[TREE].tobytes()), stored.__getitem__)


def _flat(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list):
        return [_flat(one, arrays) for one in value]
    if isinstance(value, tuple):
        return {"tuple": [_flat(one, arrays) for one in value]}
    if isinstance(value, np.ndarray) and value.dtype != object:
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    kind = type(value)
    if is_dataclass(value) and kind.__module__.startswith(PACKAGE):
        return {"kind": [kind.__module__.removeprefix(PACKAGE), kind.__name__], "fields": [_flat(getattr(value, field.name), arrays) for field in fields(value)]}
    raise TypeError(f"a result of type {kind.__name__} cannot be kept")


def _deep(node: Any, array: Callable[[str], NDArray[Any]]) -> Any:
    if isinstance(node, list):
        return [_deep(one, array) for one in node]
    if not isinstance(node, dict):
        return node
    if "tuple" in node:
        return tuple(_deep(one, array) for one in node["tuple"])
    if "array" in node:
        return array(node["array"])
    module, name = node["kind"]
    kind: Callable[..., Any] = getattr(import_module(PACKAGE + module), name)
    if not is_dataclass(kind):
        raise TypeError(f"{module}.{name} is no dataclass")
    return kind(*(_deep(one, array) for one in node["fields"]))
