"""The NoW benchmark: a folder of scans, a folder of predictions, one table."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
