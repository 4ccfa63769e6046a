"""Load the networks that ship inside the package, or other weights of the same kind."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch

from headform.errors import WeightsError
from headform.nets.dense import DenseNet, DenseNetConfig
from headform.nets.identity import IdentityNet, IdentityNetConfig
from headform.weights.model_file import check_state, load_model

DENSE_FILE, IDENTITY_FILE = "dense_landmarks.safetensors", "identity.safetensors"


def load_dense(path: Path | None = None) -> tuple[DenseNet, dict[str, Any]]:
    """The dense landmark network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    tensors, card, where = _read(path, DENSE_FILE)
    net = DenseNet(DenseNetConfig(**_config(card, "dense landmarks", where)))
    check_state(net, tensors, where)
    net.load_state_dict(tensors)
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, card


def load_identity(path: Path | None = None) -> tuple[IdentityNet, dict[str, Any]]:
    """The identity network and its model card; the shipped one unless `path` is given.

    Raises:
        WeightsError: missing, damaged or foreign weights.
    """
    tensors, card, where = _read(path, IDENTITY_FILE)
    net = IdentityNet(IdentityNetConfig(**_config(card, "identity", where)))
    check_state(net, tensors, where)
    net.load_state_dict(tensors)
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, card


def _read(path: Path | None, name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any], str]:
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
    config = dict(card["config"]["net"])
    return {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
