"""Reader of the published checkpoint of MICA (Zielonka et al. 2022), as a face encoder of FLAME's shape.

The file holds ArcFace under the key ``arcface`` and, beside it, the mapping network together with tensors of FLAME. The
names of the latter are not relied upon: the mapping network is the one chain of linear layers from 512 numbers over hidden
layers to 300. The weights are for research without commerce; nothing of the file is executed.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from torch import Tensor

from headform.errors import WeightsError
from headform.io.torch_file import read_torch
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.recognition.iresnet_net import EMBEDDING
from headform.nets.recognition.registry import fill

SHAPE = 300
"""Shape coefficients of FLAME."""
_ARCFACE = "arcface/"
_ADVICE = "give the file as its publisher made it (mica.tar)"


def load_mica(path: Path | str) -> FaceEncoder:
    """Load the checkpoint, in evaluation mode.

    Raises:
        WeightsError: those of `read_torch`; ``weights_kind`` where the file has no ArcFace or no such mapping network, or
            several; those of `fill`.
    """
    where = repr(str(path))
    tensors = read_torch(path).tensors
    arcface = {name.removeprefix(_ARCFACE): t for name, t in tensors.items() if name.startswith(_ARCFACE)}
    if not arcface:
        some = ", ".join(sorted({name.split("/")[0] for name in tensors})[:6])
        raise WeightsError("weights_kind", f"no part named arcface; there are {some}", where, _ADVICE)
    mapping = _mapping({name: t for name, t in tensors.items() if not name.startswith(_ARCFACE)}, where)
    config = FaceEncoderConfig("iresnet100", "flame-shape", len(mapping[0][0]), len(mapping) - 2, "last")
    net = FaceEncoder(config)
    fill(net.backbone, {name.removeprefix("module."): t for name, t in arcface.items()}, where)
    names = [f"hidden.{k}" for k in range(len(mapping) - 1)] + ["output"]
    weights = {f"{name}.weight": weight for name, (weight, _) in zip(names, mapping, strict=True)}
    fill(net.mapping, weights | {f"{name}.bias": bias for name, (_, bias) in zip(names, mapping, strict=True)}, where)
    return net.eval()


def _mapping(tensors: Mapping[str, Tensor], where: str) -> list[tuple[Tensor, Tensor]]:
    """Find the layers of the mapping network, in order."""
    layers = []
    for name, weight in tensors.items():
        bias = tensors.get(name.removesuffix("weight") + "bias")
        if name.endswith("weight") and weight.dim() == 2 and bias is not None and bias.shape == weight.shape[:1]:
            layers.append((weight, bias))
    first = [k for k, (weight, _) in enumerate(layers) if weight.shape[1] == EMBEDDING]
    chain = layers[first[0] :] if len(first) == 1 else []
    fits = all(a.shape[0] == b.shape[1] for (a, _), (b, _) in pairwise(chain))
    if len(chain) < 2 or not fits or len(chain[-1][0]) != SHAPE:
        shapes = ", ".join(f"{tuple(weight.shape)}" for weight, _ in layers[:8]) or "no linear layers"
        raise WeightsError(
            "weights_kind", f"no mapping network from {EMBEDDING} to {SHAPE} numbers: {shapes}", where, _ADVICE
        )
    return chain
