"""Load embedders from files: networks of the registry, or any ONNX network of 112 pixels.

B faces, S side of a crop, D numbers of an embedding.
"""

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Float32, UInt8

from headform.errors import UsageError, WeightsError
from headform.io.onnx_file import open_session
from headform.nets.recognition.crops import ARCFACE, CropSpec
from headform.nets.recognition.embedder import Embedder, TorchEmbedder, unit_rows
from headform.nets.recognition.registry import NETWORKS, ONNX, load_recognition

_MAX_BYTES = 1 << 30
_ADVICE = "give the file as its publisher made it, or another kind"


def load_embedder(spec: str) -> Embedder:
    """Load the embedder of ``FILE`` or ``KIND:FILE``.

    Args:
        spec: File, with an optional kind of `registry`; without it an ``.onnx`` file counts as ``onnx`` and the kind of a
            checkpoint is inferred. ``KIND:PART@FILE`` names the state dict in a checkpoint, as in
            ``arcface:arcface@mica.tar``.

    Raises:
        UsageError: `embedder_kind` for an unknown kind; `onnx_missing` without onnxruntime.
        WeightsError: see `registry.load_recognition` and `OnnxEmbedder`.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or (kind not in (*NETWORKS, *ONNX) and Path(spec).exists()):
        kind, rest = "", spec
    if kind and kind not in (*NETWORKS, *ONNX):
        raise UsageError(
            "embedder_kind",
            f"unknown kind of embedder `{kind}`",
            spec,
            f"choose from {', '.join((*NETWORKS, *ONNX))}, or give the file alone",
        )
    part, at, file = rest.partition("@")
    if not at or Path(rest).exists():
        part, file = "", rest
    path = Path(file)
    if kind in ONNX or (not kind and path.suffix.lower() == ".onnx"):
        return OnnxEmbedder(path, ONNX[kind or "onnx"])
    found, net = load_recognition(path, kind or None, part or None)
    return TorchEmbedder(f"{found} {path.name}", net, NETWORKS[found].crop)


class _Port(NamedTuple):
    """Input or output of an ONNX network; axes of any length have a name."""

    name: str
    shape: list[Any]
    type: str


class OnnxEmbedder:
    """An ONNX network with a crop like ArcFace's."""

    def __init__(self, path: Path | str, crop: CropSpec = ARCFACE) -> None:
        """Load the network.

        Raises:
            UsageError: `onnx_missing` without onnxruntime.
            WeightsError: `weights_missing`; `weights_damaged` when it is no ONNX file or names files outside itself;
                `weights_mismatch` when its input or output is not that of an embedder.
        """
        self.name, self.crop, self._where = f"onnx {Path(path).name}", crop, repr(str(path))
        self._session = open_session(path, max_bytes=_MAX_BYTES, fix=_ADVICE)
        try:
            inputs, outputs = _ports(self._session.get_inputs()), _ports(self._session.get_outputs())
        except UnicodeDecodeError:
            self._refuse("the name of an input, output or axis is not UTF-8")
        wanted = [3 if crop.channels != "gray" else 1, crop.side, crop.side]
        shape = inputs[0].shape if inputs else []
        if len(inputs) != 1 or len(shape) != 4 or not _fits(shape[1:], wanted):
            there = ", ".join(f"{i.name} {i.shape}" for i in inputs)
            self._refuse(f"its input is {there or 'nothing'}, expected one of [B, {wanted}]")
        if inputs[0].type != "tensor(float)":
            self._refuse(f"its input has the type {inputs[0].type}, expected tensor(float)")
        if len(outputs) != 1 or len(outputs[0].shape) != 2:
            there = ", ".join(f"{o.name} {list(o.shape)}" for o in outputs)
            self._refuse(f"its output is {there or 'nothing'}, expected one of [B, D]")
        self._input = inputs[0].name
        self._one = shape[0] == 1  # exported for one face at a time

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Return unit vectors of RGB crops.

        Raises:
            WeightsError: `weights_mismatch` when the network cannot be run, `weights_nan` when its output is not finite.
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
            self._refuse(f"its output is {answer.dtype} {answer.shape} for {len(values)} faces")
        return answer.astype(np.float32)

    def _refuse(self, what: str) -> NoReturn:
        what = f"the ONNX file is not an embedder: {what}"
        raise WeightsError("weights_mismatch", what, self._where, _ADVICE)


def _ports(nodes: list[Any]) -> list[_Port]:
    """Read names and shapes, which onnxruntime decodes only when they are asked for."""
    return [_Port(node.name, list(node.shape), node.type) for node in nodes]


def _fits(shape: list[Any], wanted: list[int]) -> bool:
    """Return whether an input shape accepts the wanted one; names stand for any length."""
    return all(not isinstance(n, int) or n == w for n, w in zip(shape, wanted, strict=True))
