"""Rotations, cameras, similarity fits and spherical harmonics: no meshes, no networks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
