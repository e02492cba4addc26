"""The report of a build: one self-contained HTML file, every number with the table that it comes from."""

from isocenter.curate.report.page import write_report

__all__ = ["write_report"]
