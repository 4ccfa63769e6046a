"""Operators on a fixed graph: scaled Laplacian, Chebyshev convolution, resampling between mesh levels."""
