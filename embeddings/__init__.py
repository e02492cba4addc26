"""Encoders, vector shards, indexes and dense kernels: numpy in, numpy out; the only room that imports torch or faiss."""
