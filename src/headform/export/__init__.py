"""Files out: one module per format, and `write` as the front for a whole reconstruction."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
