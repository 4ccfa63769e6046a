"""Load the networks that ship inside the package, or other weights of the same kind."""

from collections.abc import Callable, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from headform.errors import HeadformError, WeightsError
from headform.io.model_file import check_state, load_model
from headform.nets.detection.yunet_net import YuNet, YuNetConfig
from headform.nets.identity_net import IdentityNet, IdentityNetConfig
from headform.nets.landmarks.dense_net import DenseNet, DenseNetConfig
from headform.nets.landmarks.face_mesh_net import FaceMeshConfig, FaceMeshNet
from headform.nets.landmarks.landmarks68_net import Landmarks68Config, Landmarks68Net
from headform.nets.landmarks.pfld_net import PfldConfig, PfldNet
from headform.nets.mesh_autoencoder_file import model_of, weights_of
from headform.nets.mesh_autoencoder_net import MeshAutoencoder

DENSE_FILE, IDENTITY_FILE = "dense_landmarks.safetensors", "identity.safetensors"
MESH_AUTOENCODER_FILE = "mesh_autoencoder.safetensors"
YUNET_FILE = "yunet.safetensors"
FACE_MESH_FILE, LANDMARKS68_FILE = "face_mesh.safetensors", "landmarks68.safetensors"
PFLD_FILE = "pfld.safetensors"
KINDS: Mapping[type[nn.Module], str] = {
    DenseNet: "dense landmarks",
    IdentityNet: "identity",
    MeshAutoencoder: "mesh autoencoder",
    YuNet: "face detector",
    FaceMeshNet: "face mesh",
    Landmarks68Net: "68 landmarks",
    PfldNet: "PFLD landmarks",
}
"""What the card of each network calls it."""

_Net = TypeVar("_Net", bound=nn.Module)


def load_dense(path: Path | None = None) -> tuple[DenseNet, dict[str, Any]]:
    """The dense landmark network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, DENSE_FILE, DenseNet, DenseNetConfig)


def load_identity(path: Path | None = None) -> tuple[IdentityNet, dict[str, Any]]:
    """The identity network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, IDENTITY_FILE, IdentityNet, IdentityNetConfig)


def load_yunet(path: Path | None = None) -> tuple[YuNet, dict[str, Any]]:
    """The face detector's network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, YUNET_FILE, YuNet, YuNetConfig)


def load_face_mesh(path: Path | None = None) -> tuple[FaceMeshNet, dict[str, Any]]:
    """MediaPipe's face mesh network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, FACE_MESH_FILE, FaceMeshNet, FaceMeshConfig)


def load_landmarks68(path: Path | None = None) -> tuple[Landmarks68Net, dict[str, Any]]:
    """face-api's network of the 68 points and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, LANDMARKS68_FILE, Landmarks68Net, Landmarks68Config)


def load_pfld(path: Path | None = None) -> tuple[PfldNet, dict[str, Any]]:
    """PFLD and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load_image_net(path, PFLD_FILE, PfldNet, PfldConfig)


def load_mesh_autoencoder(path: Path | None = None) -> tuple[MeshAutoencoder, dict[str, Any]]:
    """The mesh autoencoder and its model card; the open head's, which is shipped, unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    return _load(path, MESH_AUTOENCODER_FILE, MeshAutoencoder, model_of)


def _load_image_net(
    path: Path | None, name: str, kind: type[_Net], config: Callable[..., Any]
) -> tuple[_Net, dict[str, Any]]:
    """A network that is made of its configuration alone, its weights laid out with the channels last."""
    net, card = _load(path, name, kind, lambda sizes, _: kind(config(**sizes)))
    return net.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]


def _load(
    path: Path | None,
    name: str,
    kind: type[_Net],
    build: Callable[[dict[str, Any], dict[str, Tensor]], _Net],
) -> tuple[_Net, dict[str, Any]]:
    """The network of one file, in evaluation mode, and its card."""
    tensors, card, where = _read(path, name)
    config = _config(card, KINDS[kind], where)
    try:
        net = build(config, tensors)
    except (HeadformError, KeyError, TypeError, ValueError) as error:
        what = f"these are no weights of a {KINDS[kind]} network: {error}"[:300]
        advice = "use weights that this version of the network saved"
        raise WeightsError("weights_mismatch", what, where, advice) from error
    state = weights_of(tensors)
    check_state(net, state, where)
    net.load_state_dict(state)
    return net.eval(), card


def _read(path: Path | None, name: str) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    if path is not None:
        return (*load_model(path), str(path))
    with as_file(files("headform") / "nets" / "assets" / name) as shipped:
        # the card lies beside it; an unpacked wheel keeps both in one folder
        return (*load_model(shipped), name)


def _config(card: dict[str, Any], kind: str, where: str) -> dict[str, Any]:
    found = card.get("kind")
    if found != kind:
        raise WeightsError(
            "weights_kind",
            f"weights of kind {found!r}, expected {kind!r}",
            where,
            f"give {kind} weights",
        )
    config = card.get("config")
    sizes = config.get("net") if isinstance(config, dict) else None
    if not isinstance(sizes, dict):
        raise WeightsError("card_damaged", "the model card lacks the sizes of the network", where)
    return {k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()}
