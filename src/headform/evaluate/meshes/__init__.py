"""Meshes in correspondence: autoencoders, principal components, identity coefficients."""
