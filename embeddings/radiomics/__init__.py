"""Radiomic features as the Image Biomarker Standardisation Initiative defines them, batched on torch, in 2D and 3D."""
