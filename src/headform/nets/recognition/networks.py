"""The recognition networks by kind, and their weights from published files, read as data.

| kind | network | published file |
|---|---|---|
| ``arcface`` | `iresnet.IResNet`, 18 to 100 layers | insightface's arcface_torch `.pth`; part `arcface` of MICA's |
| ``facenet`` | `inception_resnet_v1.InceptionResnetV1` | facenet-pytorch's `.pt` |
| ``lightcnn`` | `light_cnn.LightCNN29v2` | `LightCNN_29Layers_V2_checkpoint.pth.tar` |
| ``evolve`` | `evolve_ir50.EvolveIR50` | face.evoLVe's `backbone_ir50_*.pth` |

Each may also be a .safetensors file with the same names (`headform weights convert`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from headform.errors import UsageError, WeightsError
from headform.io.model_file import check_state
from headform.io.torch_file import state_dict_of
from headform.nets.recognition import inception_resnet_v1, light_cnn
from headform.nets.recognition.evolve_ir50 import EvolveIR50
from headform.nets.recognition.inception_resnet_v1 import InceptionResnetV1
from headform.nets.recognition.iresnet import LAYERS, IResNet
from headform.nets.recognition.light_cnn import LightCNN29v2

_ADVICE = "give the file as its publisher made it, or another kind"


@dataclass(frozen=True)
class Kind:
    """A published architecture.

    Attributes:
        sign: A name that only its checkpoints have.
        build: A network for a checkpoint, not filled.
        without: Beginnings of names in checkpoints that are left out: the classifier's.
    """

    sign: str
    build: Callable[[Mapping[str, Tensor]], nn.Module]
    without: tuple[str, ...] = ()


def _iresnet(state: Mapping[str, Tensor]) -> nn.Module:
    """Of as many blocks as there are; the nearest published size where that is none."""
    count = sum(name.endswith(".prelu.weight") for name in state)
    return IResNet(min(LAYERS.values(), key=lambda layers: abs(sum(layers) - count)))


KINDS: Mapping[str, Kind] = {
    "arcface": Kind("layer1.0.prelu.weight", _iresnet),
    "facenet": Kind("conv2d_1a.conv.weight", lambda _: InceptionResnetV1(), inception_resnet_v1.CLASSIFIER),
    "lightcnn": Kind("group1.conv_a.filter.weight", lambda _: LightCNN29v2(), light_cnn.CLASSIFIER),
    "evolve": Kind("input_layer.0.weight", lambda _: EvolveIR50()),
}
"""By name."""


def load_recognition(path: Path | str, kind: str | None = None, part: str | None = None) -> tuple[str, nn.Module]:
    """A recognition network with the weights of a file, in evaluation mode.

    Args:
        path: A PyTorch checkpoint or a .safetensors file.
        kind: One of `KINDS`; known by the names in the file if None.
        part: The table in the checkpoint that holds the network; see `weights.torch_file.state_dict_of`.

    Returns:
        The kind and the network.

    Raises:
        UsageError: `embedder_kind` for a kind that is not known.
        WeightsError: `weights_missing`, `weights_damaged`, `unsafe_pickle`; `weights_kind` when the names are of no known
            network; what `fill` raises when a tensor does not fit.
    """
    where = repr(str(path))
    if kind is not None and kind not in KINDS:
        what = f"there is no kind of recognition network `{kind}`"
        raise UsageError("embedder_kind", what, where, f"choose from {', '.join(KINDS)}")
    state = state_dict_of(path, part)
    if kind is None:
        found = [name for name, known in KINDS.items() if known.sign in state]
        if len(found) != 1:
            some = ", ".join(list(state)[:5]) or "nothing"
            what = f"the names are of no recognition network that is known: {some}"
            raise WeightsError("weights_kind", what, where, f"it may be of {', '.join(KINDS)}")
        kind = found[0]
    known = KINDS[kind]
    with torch.device("meta"):
        net = known.build(state)
    left_out = known.without or ("\0",)
    fill(net, {n: tensor for n, tensor in state.items() if not n.startswith(left_out)}, where)
    return kind, net.eval()


def fill(net: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Give a network its weights, all of them or none.

    Counters of batches, which old checkpoints lack, may be missing; they say nothing to a network that is only used.

    Args:
        net: Any network, also on the device ``meta``.
        state: By the network's names.
        where: The file, for messages.

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
