"""The convolutional mesh autoencoder (CoMA) on any mesh hierarchy; its encoder is the 3D-ID encoder of Xu et al. (2024).

*B any leading axes, V vertices of the mesh, L steps of the hierarchy, Z numbers of the code.

Layers, on a mesh of FLAME's 5023 vertices (levels 5023, 1256, 314, 79, 20), Cheb6 = Chebyshev convolution of six terms:

    encoder   4 x [Cheb6, bias, ReLU, pool] to 20 x 32; flatten; linear to 8; ReLU        11,640 parameters
    decoder   linear to 20 x 32, ReLU; 4 x [unpool, Cheb6, bias, ReLU]; Cheb6 to 3        18,416 parameters

Reference: Ranjan, Bolkart, Sanyal, Black, "Generating 3D Faces using Convolutional Mesh Autoencoders", ECCV 2018,
section 3 and table 1 (https://arxiv.org/abs/1807.10267), and its public TensorFlow code. Kept from that code: a ReLU on
the code (`latent_activation`), no bias and no activation on the last convolution.

Source: trained here on heads sampled from the open head (`headform train mesh-autoencoder`), MIT. Input and output:
vertices in meters, head frame; normalization lies inside.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import InputError, check_choice
from headform.graph.cheb_conv import Backend, ChebConv
from headform.graph.levels import GraphLevels
from headform.mesh.hierarchy import MeshHierarchy
from headform.nets.mesh_normalization import MeshNormalization

LatentActivation = Literal["relu", "linear"]
Init = Literal["coma", "balanced"]
"""``coma``: every weight from a normal distribution of 0.1 cut at 0.2, every bias 0.1, as in the original.
``balanced``: weights that keep the signal's variance from layer to layer (He et al. 2015, eq. 10), biases 0."""


@dataclass(frozen=True)
class MeshAutoencoderConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        latent: size Z of the code, 8 in the paper.
        encoder_channels: channels after each convolution, finest first; one per step of the hierarchy.
        decoder_channels: the same, coarsest first.
        num_terms: Chebyshev terms of every convolution (degree + 1).
        latent_activation: ``relu`` as in CoMA, where codes are not negative and units can die; ``linear`` for none.
        init: initialization of the weights, see `Init`.
    """

    latent: int = 8
    encoder_channels: tuple[int, ...] = (16, 16, 16, 32)
    decoder_channels: tuple[int, ...] = (32, 16, 16, 16)
    num_terms: int = 6
    latent_activation: LatentActivation = "relu"
    init: Init = "coma"

    def __post_init__(self) -> None:
        widths = (self.latent, self.num_terms, *self.encoder_channels, *self.decoder_channels)
        if min(widths) < 1 or not self.encoder_channels:
            raise ValueError(f"widths, terms and latent must be positive: {self}")
        if len(self.encoder_channels) != len(self.decoder_channels):
            raise ValueError(f"encoder and decoder need a width per step of the hierarchy: {self}")
        check_choice(self.latent_activation, get_args(LatentActivation), "latent_activation")
        check_choice(self.init, get_args(Init), "init")

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class MeshEncoder(nn.Module):
    """Encoder of normalized vertices; its output is the code before the activation."""

    def __init__(self, config: MeshAutoencoderConfig, counts: tuple[int, ...], backend: Backend) -> None:
        super().__init__()
        widths = (3, *config.encoder_channels)
        steps = list(pairwise(widths))
        self.convolutions = nn.ModuleList(
            ChebConv(a, b, config.num_terms, rectify=True, backend=backend) for a, b in steps
        )
        self.code = nn.Linear(counts[-1] * widths[-1], config.latent)

    def forward(self, x: Float[Tensor, "*B V 3"], levels: GraphLevels) -> Float[Tensor, "*B Z"]:
        """Filter and pool down to the coarsest level, then apply one linear map."""
        for level, (convolve, pool) in enumerate(zip(self.convolutions, levels.down, strict=True)):
            x = pool(convolve(x, levels.laplacians[level]))
        return self.code(x.flatten(-2))


class MeshDecoder(nn.Module):
    """Decoder of a code to normalized vertices."""

    def __init__(self, config: MeshAutoencoderConfig, counts: tuple[int, ...], backend: Backend) -> None:
        super().__init__()
        coarse = config.encoder_channels[-1]
        self.coarse_shape = (counts[-1], coarse)
        self.spread = nn.Linear(config.latent, counts[-1] * coarse)
        widths = (coarse, *config.decoder_channels)
        steps = list(pairwise(widths))
        self.convolutions = nn.ModuleList(
            ChebConv(a, b, config.num_terms, rectify=True, backend=backend) for a, b in steps
        )
        self.last = ChebConv(widths[-1], 3, config.num_terms, bias=False, backend=backend)

    def forward(self, code: Float[Tensor, "*B Z"], levels: GraphLevels) -> Float[Tensor, "*B V 3"]:
        """Apply one linear map to the coarsest level, then unpool and filter up to the finest."""
        x = torch.relu(self.spread(code)).unflatten(-1, self.coarse_shape)
        for step, convolve in enumerate(self.convolutions):
            level = len(self.convolutions) - 1 - step  # the finer one, which this step fills
            x = convolve(levels.up[level](x), levels.laplacians[level])
        return self.last(x, levels.laplacians[0])


class MeshAutoencoder(nn.Module):
    """Autoencoder of vertices in meters; normalization is part of it.

    Args:
        config: sizes of the network.
        hierarchy: mesh hierarchy of its levels; kept as an attribute and written into the model file.
        backend: backend of the convolutions, see `headform.graph.cheb_conv.Backend`.

    Raises:
        ValueError: the numbers of hierarchy steps and of widths in `config` differ.
    """

    def __init__(self, config: MeshAutoencoderConfig, hierarchy: MeshHierarchy, *, backend: Backend = "auto") -> None:
        super().__init__()
        counts = tuple(hierarchy.counts)
        if len(counts) - 1 != len(config.encoder_channels):
            what = f"the hierarchy has {len(counts) - 1} steps, the configuration {len(config.encoder_channels)} widths"
            raise ValueError(what)
        self.config, self.hierarchy = config, hierarchy
        self.levels = GraphLevels.from_hierarchy(hierarchy)
        self.normalization = MeshNormalization(counts[0])
        self.encoder = MeshEncoder(config, counts, backend)
        self.decoder = MeshDecoder(config, counts, backend)
        _initialize(self, config.init)

    def encode_linear(self, vertices: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*B Z"]:
        """Encode without the activation of the code, for the cosine similarity of two heads.

        After CoMA's ReLU a cosine lies in [0, 1] and is undefined where no unit fires.

        Raises:
            InputError: `mesh_topology` for another number of vertices.
        """
        if vertices.shape[-2] != self.levels.counts[0]:
            what = f"the mesh has {vertices.shape[-2]} vertices, expected {self.levels.counts[0]}"
            advice = "give meshes of the topology that the autoencoder was trained on"
            raise InputError("mesh_topology", what, "", advice)
        return self.encoder(self.normalization(vertices), self.levels)

    def encode(self, vertices: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*B Z"]:
        """Encode vertices, meters, to the code that `decode` takes.

        Raises:
            InputError: `mesh_topology`.
        """
        code = self.encode_linear(vertices)
        return torch.relu(code) if self.config.latent_activation == "relu" else code

    def decode(self, code: Float[Tensor, "*B Z"]) -> Float[Tensor, "*B V 3"]:
        """Decode a code to vertices, meters."""
        return self.normalization.restore(self.decoder(code, self.levels))

    def forward(self, vertices: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*B V 3"]:
        """Encode and decode vertices, meters.

        Raises:
            InputError: `mesh_topology`.
        """
        return self.decode(self.encode(vertices))


def check_vertices(vertices: Float[Tensor, "*B V 3"], where: str = "") -> None:
    """Raise an error for meshes with NaN or infinite coordinates, which the networks do not check.

    Args:
        vertices: any leading axes.
        where: the file or set, for the message.

    Raises:
        InputError: `mesh_not_finite`, naming the first vertex (and the mesh, in a batch).
    """
    wrong = torch.nonzero(~torch.isfinite(vertices).all(-1))
    if len(wrong):
        *batch, vertex = wrong[0].tolist()
        what = f"vertex {vertex} has a coordinate that is NaN or infinite"
        if batch:
            what += f", mesh {', '.join(map(str, batch))} of the batch"
        raise InputError("mesh_not_finite", what, where, "repair the mesh or leave it out")


@torch.no_grad()
def _initialize(net: MeshAutoencoder, init: Init) -> None:
    for name, parameter in net.named_parameters():
        if init == "coma":
            if parameter.ndim == 1:
                nn.init.constant_(parameter, 0.1)
            else:
                nn.init.trunc_normal_(parameter, std=0.1, a=-0.2, b=0.2)
        elif parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            inputs = parameter.shape[1] if parameter.ndim == 2 else parameter[..., 0].numel()
            rectified = not name.startswith(("encoder.code", "decoder.last"))
            nn.init.normal_(parameter, std=((2.0 if rectified else 1.0) / inputs) ** 0.5)
