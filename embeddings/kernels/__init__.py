"""Dense kernels: numpy arrays in, numpy arrays out; torch or faiss inside."""
