"""The SQL catalog of datasets, what is published about them, vocabularies, licences, label maps and search."""
