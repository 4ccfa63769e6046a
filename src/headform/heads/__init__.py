"""Head models: the open head that ships inside, FLAME, and every model that was converted."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
