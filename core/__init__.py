"""What every room needs and no room owns: errors, issues, workspace, plug-in tables, tables on disk, the run ledger, progress."""
