"""Results of other reconstruction systems, as their public demos write them, turned into predictions for NoW."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
