"""DICOM: files become headers, headers become volume plans, plans become verified volumes, masks and dose grids."""
