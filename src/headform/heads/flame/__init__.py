"""FLAME: the head, its 486-number code, and its compiled decoding on a CPU."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
