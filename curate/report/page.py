"""Stub until the page is designed."""
from pathlib import Path
def write_report(workspace, recipe, cohorts, fates, exported, warnings) -> Path:
    return workspace.root
