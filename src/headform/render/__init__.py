"""From a head and a camera to a picture: rasterize, interpolate, shade, unwrap, visibility."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
