"""One photo in, a textured, animatable 3D head out.

Heavy modules load on first use, so `import headform` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headform import heads as heads
    from headform.pipeline.reconstruct import Reconstructor as Reconstructor
    from headform.pipeline.reconstruct import reconstruct as reconstruct
    from headform.pipeline.reconstruction import Reconstruction as Reconstruction

__version__ = "0.1.0"
__all__ = ["Reconstruction", "Reconstructor", "__version__", "heads", "reconstruct"]

_HOME = {
    "reconstruct": "headform.pipeline.reconstruct",
    "Reconstructor": "headform.pipeline.reconstruct",
    "Reconstruction": "headform.pipeline.reconstruction",
}


def __getattr__(name: str) -> object:
    if name == "heads":
        return importlib.import_module("headform.heads")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'headform' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
