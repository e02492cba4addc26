"""The forms of files in which datasets say what their values mean: text goes in, names with their values come out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

BACKGROUND, IGNORE = ("background", "bg", "unlabeled", "unlabelled"), "ignore"
BLACK = "#000000"


@dataclass(frozen=True, slots=True)
class Legend:
    """One legend file. names: (name, its values); ignored: values of voxels that nobody annotated; channels: number of a channel -> what it shows."""

    path: str = ""
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ignored: tuple[str, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    cases: int | None = None
    ending: str | None = None


def _dataset_json(text: str, path: str) -> dict[str, Legend]:
    """nnU-Net and the Medical Segmentation Decathlon: `labels` holds name -> value or list of values (v2), or value -> name (v1, Decathlon).

    Source: nnU-Net documentation, dataset_format.md, region_based_training.md and ignore_label.md; the dataset.json of the Decathlon.
    """
    body = json.loads(text)
    labels = body.get("labels") or {}
    if isinstance(labels, list):
        labels = {str(value): name for value, name in enumerate(labels)}
    if all(str(key).lstrip("-").isdigit() for key in labels):
        pairs: list[tuple[str, tuple[str, ...]]] = [(str(name), (str(int(value)),)) for value, name in labels.items()]
    else:
        pairs = [(str(name), tuple(str(int(value)) for value in (values if isinstance(values, list) else [values]))) for name, values in labels.items()]
    channels = body.get("channel_names") or body.get("modality") or {}
    if isinstance(channels, list):
        channels = dict(enumerate(channels))
    return {"": Legend(path, _shown(pairs), tuple(value for name, values in pairs if name.casefold() == IGNORE for value in values),
                       {str(number): str(name) for number, name in channels.items()} if isinstance(channels, dict) else {"0": str(channels)},
                       body.get("numTraining"), body.get("file_ending"))}


def _dseg_tsv(text: str, path: str) -> dict[str, Legend]:
    """BIDS look-up table of a discrete segmentation: columns index and name (BIDS 1.8, derivatives, common data types)."""
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    return {"": Legend(path, _shown([(row["name"].strip(), (str(int(row["index"])),)) for row in rows]))}


def _classes_json(text: str, path: str) -> dict[str, Legend]:
    """SA-Med2D-20M: dataset -> class name -> number, which the names of the mask files hold with four digits."""
    return {source: Legend(f"{path}: {source}", _shown([(name, (f"{int(value):04d}",)) for name, value in classes.items()])) for source, classes in json.loads(text).items()}


def _colours_json(text: str, path: str) -> dict[str, Legend]:
    """A list of classes with name and colour, as EndoVis 2018 has it; raw values are `#rrggbb`."""
    return {"": Legend(path, _shown([(str(one["name"]), ("#" + "".join(f"{int(part):02x}" for part in one["color"]),)) for one in json.loads(text)]))}


FORMS: dict[str, Callable[[str, str], dict[str, Legend]]] = {"dataset.json": _dataset_json, "dseg.tsv": _dseg_tsv, "classes.json": _classes_json, "colours.json": _colours_json}


def _shown(pairs: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names of structures: not the background, not what is to be ignored."""
    return tuple((name, values) for name, values in pairs if name.casefold() not in (*BACKGROUND, IGNORE) and values not in (("0",), (BLACK,)))
