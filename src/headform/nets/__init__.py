"""Image networks, and the weights that ship."""
