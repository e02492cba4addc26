"""List the packages (one folder at the top of the repository is one package below `isocenter`) and carry the catalog in the wheel."""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOMS = ("core", "registry", "harmonize", "embeddings", "curate", "cli")
CATALOG = Path(__file__).parent / "catalog.duckdb"


class BuildWithCatalog(build_py):
    """Put the tracked catalog beside `registry/catalog.py`, where an installed isocenter looks for it; an editable install reads it here."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file(str(CATALOG), str(Path(self.build_lib, "isocenter", "registry", "catalog.duckdb")))


setup(
    packages=[f"isocenter.{room}" for room in ROOMS] + [f"isocenter.{room}.{sub}" for room in ROOMS for sub in find_packages(room)],
    cmdclass={"build_py": BuildWithCatalog},
)
