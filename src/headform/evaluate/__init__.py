"""Evaluation against ground truth: landmarks, scans, the NoW benchmark, renderings, meshes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
