"""C code from a network in whole numbers: kernels of several stages, put into one file."""
