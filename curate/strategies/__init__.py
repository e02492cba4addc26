"""Selection strategies: one file each, strangers to each other."""
