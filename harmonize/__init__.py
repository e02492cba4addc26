"""From files as published to sample and annotation tables, merged into cohorts."""
