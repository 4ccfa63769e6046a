"""Scripts that make files which ship with headform; the package itself never needs them."""
