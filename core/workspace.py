"""The workspace folder: where every verb reads its input and leaves its output."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import write_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with fixed places. Paths only: what lies there is the business of the rooms above."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Workspace:
        """Make the folder a workspace (or take the one that is there) and open it."""
        marker = root / "workspace.toml"
        if not marker.exists():
            write_text(marker, tomli_w.dumps({"version": VERSION}))
        return cls.open(root)

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Open an existing workspace; raises NotFound with the command that makes one."""
        marker = root / "workspace.toml"
        if not marker.exists():
            raise NotFound("this folder is not a workspace", where=str(root), hint=f"isocenter init {shlex.quote(str(root))}")
        try:
            found = tomllib.loads(marker.read_text(encoding="utf-8")).get("version")
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"workspace.toml cannot be read: {error}", where=str(marker)) from error
        if found != VERSION:
            raise BadInput(f"workspace version {found}, this isocenter reads {VERSION}", where=str(marker))
        return cls(root.resolve())

    @property
    def settings(self) -> dict[str, Any]:
        """What workspace.toml says; nothing for a workspace that a dry run only speaks of."""
        marker = self.root / "workspace.toml"
        return tomllib.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}

    @property
    def facts(self) -> Path:
        return self.root / "facts"

    @property
    def plugins(self) -> Path:
        return self.root / "plugins"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    def source(self, dataset: str) -> Path:
        return self.root / "sources" / f"{dataset}.toml"

    def sources(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "sources").glob("*.toml"))

    def inventory(self, dataset: str) -> Path:
        return self.root / "inventory" / f"{dataset}.parquet"

    def samples(self, dataset: str) -> Path:
        return self.root / "samples" / f"{dataset}.parquet"

    def annotations(self, dataset: str) -> Path:
        return self.root / "annotations" / f"{dataset}.parquet"

    def store(self, dataset: str) -> Path:
        return self.root / "store" / dataset

    def embeddings(self, key: str, dataset: str) -> Path:
        return self.root / "embeddings" / key / dataset

    def index(self, key: str) -> Path:
        return self.root / "indexes" / key

    def cohort(self, name: str) -> Path:
        return self.root / "cohorts" / f"{name}.parquet"

    def cohorts(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "cohorts").glob("*.parquet"))

    def groups(self, name: str) -> Path:
        return self.root / "groups" / f"{name}.parquet"

    def pairs(self, name: str) -> Path:
        return self.root / "groups" / f"{name}.pairs.parquet"

    def export(self, name: str) -> Path:
        return self.root / "exports" / name
