"""Which face detector is used.

H W pixels.
"""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from headform.nets.face import Face
from headform.nets.shipped import load_yunet
from headform.nets.yunet import YuNetDetector


@runtime_checkable
class Detector(Protocol):
    """Finds faces. Boxes are candidates, on which a later network has the last word."""

    def detect(self, image: UInt8[np.ndarray, "H W 3"]) -> list[Face]:
        """Faces of an RGB picture in falling order of box area times score."""


def load_detector(path: Path | None = None) -> Detector:
    """YuNet with the shipped weights, or with those in a file.

    Args:
        path: Weights of the same network, as `tools/convert_networks.py` writes them.

    Raises:
        WeightsError: `weights_missing`, `weights_damaged`, `weights_mismatch`.
    """
    return YuNetDetector(load_yunet(path)[0])
