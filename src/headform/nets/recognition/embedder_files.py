"""Recognition networks from files: our own four architectures with published weights, and any ONNX network of 112 pixels.

B faces, S side of a crop, D numbers of an embedding. Weights are read as data (`weights.torch_file`, safetensors), never
run.

| kind | network | file | crop |
|---|---|---|---|
| ``arcface`` | IResNet 18, 34, 50, 100 | insightface's arcface_torch `.pth`, MICA's `arcface` | 112, RGB, ±1 |
| ``facenet`` | Inception-ResNet v1 | facenet-pytorch's `.pt` | 160, RGB, (x − 127.5) / 128 |
| ``lightcnn`` | LightCNN-29 v2 | `LightCNN_29Layers_V2_checkpoint.pth.tar` | 128, gray, x / 255 |
| ``evolve`` | face.evoLVe's IR-50 | `backbone_ir50_*.pth` | 112, RGB, ±1 |
| ``onnx`` | any of 112 pixels | one input (B, 3, 112, 112), one output (B, D) | 112, RGB, ±1 |
| ``onnx-bgr`` | the same | such as AdaFace | 112, BGR, ±1 |
| ``onnx-raw`` | the same | such as OpenCV's SFace | 112, RGB, 0 to 255 |
| ``onnx-imagenet`` | the same | | 112, RGB, ImageNet's mean and deviation |

An ONNX file does not say how its input is to be scaled; with a wrong kind everyone may look alike.

Crops are cut by five points (`embedder.CropSpec`). FaceNet alone was trained on squares about a detector's box instead,
stretched (MTCNN's box and a margin of 44 pixels at 182, of which 160 are shown). `FACENET` is the unstretched square that
shows as much: in pixels of ArcFace's crop MTCNN's box is 75 wide, 109 high, its middle at (57, 64), in the median of 40
photos.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from headform.errors import UsageError, WeightsError
from headform.io.onnx_file import open_session
from headform.nets.recognition import inception_resnet_v1, light_cnn
from headform.nets.recognition.embedder import (
    ARCFACE,
    CropSpec,
    Embedder,
    TorchEmbedder,
    arcface_points,
    eye_mouth_points,
    unit_rows,
)
from headform.nets.recognition.networks import load_recognition

_MAX_BYTES = 1 << 30
_ADVICE = "give the file as its publisher made it, or another kind"
# in pixels of ArcFace's crop: the mean of 75 and 109, widened by 182 / 138, narrowed by 160 / 182
_FACENET_SQUARE = 107.0
FACENET = CropSpec(
    inception_resnet_v1.SIDE,
    (arcface_points() - np.array([57.0, 64.0])) * (inception_resnet_v1.SIDE / _FACENET_SQUARE)
    + inception_resnet_v1.SIDE / 2,
    "rgb",
    (127.5,),
    (128.0,),
)
LIGHT_CNN = CropSpec(
    light_cnn.SIDE,
    eye_mouth_points(light_cnn.SIDE, light_cnn.EYES, light_cnn.MOUTH),
    "gray",
    (0.0,),
    (255.0,),
)
CROPS = {"arcface": ARCFACE, "facenet": FACENET, "lightcnn": LIGHT_CNN, "evolve": ARCFACE}
"""What our own networks want to see, by kind."""
ONNX = {
    "onnx": ARCFACE,
    "onnx-bgr": replace(ARCFACE, channels="bgr"),
    "onnx-raw": replace(ARCFACE, offset=(0.0,), divisor=(1.0,)),
    "onnx-imagenet": replace(ARCFACE, offset=(123.675, 116.28, 103.53), divisor=(58.395, 57.12, 57.375)),
}
"""Kinds of ONNX files, by name, and what they want to see."""


def load_embedder(spec: str) -> Embedder:
    """The network of a file, as ``FILE`` or ``KIND:FILE``.

    Args:
        spec: Without a kind, an ``.onnx`` file is taken as such and a checkpoint known by its names. ``KIND:PART@FILE``
            names the table in a checkpoint that holds the network, as in ``arcface:arcface@mica.tar``.

    Raises:
        UsageError: `embedder_kind` for a kind that is not known; `onnx_missing` without onnxruntime.
        WeightsError: What `nets.recognition.load_recognition` and `OnnxEmbedder` raise.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or (kind not in (*CROPS, *ONNX) and Path(spec).exists()):
        kind, rest = "", spec
    if kind and kind not in (*CROPS, *ONNX):
        raise UsageError(
            "embedder_kind",
            f"there is no kind of embedder `{kind}`",
            spec,
            f"choose from {', '.join((*CROPS, *ONNX))}, or give the file alone",
        )
    part, at, file = rest.partition("@")
    if not at or Path(rest).exists():
        part, file = "", rest
    path = Path(file)
    if kind in ONNX or (not kind and path.suffix.lower() == ".onnx"):
        return OnnxEmbedder(path, ONNX[kind or "onnx"])
    found, net = load_recognition(path, kind or None, part or None)
    return TorchEmbedder(f"{found} {path.name}", net, CROPS[found])


class OnnxEmbedder:
    """An ONNX network that sees ArcFace's crop."""

    def __init__(self, path: Path | str, crop: CropSpec = ARCFACE) -> None:
        """Load the network.

        Raises:
            UsageError: `onnx_missing` without onnxruntime.
            WeightsError: `weights_missing`; `weights_damaged` when it is no ONNX file or names files outside itself;
                `weights_mismatch` when its input or output is not that of an embedder.
        """
        self.name, self.crop, self._where = f"onnx {Path(path).name}", crop, repr(str(path))
        self._session = open_session(path, max_bytes=_MAX_BYTES, fix=_ADVICE)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        wanted = [3 if crop.channels != "gray" else 1, crop.side, crop.side]
        shape = list(inputs[0].shape) if inputs else []
        if len(inputs) != 1 or len(shape) != 4 or not _fits(shape[1:], wanted):
            there = ", ".join(f"{i.name} {list(i.shape)}" for i in inputs)
            self._refuse(f"its input is {there or 'nothing'}, expected one of [B, {wanted}]")
        if inputs[0].type != "tensor(float)":
            self._refuse(f"its input is of the type {inputs[0].type}")
        if len(outputs) != 1 or len(outputs[0].shape) != 2:
            there = ", ".join(f"{o.name} {list(o.shape)}" for o in outputs)
            self._refuse(f"its output is {there or 'nothing'}, expected one of [B, D]")
        self._input = inputs[0].name
        self._one = shape[0] == 1  # exported for one face at a time

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Unit vectors of RGB crops.

        Raises:
            WeightsError: `weights_mismatch` when it cannot be run, `weights_nan` when its answer is not finite.
        """
        values = self.crop.values(crops).numpy()
        size = 1 if self._one else 32
        found = [self._run(values[i : i + size]) for i in range(0, len(values), size)]
        return unit_rows(np.concatenate(found), self._where)

    def _run(self, values: Float32[np.ndarray, "b C S S"]) -> Float32[np.ndarray, "b D"]:
        try:
            answer = np.asarray(self._session.run(None, {self._input: values})[0])
        except Exception as error:  # onnxruntime raises its own classes
            what = f"the embedder cannot be run: {error}"[:200]
            raise WeightsError("weights_mismatch", what, self._where, _ADVICE) from error
        if answer.ndim != 2 or len(answer) != len(values) or answer.dtype.kind != "f":
            self._refuse(f"it answers {answer.dtype} {answer.shape} for {len(values)} faces")
        return answer.astype(np.float32)

    def _refuse(self, what: str) -> None:
        what = f"this ONNX file is no embedder: {what}"
        raise WeightsError("weights_mismatch", what, self._where, _ADVICE)


def _fits(shape: list[Any], wanted: list[int]) -> bool:
    """Whether an input shape takes what is wanted; names stand for any length."""
    return all(not isinstance(n, int) or n == w for n, w in zip(shape, wanted, strict=True))
