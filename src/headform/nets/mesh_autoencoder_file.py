"""A mesh autoencoder as the tensors of one model file, which carries its mesh hierarchy and needs nothing else.

V vertices of the finest level.

    encoder.*, decoder.*         the weights, single precision
    normalization.mean, .std     (V, 3) single precision: half a tenth of a millimeter would be lost in half precision
    hierarchy.*                  `MeshHierarchy.to_tensors`, whole numbers in as few bytes as hold them, weights single

What is read back gives the same codes and vertices to the bit as what was written.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headform.mesh.hierarchy import MeshHierarchy
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig

_PREFIX = "hierarchy."


def model_tensors(net: MeshAutoencoder) -> dict[str, Tensor]:
    """Everything that `model_of` builds the network from, except its configuration."""
    carried = {_PREFIX + name: _packed(a) for name, a in net.hierarchy.to_tensors().items()}
    return dict(net.state_dict()) | carried


def model_of(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> MeshAutoencoder:
    """The network for a configuration and a file's tensors, on the hierarchy of the file; weights are not yet loaded.

    Raises:
        WeightsError: `hierarchy_damaged`.
        ValueError, TypeError: a configuration of something else.
    """
    carried = {n.removeprefix(_PREFIX): t.numpy() for n, t in tensors.items() if n.startswith(_PREFIX)}
    return MeshAutoencoder(MeshAutoencoderConfig(**config), MeshHierarchy.from_tensors(carried))


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a file's tensors that is the network's state."""
    return {n: t for n, t in tensors.items() if not n.startswith(_PREFIX)}


def _packed(array: np.ndarray) -> Tensor:
    if array.dtype == np.int32 and array.size and array.min() >= 0 and array.max() < 1 << 16:
        array = array.astype(np.uint16)
    return torch.from_numpy(array)
