"""Which face detector is used.

H W pixels.
"""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from headform.nets.face import Face
from headform.nets.mtcnn import MtcnnDetector
from headform.nets.yunet import YuNetDetector


@runtime_checkable
class Detector(Protocol):
    """Finds faces. Boxes are candidates, on which a later network has the last word."""

    def detect(self, image: UInt8[np.ndarray, "H W 3"]) -> list[Face]:
        """Faces of an RGB picture in falling order of box area times score."""


def load_detector(path: Path | None = None) -> Detector:
    """The default detector, or the one in a file.

    Args:
        path: An ONNX file of YuNet; None takes MTCNN.

    Raises:
        WeightsError: `weights_missing`, `weights_damaged`, `weights_mismatch`, `unsafe_pickle`.
        UsageError: `onnx_missing` when a file is given and onnxruntime is not installed.
    """
    return MtcnnDetector() if path is None else YuNetDetector(path)
