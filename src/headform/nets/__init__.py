"""Neural networks for images and meshes, and the weights that ship."""
