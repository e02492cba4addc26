"""Plug-in tables: a folder of files is a table of plug-ins, and a file's name is its plug-in's name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.near_names import advice


@dataclass(frozen=True, slots=True)
class PluginTable:
    """Modules of one package that offer the same functions; a user's folder may add more.

    `kind` names the table in messages and the folder `<workspace>/plugins/<kind>/`; file `k_center.py` is plug-in `k-center`.
    """

    kind: str
    package: str
    required: tuple[str, ...]

    @property
    def one(self) -> str:
        """The kind, of one plug-in: `strategy` of `strategies`."""
        return f"{self.kind[:-3]}y" if self.kind.endswith("ies") else self.kind.removesuffix("s")

    def names(self, extra: Path | None = None) -> list[str]:
        """All plug-in names, sorted; `extra` is the plugins folder of a workspace."""
        return sorted(self._files(extra))

    def get(self, name: str, extra: Path | None = None) -> ModuleType:
        """The module of that name. Raises NotFound with a suggestion, BadInput when it lacks a required name."""
        files = self._files(extra)
        if name not in files:
            raise NotFound(f"no {self.one} named {name!r}", hint=advice(name, sorted(files)))
        module = self._load(name, files[name])
        missing = [attribute for attribute in self.required if not hasattr(module, attribute)]
        if missing:
            raise BadInput(f"{self.one} {name!r} lacks {', '.join(missing)}", where=str(files[name]))
        return module

    def _files(self, extra: Path | None) -> dict[str, Path]:
        home = Path(next(iter(importlib.import_module(self.package).__path__)))
        folders = [home] if extra is None else [home, extra / self.kind]
        return {path.stem.replace("_", "-"): path for folder in folders for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}

    def _load(self, name: str, path: Path) -> ModuleType:
        home = Path(next(iter(importlib.import_module(self.package).__path__)))
        if path.parent == home:
            return importlib.import_module(f"{self.package}.{path.stem}")
        spec = importlib.util.spec_from_file_location(f"isocenter_plugins.{self.kind}.{path.stem}", path)
        if spec is None or spec.loader is None:
            raise BadInput(f"{self.one} {name!r} cannot be loaded", where=str(path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise BadInput(f"{self.one} {name!r} fails when loaded: {error}", where=str(path)) from error
        return module
