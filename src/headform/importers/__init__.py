"""Third-party head models: one importer per kind, one registry in front."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
