"""List the packages: one folder at the top of the repository is one package below `isocenter`."""

from setuptools import find_packages, setup

ROOMS = ("core", "registry", "harmonize", "embeddings", "curate", "cli")

setup(packages=[f"isocenter.{room}" for room in ROOMS] + [f"isocenter.{room}.{sub}" for room in ROOMS for sub in find_packages(room)])
