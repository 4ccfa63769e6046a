"""YuNet as an alternative face detector, from an ONNX file that the user brings.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". N cells or faces, H W pixels.
Needs onnxruntime (`pip install "headform[onnx]"`); nothing of it ships with headform.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64, UInt8
from PIL import Image

from headform.errors import WeightsError
from headform.nets.face import Face, by_prominence
from headform.nets.mtcnn.boxes import sound, suppress
from headform.weights.onnx_file import open_session

STRIDES = (8, 16, 32)
_OUTPUTS = tuple(f"{kind}_{s}" for kind in ("cls", "obj", "bbox", "kps") for s in STRIDES)
_MAX_BYTES = 64 << 20
_WANTED = "give a YuNet file such as yunet_n_dynamic.onnx (libfacedetection.train)"


@dataclass(frozen=True)
class YuNetOptions:
    """How the search is done.

    Attributes:
        sides: The picture's longer side in pixels for the network, tried in this order until a face
            is found; ignored by files of fixed input size. Pictures are enlarged at most twice.
        score: Least confidence; low on purpose, as another network confirms or drops every box.
        overlap: Faces that share more than this of their union are one.
    """

    sides: tuple[int, ...] = (640, 1280)
    score: float = 0.5
    overlap: float = 0.4


class YuNetDetector:
    """Faces in photos, by an ONNX file of YuNet."""

    def __init__(self, path: Path | str, options: YuNetOptions | None = None) -> None:
        """Load the network.

        Raises:
            UsageError: `onnx_missing` without onnxruntime.
            WeightsError: `weights_missing`; `weights_damaged` when it is no ONNX file or names
                files outside itself; `weights_mismatch` when it is another network.
        """
        self.options = options or YuNetOptions()
        self.where = repr(str(path))
        self.session = open_session(path, max_bytes=_MAX_BYTES, fix=_WANTED)
        inputs = self.session.get_inputs()
        names = {output.name for output in self.session.get_outputs()}
        absent = [name for name in _OUTPUTS if name not in names]
        shape = list(inputs[0].shape) if inputs else []
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or absent:
            what = "this ONNX file is not YuNet"
            what += f": it has no output {absent[0]}" if absent else ""
            raise WeightsError("weights_mismatch", what, self.where, _WANTED)
        self.input_name = inputs[0].name
        self.fixed = (shape[3], shape[2]) if all(type(n) is int for n in shape[2:]) else None

    def detect(self, image: UInt8[np.ndarray, "H W 3"]) -> list[Face]:
        """Faces in falling order of box area times score.

        Args:
            image: RGB.
        """
        if min(image.shape[:2]) < 12:
            return []
        faces: list[Face] = []
        for side in self.options.sides:
            faces = self._search(Image.fromarray(image), side)
            if faces or self.fixed is not None:
                break
        return faces

    def _search(self, image: Image.Image, side: int) -> list[Face]:
        longest = max(image.size)
        scale = min(side / longest, 2.0)
        if self.fixed is not None:
            scale = min(self.fixed[0] / image.width, self.fixed[1] / image.height)
        width, height = (max(1, round(length * scale)) for length in image.size)
        across, down = self.fixed or (-(-width // 32) * 32, -(-height // 32) * 32)
        canvas = np.zeros((down, across, 3), np.float32)
        small = image.resize((width, height), Image.Resampling.BILINEAR)
        canvas[:height, :width] = np.asarray(small)[..., ::-1]  # the network wants blue first
        values = self._run(np.ascontiguousarray(canvas.transpose(2, 0, 1))[None])
        boxes, points, scores = decode(values, across)
        unit = np.array([image.width / width, image.height / height])
        boxes, points = boxes * np.tile(unit, 2), points * unit
        good = (scores >= self.options.score) & sound(boxes, 3.0 * longest)
        good &= np.isfinite(points).all((1, 2))
        boxes, points, scores = boxes[good], points[good], scores[good]
        keep = suppress(boxes, scores, self.options.overlap)
        return by_prominence([Face(boxes[i], points[i], float(scores[i])) for i in keep])

    def _run(self, values: Float32[np.ndarray, "1 3 H W"]) -> dict[str, Any]:
        try:
            outputs = self.session.run(list(_OUTPUTS), {self.input_name: values})
        except Exception as error:  # onnxruntime raises its own classes
            what = f"the detector cannot be run: {error}"[:200]
            raise WeightsError("weights_mismatch", what, self.where, _WANTED) from error
        return {name: output[0] for name, output in zip(_OUTPUTS, outputs, strict=True)}


def decode(
    values: dict[str, Float32[np.ndarray, "_ _"]], width: int
) -> tuple[Float64[np.ndarray, "N 4"], Float64[np.ndarray, "N 5 2"], Float64[np.ndarray, " N"]]:
    """Boxes, points and scores of every cell of the three maps.

    A cell in column c and row r of stride s, with outputs b and k, means the centre (c + b0, r + b1)
    s, the size (exp b2, exp b3) s and the points ((c, r) + k) s; its score is √(class · objectness).

    Args:
        values: Outputs by name, one row per cell, row by row of the picture.
        width: Of the network's input, in pixels.
    """
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        offset = values[f"bbox_{stride}"].astype(np.float64)
        index = np.arange(len(offset))
        cell = np.stack([index % (width // stride), index // (width // stride)], 1).astype(float)
        centre = (cell + offset[:, :2]) * stride
        half = np.exp(np.minimum(offset[:, 2:], 20.0)) * stride / 2
        boxes.append(np.concatenate([centre - half, centre + half], 1))
        shift = values[f"kps_{stride}"].astype(np.float64).reshape(-1, 5, 2)
        points.append((cell[:, None] + shift) * stride)
        chances = [_unit(values[f"{kind}_{stride}"]) for kind in ("cls", "obj")]
        scores.append(np.sqrt(chances[0] * chances[1]))
    return np.concatenate(boxes), np.concatenate(points), np.concatenate(scores)


def _unit(chances: Float[np.ndarray, "N 1"]) -> Float64[np.ndarray, " N"]:
    return np.clip(np.nan_to_num(chances[:, 0].astype(np.float64)), 0.0, 1.0)
