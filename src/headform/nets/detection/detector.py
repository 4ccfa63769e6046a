"""The interface of face detectors, and the loader of the default one.

H W pixels.
"""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8

from headform.errors import WeightsError
from headform.nets.detection.face import Face
from headform.nets.detection.yunet import YuNetDetector
from headform.nets.shipped import load_yunet


@runtime_checkable
class Detector(Protocol):
    """A face detector; its boxes are candidates, which the landmark network confirms or rejects."""

    def detect(self, image: UInt8[np.ndarray, "H W 3"], *, every: bool = False) -> list[Face]:
        """Detect faces in an RGB picture, in descending order of box area times score; `every` finds small ones as well."""


def load_detector(path: Path | None = None, device: torch.device | str = "cpu") -> Detector:
    """Load YuNet with the shipped weights, or with those in a file.

    Args:
        path: Weights of the same network, as `tools/convert_networks.py` writes them.
        device: Device of the network.

    Raises:
        WeightsError: `weights_missing`, `weights_damaged`, `weights_mismatch`, `weights_kind`.
    """
    if path is not None and Path(path).suffix == ".onnx":
        what = "the detector's weights are an ONNX file, safetensors are expected"
        advice = "omit the option, since YuNet is built in, or convert the file with tools/convert_networks.py"
        raise WeightsError("weights_kind", what, str(path), advice)
    return YuNetDetector(load_yunet(path)[0].to(device))
