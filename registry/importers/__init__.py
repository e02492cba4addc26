"""Importers: one file reads one kind of outside source into records. Each offers `SOURCE`, its row of table `source`, and
`records(path, vocabulary, options)`; one of a table that can be audited also offers `rows(path)` and `COLUMNS`."""

from __future__ import annotations

from isocenter.core.plugins import PluginTable

IMPORTERS = PluginTable(kind="importers", package="isocenter.registry.importers", required=("SOURCE", "records"))
