"""The report of a build: one self-contained HTML file."""

from isocenter.curate.report.page import write_report

__all__ = ["write_report"]
