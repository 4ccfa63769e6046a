"""Rotations, cameras, similarity fits and spherical harmonics: no meshes, no networks."""
