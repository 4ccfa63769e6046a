"""Face recognition networks under their published tensor names, with their crops and one loader."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
