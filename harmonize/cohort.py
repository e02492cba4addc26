"""Cohorts: named, ordered tables of sample ids with what was decided on the way. Every verb takes one and leaves one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import fingerprint
from isocenter.core.tables import Kind, read_header, read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.part import SELECTOR
from isocenter.harmonize.sample import LABELS, SAMPLES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COHORT = Kind("cohort", 1, pa.schema([
    ("sample_id", pa.string()), ("dataset", pa.string()), ("uri", pa.string()), ("labels", LABELS), ("split", pa.string()),
    ("rank", pa.int64()), ("gain", pa.float64()), ("reason", pa.string()),
]))


@dataclass(frozen=True, slots=True)
class Cohort:
    """`header` names the verb, its parameters, the parent cohort and the inputs by fingerprint.

    `fingerprint` is None until the cohort is saved.
    """

    name: str
    table: pl.DataFrame
    header: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None

    def __len__(self) -> int:
        return self.table.height

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> Cohort:
        """Read a cohort. Raises NotFound with the cohorts there are."""
        path = workspace.cohort(name)
        if not path.exists():
            raise NotFound(f"no cohort {name!r}", where=str(path), hint=f"one of: {', '.join(workspace.cohorts())}" if workspace.cohorts() else "isocenter merge DATASET… --as NAME")
        return cls(name, read_table(path, COHORT), read_header(path, COHORT), table_fingerprint(path))

    def save(self, workspace: Workspace, *, dry_run: bool = False) -> Cohort:
        """Write the cohort whole or not at all, and return it with its fingerprint (a dry run returns it as it is).

        A cohort that is there already and says the same stays as it is; groups, pairs and ledger that another verb left under the name go.
        """
        check_name(self.name)
        if dry_run:
            return self
        if workspace.cohort(self.name).exists():
            before = Cohort.open(workspace, self.name)
            if _said(before.header) == _said(self.header) and self.holds_the_same(before):
                return before
            self._forget(workspace, before)
        write_table(workspace.cohort(self.name), self.table.select(column for column in COHORT.schema.names if column in self.table.columns), COHORT, self.header)
        return Cohort.open(workspace, self.name)

    def holds_the_same(self, other: Cohort) -> bool:
        """Whether both have the same rows in the same order."""
        return len(self) == len(other) and self.table.equals(other.table.select(self.table.columns))

    def _forget(self, workspace: Workspace, before: Cohort) -> None:
        """Take away what the verb that made the cohort before left beside it, and this one does not leave."""
        beside = sorted((workspace.root / "cohorts" / self.name).glob("*"))
        left = {"dedup": [workspace.groups(self.name), workspace.pairs(self.name)], "merge": beside, "patches": beside}
        if before.header.get("verb") != self.header.get("verb"):
            for path in left.get(str(before.header.get("verb")), []):
                path.unlink(missing_ok=True)

    def next(self, name: str, table: pl.DataFrame, verb: str, **parameters: Any) -> Cohort:
        """A cohort made from this one; the header remembers how."""
        header = {**self.header, "verb": verb, "parameters": parameters, "parent": self.name, "inputs": {self.name: self.fingerprint},
                  "lineage": [*self.header.get("lineage", []), self.name]}
        return Cohort(name, table, header)

    def samples(self, workspace: Workspace, columns: list[str]) -> pl.DataFrame:
        """The cohort's rows, in order, joined with columns of the sample tables; a part has those of the sample that it is a piece of."""
        extra = [column for column in columns if column not in self.table.columns]
        if not extra:
            return self.table
        tables = [read_table(workspace.samples(name), SAMPLES, ["sample_id", *extra]) for name in self.table["dataset"].unique().sort()]
        joined = pl.concat(tables) if tables else pl.DataFrame(schema={"sample_id": pl.String, **dict.fromkeys(extra, pl.String)})
        whole = self.table.with_columns(pl.col("sample_id").str.replace(SELECTOR.pattern, "").alias("parent_id"))
        return whole.join(joined, left_on="parent_id", right_on="sample_id", how="left", maintain_order="left").drop("parent_id")


def _said(header: dict[str, Any]) -> Any:
    """A header as a file gives it back, without the inputs and scans, which may differ in nothing that the cohort shows."""
    return json.loads(json.dumps({key: value for key, value in header.items() if key not in ("inputs", "scans")}, default=str))


def check_name(name: str) -> None:
    """Raises BadInput for names that cannot be file names everywhere."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot name a cohort", hint="letters, digits, '.', '_' and '-'")


def stage_key(verb: str, parent: str | None, **parameters: Any) -> str:
    """What decides a stage's output: equal keys give equal cohorts."""
    return fingerprint([verb, parent, parameters])
