"""Fit a head to landmarks, light and albedo to a photo, and bake its texture."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
