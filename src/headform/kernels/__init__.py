"""Building blocks of compiled CPU kernels: SIMD values, tiles, threads. Internal."""
