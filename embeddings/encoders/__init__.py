"""Encoders, one file each: `load(target, device, **options)` gives an Encoder; the file's name is the encoder's name."""
