"""Readers of file formats, one file each: `formats`, `sniff(head, path)`, `header(path)`, `pixels(path)`; strangers to each other."""
