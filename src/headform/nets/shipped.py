"""Load the networks that ship inside the package, or other weights of the same kind.

Every loader takes the path of a safetensors file, or None for the shipped weights, and raises a `WeightsError` when the
weights are missing, damaged or of another kind. Networks come in evaluation mode on the CPU.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from headform.errors import HeadformError, WeightsError
from headform.io.model_file import card_path, check_state, load_model
from headform.nets.cover_net import CoverNet, CoverNetConfig
from headform.nets.detection.yunet_net import YuNet, YuNetConfig
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.landmarks.dense_net import DenseNet, DenseNetConfig
from headform.nets.landmarks.face_mesh_net import FaceMeshConfig, FaceMeshNet
from headform.nets.landmarks.landmarks68_net import Landmarks68Config, Landmarks68Net
from headform.nets.landmarks.pfld_net import PfldConfig, PfldNet
from headform.nets.landmarks.student_net import StudentNet, StudentNetConfig
from headform.nets.mesh_autoencoder_file import hierarchy_of, model_of, weights_of
from headform.nets.mesh_autoencoder_net import MeshAutoencoder
from headform.nets.parsing_net import ParsingNet, ParsingNetConfig
from headform.nets.recognition.iresnet_net import IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet, MobileFaceNetConfig
from headform.nets.texture_net import TextureNet, TextureNetConfig


@dataclass(frozen=True)
class ShippedNetwork:
    """File name of the weights in `nets/assets`, and `kind` in the model card beside them."""

    file: str
    kind: str


SHIPPED: Mapping[type[nn.Module], ShippedNetwork] = {
    DenseNet: ShippedNetwork("dense_landmarks.safetensors", "dense landmarks"),
    FaceEncoder: ShippedNetwork("face_encoder.safetensors", "face encoder"),
    MeshAutoencoder: ShippedNetwork("mesh_autoencoder.safetensors", "mesh autoencoder"),
    YuNet: ShippedNetwork("yunet.safetensors", "face detector"),
    FaceMeshNet: ShippedNetwork("face_mesh.safetensors", "face mesh"),
    Landmarks68Net: ShippedNetwork("landmarks68.safetensors", "68 landmarks"),
    PfldNet: ShippedNetwork("pfld.safetensors", "PFLD landmarks"),
    CoverNet: ShippedNetwork("cover.safetensors", "covers"),
    ParsingNet: ShippedNetwork("parsing.safetensors", "face parsing"),
    MobileFaceNet: ShippedNetwork("mobilefacenet.safetensors", "recognition"),
    TextureNet: ShippedNetwork("texture.safetensors", "texture"),
}

NOT_SHIPPED: Mapping[type[nn.Module], ShippedNetwork] = {
    StudentNet: ShippedNetwork("student_landmarks.safetensors", "student landmarks"),
    IResNet: ShippedNetwork("iresnet.safetensors", "recognition"),
}
"""Networks that are trained and loaded in the same way, and have no weights in the package."""
NETWORKS: Mapping[type[nn.Module], ShippedNetwork] = {**SHIPPED, **NOT_SHIPPED}

_Net = TypeVar("_Net", bound=nn.Module)


def load_dense(path: Path | None = None) -> tuple[DenseNet, dict[str, Any]]:
    """Load the dense landmark network and its model card."""
    return _load_image_net(path, DenseNet, DenseNetConfig)


def load_student(path: Path) -> tuple[StudentNet, dict[str, Any]]:
    """Load a student network and its model card; none ships."""
    return _load_image_net(path, StudentNet, StudentNetConfig)


def load_landmarks_net(path: Path | None = None) -> tuple[DenseNet | StudentNet, dict[str, Any]]:
    """Load a dense network or a student, whichever the file is by its card; the shipped dense network without one."""
    if path is not None:
        _check_named(path)
        if load_model(path)[1].get("kind") == NETWORKS[StudentNet].kind:
            return load_student(path)
    return load_dense(path)


def load_face_encoder(path: Path | None = None) -> tuple[FaceEncoder, dict[str, Any]]:
    """Load a face encoder and its model card; the one that ships is the open head's."""
    return _load_image_net(path, FaceEncoder, FaceEncoderConfig)


def load_yunet(path: Path | None = None) -> tuple[YuNet, dict[str, Any]]:
    """Load the face detector's network and its model card."""
    return _load_image_net(path, YuNet, YuNetConfig)


def load_face_mesh(path: Path | None = None) -> tuple[FaceMeshNet, dict[str, Any]]:
    """Load MediaPipe's face mesh network and its model card."""
    return _load_image_net(path, FaceMeshNet, FaceMeshConfig)


def load_landmarks68(path: Path | None = None) -> tuple[Landmarks68Net, dict[str, Any]]:
    """Load face-api's network of the 68 points and its model card."""
    return _load_image_net(path, Landmarks68Net, Landmarks68Config)


def load_pfld(path: Path | None = None) -> tuple[PfldNet, dict[str, Any]]:
    """Load PFLD and its model card."""
    return _load_image_net(path, PfldNet, PfldConfig)


def load_cover(path: Path | None = None) -> tuple[CoverNet, dict[str, Any]]:
    """Load the network of covers and its model card."""
    return _load_image_net(path, CoverNet, CoverNetConfig)


def load_parsing(path: Path | None = None) -> tuple[ParsingNet, dict[str, Any]]:
    """Load the network that parses faces and its model card."""
    return _load_image_net(path, ParsingNet, ParsingNetConfig)


def load_mobilefacenet(path: Path | None = None) -> tuple[MobileFaceNet, dict[str, Any]]:
    """Load MobileFaceNet, the recognition network that ships, and its model card."""
    return _load_image_net(path, MobileFaceNet, MobileFaceNetConfig)


def load_mesh_autoencoder(path: Path | None = None) -> tuple[MeshAutoencoder, dict[str, Any]]:
    """Load a mesh autoencoder and its model card; the one that ships is the open head's."""
    return _load(path, MeshAutoencoder, model_of)


def load_texture(path: Path | None = None) -> tuple[TextureNet, dict[str, Any]]:
    """Load texture networks and their model card; those that ship are the open head's."""
    return _load(path, TextureNet, lambda sizes, tensors: TextureNet(TextureNetConfig(**sizes), hierarchy_of(tensors)))


def _load_image_net(path: Path | None, net: type[_Net], config: Callable[..., Any]) -> tuple[_Net, dict[str, Any]]:
    """Load a network that its configuration determines; its weights are laid out with the channels last."""
    loaded, card = _load(path, net, lambda sizes, _: net(config(**sizes)))
    return loaded.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]


def _load(
    path: Path | None,
    kind: type[_Net],
    build: Callable[[dict[str, Any], dict[str, Tensor]], _Net],
) -> tuple[_Net, dict[str, Any]]:
    """Load the network of one file, in evaluation mode, and its card."""
    known = NETWORKS[kind]
    tensors, card, where = _read(path, known.file)
    config = _config(card, known.kind, where)
    try:
        net = build(config, tensors)
    except (HeadformError, KeyError, TypeError, ValueError) as error:
        what = f"the weights do not fit a {known.kind} network: {error}"[:300]
        advice = "use weights that this version of the network saved"
        raise WeightsError("weights_mismatch", what, where, advice) from error
    state = weights_of(tensors)
    check_state(net, state, where)
    net.load_state_dict(state)
    return net.eval(), card


def _read(path: Path | None, name: str) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    if path is not None:
        _check_named(path)
        return (*load_model(path), str(path))
    with as_file(files("headform") / "nets" / "assets" / name) as shipped:
        # load_model reads the card beside it, which an installed package keeps in the same folder
        return (*load_model(shipped), name)


def _check_named(path: Path) -> None:
    """Reject a path that a user has named and that is no file of weights with a card, by what it is."""
    where, advice = str(path), "give a .safetensors file of `headform train`, with its .json card beside it"
    if not path.is_file():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise WeightsError("weights_missing", what, where, advice)
    if not card_path(path).is_file():
        what = f"no weights of headform: {card_path(path).name} is not beside it"
        raise WeightsError("weights_missing", what, where, advice)


def _config(card: dict[str, Any], kind: str, where: str) -> dict[str, Any]:
    found = card.get("kind", card.get("name"))
    if found != kind:
        raise WeightsError(
            "weights_kind",
            f"the weights are of kind {found!r}, expected {kind!r}",
            where,
            f"give {kind} weights",
        )
    config = card.get("config")
    sizes = config.get("net") if isinstance(config, dict) else None
    if not isinstance(sizes, dict):
        raise WeightsError("card_damaged", "the model card lacks the sizes of the network", where)
    return {k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()}
