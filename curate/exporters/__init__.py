"""Exporters: one file each, strangers to each other."""
