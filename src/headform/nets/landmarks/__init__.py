"""Landmark networks: dense landmarks trained here, three third-party networks, and the committee of all."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
