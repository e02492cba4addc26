"""Full texts of public licences, as SPDX publishes them; one file per SPDX id."""
