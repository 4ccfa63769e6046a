"""Registry of recognition networks: architecture, crop and loader by kind. Published files are read as data, never run.

| kind | network | published file | crop |
|---|---|---|---|
| ``arcface`` | `iresnet_net.IResNet` | insightface's arcface_torch `.pth`; part `arcface` of MICA's | 112, RGB, ±1 |
| ``facenet`` | `inception_resnet_v1_net.InceptionResnetV1` | facenet-pytorch's `.pt` | 160, RGB, (x − 127.5) / 128 |
| ``lightcnn`` | `light_cnn_net`: 9, 29, 29 version 2 | `LightCNN_*_checkpoint.pth.tar` | 128, gray, x / 255 |
| ``evolve`` | `evolve_ir_net.EvolveIR`: IR and IR-SE 50, 101, 152 | face.evoLVe's `backbone_ir*.pth` | 112, RGB, ±1 |
| ``mobilefacenet`` | `mobilefacenet_net.MobileFaceNet` | the one that ships | 112, RGB, ImageNet |
| ``dlib`` | `dlib_resnet_net.DlibResNet` | face-api's manifest with its .bin, or their folder | 150, RGB |
| ``onnx`` | any of 112 pixels | one input (B, 3, 112, 112), one output (B, D) | 112, RGB, ±1 |
| ``onnx-bgr`` | the same | such as AdaFace | 112, BGR, ±1 |
| ``onnx-raw`` | the same | such as OpenCV's SFace | 112, RGB, 0 to 255 |
| ``onnx-imagenet`` | the same | | 112, RGB, ImageNet's mean and deviation |

The first six may also be .safetensors files with the same names (`headform weights convert`). An ONNX file does not say
how its input is to be scaled; with a wrong kind everyone may look alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from headform.errors import UsageError, WeightsError
from headform.io.model_file import check_state
from headform.io.torch_file import state_dict_of
from headform.nets.recognition import inception_resnet_v1_net, light_cnn_net
from headform.nets.recognition.crops import ARCFACE, DLIB, FACENET, IMAGENET_112, LIGHT_CNN, CropSpec
from headform.nets.recognition.dlib_resnet_net import DlibResNet, is_manifest, read_dlib_weights
from headform.nets.recognition.evolve_ir_net import EvolveIR
from headform.nets.recognition.inception_resnet_v1_net import InceptionResnetV1
from headform.nets.recognition.iresnet_net import LAYERS, IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet

_ADVICE = "give the file as its publisher made it, or another kind"


@dataclass(frozen=True)
class RecognitionNetwork:
    """A published architecture.

    Attributes:
        crop: Crop and range of its input.
        signatures: Tensor names of which its checkpoints have one and others none.
        build: Function from a checkpoint to a network without weights.
        ignored: Prefixes of tensor names in checkpoints that are left out: the classifier's.
    """

    crop: CropSpec
    signatures: tuple[str, ...]
    build: Callable[[Mapping[str, Tensor]], nn.Module]
    ignored: tuple[str, ...] = ()


def _iresnet(state: Mapping[str, Tensor]) -> nn.Module:
    """Build the published size whose number of blocks is nearest to the checkpoint's."""
    count = sum(name.endswith(".prelu.weight") for name in state)
    return IResNet(min(LAYERS.values(), key=lambda layers: abs(sum(layers) - count)))


NETWORKS: Mapping[str, RecognitionNetwork] = {
    "arcface": RecognitionNetwork(ARCFACE, ("layer1.0.prelu.weight",), _iresnet),
    "facenet": RecognitionNetwork(
        FACENET, ("conv2d_1a.conv.weight",), lambda _: InceptionResnetV1(), inception_resnet_v1_net.CLASSIFIER
    ),
    "lightcnn": RecognitionNetwork(
        LIGHT_CNN,
        ("group1.conv_a.filter.weight", "features.2.conv_a.filter.weight"),
        light_cnn_net.light_cnn_of,
        light_cnn_net.CLASSIFIER,
    ),
    "evolve": RecognitionNetwork(ARCFACE, ("input_layer.0.weight",), EvolveIR.of),
    "mobilefacenet": RecognitionNetwork(IMAGENET_112, ("stage3.0.depthwise.weight",), lambda _: MobileFaceNet()),
    "dlib": RecognitionNetwork(DLIB, ("conv256_down_out.conv2.conv.weight",), lambda _: DlibResNet()),
}
"""Networks with an architecture here, by kind."""
ONNX: Mapping[str, CropSpec] = {
    "onnx": ARCFACE,
    "onnx-bgr": replace(ARCFACE, channels="bgr"),
    "onnx-raw": replace(ARCFACE, offset=(0.0,), divisor=(1.0,)),
    "onnx-imagenet": IMAGENET_112,
}
"""Crops of ONNX networks, by kind."""


def load_recognition(path: Path | str, kind: str | None = None, part: str | None = None) -> tuple[str, nn.Module]:
    """Load a recognition network with the weights of a file, in evaluation mode.

    Args:
        path: A PyTorch checkpoint, a .safetensors file, or face-api's manifest (dlib).
        kind: One of `NETWORKS`; inferred from the tensor names in the file if None.
        part: Key of the state dict in the checkpoint; see `io.torch_file.state_dict_of`.

    Returns:
        The kind and the network.

    Raises:
        UsageError: `embedder_kind` for an unknown kind.
        WeightsError: `weights_missing`, `weights_damaged`, `unsafe_pickle`; `weights_kind` when the tensor names match no
            known network; what `fill` raises when a tensor does not fit.
    """
    where = repr(str(path))
    if kind is not None and kind not in NETWORKS:
        what = f"unknown kind of recognition network `{kind}`"
        raise UsageError("embedder_kind", what, where, f"choose from {', '.join(NETWORKS)}")
    path = Path(path)
    state = read_dlib_weights(path) if is_manifest(path) else state_dict_of(path, part)
    if kind is None:
        found = [name for name, known in NETWORKS.items() if any(mark in state for mark in known.signatures)]
        if len(found) != 1:
            some = ", ".join(list(state)[:5]) or "nothing"
            what = f"the tensor names match no known recognition network: {some}"
            raise WeightsError("weights_kind", what, where, f"give weights of one of {', '.join(NETWORKS)}")
        kind = found[0]
    known = NETWORKS[kind]
    with torch.device("meta"):
        net = known.build(state)
    fill(net, {n: tensor for n, tensor in state.items() if not n.startswith(known.ignored)}, where)
    return kind, net.eval()


def fill(net: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Set the weights of a network, all of them or none.

    Batch counters, which old checkpoints lack, may be missing; inference does not use them.

    Args:
        net: Any network, also on the device ``meta``.
        state: Tensors by the network's names.
        where: The file, for error messages.

    Raises:
        WeightsError: what `check_state` raises for foreign tensors; `weights_nan`.
    """
    wanted = net.state_dict()
    given = {name: torch.tensor(0) for name in wanted if name.endswith("num_batches_tracked")} | dict(state)
    check_state(net, given, where, foreign=True)
    for name, tensor in given.items():
        if not torch.isfinite(tensor.float()).all():
            raise WeightsError("weights_nan", f"{name} holds NaN or infinity", where, _ADVICE)
    net.load_state_dict({n: tensor.to(wanted[n].dtype).contiguous() for n, tensor in given.items()}, assign=True)
