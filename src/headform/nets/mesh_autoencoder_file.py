"""Conversion of a network on a mesh hierarchy to the tensors of one self-contained model file, hierarchy included.

V vertices of the finest level.

    encoder.*, decoder.*         the weights, single precision
    normalization.mean, .std     (V, 3) single precision: half precision would lose 0.05 mm
    hierarchy.*                  `MeshHierarchy.to_tensors`, whole numbers in as few bytes as hold them, weights single

A network that is written and read back gives the same codes and vertices to the bit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headform.mesh.hierarchy import MeshHierarchy
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.nets.texture_net import TextureNet

_PREFIX = "hierarchy."


def model_tensors(net: MeshAutoencoder | TextureNet) -> dict[str, Tensor]:
    """Collect all tensors from which the network can be built."""
    carried = {_PREFIX + name: _packed(a) for name, a in net.hierarchy.to_tensors().items()}
    return dict(net.state_dict()) | carried


def model_of(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> MeshAutoencoder:
    """Build the network from a configuration and the hierarchy in a file's tensors; weights are not loaded yet.

    Raises:
        WeightsError: `hierarchy_damaged`.
        ValueError, TypeError: a configuration of another network.
    """
    return MeshAutoencoder(MeshAutoencoderConfig(**config), hierarchy_of(tensors))


def hierarchy_of(tensors: Mapping[str, Tensor]) -> MeshHierarchy:
    """Read the mesh hierarchy of a file's tensors.

    Raises:
        WeightsError: `hierarchy_damaged`.
    """
    carried = {n.removeprefix(_PREFIX): t.numpy() for n, t in tensors.items() if n.startswith(_PREFIX)}
    return MeshHierarchy.from_tensors(carried)


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Select the tensors of the network's state."""
    return {n: t for n, t in tensors.items() if not n.startswith(_PREFIX)}


def _packed(array: np.ndarray) -> Tensor:
    if array.dtype == np.int32 and array.size and array.min() >= 0 and array.max() < 1 << 16:
        array = array.astype(np.uint16)
    return torch.from_numpy(array)
