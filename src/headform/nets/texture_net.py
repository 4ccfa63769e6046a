"""Texture networks of Lin et al. (2020) on any mesh hierarchy: decoder, refiner and combiner of colors per vertex.

*B any leading axes, V vertices of the mesh, E numbers of a face embedding, C channels of the refiner's input.

    decoder    face embedding → colors                                       a texture of the face that the network knows
    refiner    coarse texture (and the photo's colors) → colors              the same, in more detail
    combiner   both, side by side → one Chebyshev convolution → tanh         the refined texture T'

Colors are sRGB from -1 to 1 (`signal_from_linear`). Two forms, with Cheb6 = Chebyshev convolution of six terms without bias,
ELU = ELU(x + b), RB = `ChebResidual`, on a mesh of Basel's 35,709 vertices (levels 35709, 8928, 2232, 558, 140):

    residual   the paper's                                                                                      parameters
      decoder  linear to 140 x 32, ReLU; 4 x [unpool, RB] to 16, 16, 16, 3                         11,756 without the linear
      refiner  RB to 16; pool; RB to 32; RB to 32; unpool; RB to 16; RB to 3                        30,044 of 7 channels
    normal     the default of the published code
      decoder  linear to 140 x 32, ReLU; 4 x [unpool, Cheb6, ELU] to 16; Cheb6, ELU to 3            8,035 without the linear
      refiner  Cheb6 to 16; 4 x [pool, Cheb6, ELU] to 16, 32, 64, 128; linear to 512, ReLU; linear to 140 x 128, ReLU;
               4 x [unpool, the refiner's features of the two coarsest such levels beside it, Cheb6, ELU] to 128, 64, 32,
               16; Cheb6, ELU to 3                                                                              18.7 million
    both       combiner: Cheb6 of 6 channels to 3                                                                     108

Weights are drawn as He et al. (2015), biases begin at 0. Deviation, on request (`TextureNetConfig.base`): what the combiner
answers is added to artanh of a base and begins at 0, so that training starts there: at the coarse texture, or at the photo's
colors where they are seen.

Reference: Lin, Yuan, Shao, Zhou, "Towards High-Fidelity 3D Face Reconstruction from In-the-Wild Images Using Graph
Convolutional Networks", CVPR 2020 (https://arxiv.org/abs/2003.05653), and its published code. Source of weights: trained
here (`headform train texture`).
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import InputError, check_choice
from headform.graph.activation import BiasedELU
from headform.graph.cheb_conv import Backend, ChebConv
from headform.graph.levels import GraphLevels
from headform.graph.residual import ChebResidual
from headform.images.transfer import linear_from_srgb, srgb_from_linear
from headform.mesh.mesh_hierarchy import MeshHierarchy

Form = Literal["residual", "normal"]
Base = Literal["none", "coarse", "photo"]
Embedding = Literal["recognizer", "facenet", "pool5+facenet"]
EMBEDDING_SIZES = {"recognizer": 128, "facenet": 1792, "pool5+facenet": 3840}
"""Numbers E of each embedding: of the recognition network that ships; of FaceNet before its last layer, as in the paper; of
those after the 2,048 of the coefficient regressor's last pooling, as in the published code."""
COARSE_CHANNELS, PHOTO_CHANNELS = 3, 7
"""Channels C of the refiner: the coarse texture; with the photo's colors (0 where hidden) and how far they are seen."""
STEPS = 4
"""Steps between the levels of the hierarchy."""
_BOTTLENECK = 512  # numbers between the two linear layers of the normal form's refiner
_SKIPPED = 2  # coarsest levels of that refiner whose features are used again on the way up
_INSIDE = 0.996  # of a base color that artanh is taken of: half of an 8-bit step from the ends


@dataclass(frozen=True)
class TextureNetConfig:
    """Sizes of the networks; saved with their weights.

    Attributes:
        form: see the module docstring.
        channels: channels C of the refiner's input, 3 or 7.
        embedding: kind of the face embedding, see `EMBEDDING_SIZES`.
        embedding_size: its numbers E.
        wide: more channels in decoder and refiner, an option of the published code.
        num_terms: terms of every Chebyshev convolution.
        base: what the combiner's answer is added to: nothing, the coarse texture, or the photo's colors as far as they are
            seen and the coarse texture elsewhere.
        unlit: divide the photo's colors by the coarse stage's shading before the refiner sees them.
    """

    form: Form = "residual"
    channels: int = COARSE_CHANNELS
    embedding: Embedding = "facenet"
    embedding_size: int = 1792
    wide: bool = False
    num_terms: int = 6
    base: Base = "none"
    unlit: bool = False

    def __post_init__(self) -> None:
        check_choice(self.form, get_args(Form), "form")
        check_choice(self.embedding, get_args(Embedding), "embedding")
        check_choice(self.base, get_args(Base), "base")
        if self.channels not in (COARSE_CHANNELS, PHOTO_CHANNELS):
            raise ValueError(f"the refiner sees {COARSE_CHANNELS} or {PHOTO_CHANNELS} channels: {self}")
        if self.base == "photo" and self.channels != PHOTO_CHANNELS:
            raise ValueError(f"the photo's colors are the base, and not among the channels: {self}")
        if min(self.embedding_size, self.num_terms) < 1:
            raise ValueError(f"sizes must be positive: {self}")

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class TextureNet(nn.Module):
    """Decoder, refiner and combiner; see the module docstring.

    Args:
        config: sizes of the networks.
        hierarchy: mesh hierarchy of four steps; kept as an attribute and written into the model file.
        backend: backend of the convolutions, see `headform.graph.cheb_conv.Backend`.

    Raises:
        ValueError: a hierarchy of another number of steps.
    """

    def __init__(self, config: TextureNetConfig, hierarchy: MeshHierarchy, *, backend: Backend = "auto") -> None:
        super().__init__()
        if len(hierarchy.counts) != STEPS + 1:
            raise ValueError(f"the hierarchy has {len(hierarchy.counts) - 1} steps, not {STEPS}")
        self.config, self.hierarchy = config, hierarchy
        self.levels = GraphLevels.from_hierarchy(hierarchy)
        self.decoder = TextureDecoder(config, hierarchy.counts[-1], backend)
        self.refiner = _refiner(config, hierarchy.counts[-1], backend)
        self.combiner = ChebConv(6, 3, config.num_terms, bias=False, backend=backend)
        _initialize(self)

    def forward(self, embedding: Float[Tensor, "*B E"], signal: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V 3"]:
        """Refine a texture.

        Args:
            embedding: face embeddings.
            signal: input of the refiner, of which the first three channels are the coarse texture (`refiner_signal`).

        Returns:
            The refined texture T', sRGB from -1 to 1.

        Raises:
            InputError: `mesh_topology` for another number of vertices.
        """
        return self.refine(self.decoder(embedding, self.levels), signal)

    def refine(self, decoded: Float[Tensor, "*B _ 3"], signal: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V 3"]:
        """Refine a texture, given the decoder's answer to the embedding; else as `forward`."""
        if signal.shape[-2] != self.levels.counts[0]:
            what = f"the texture has {signal.shape[-2]} vertices, expected {self.levels.counts[0]}"
            raise InputError(
                "mesh_topology", what, "", "give the texture of the head that the networks were trained on"
            )
        both = torch.cat([decoded, self.refiner(signal, self.levels)], dim=-1)
        combined = self.combiner(both, self.levels.laplacians[0])
        if self.config.base != "none":
            base = signal[..., :3]
            if self.config.base == "photo":
                base = (1 - signal[..., 6:]) * base + signal[..., 3:6]
            combined = combined + torch.atanh(base.clamp(-1, 1) * _INSIDE)
        return torch.tanh(combined)


class TextureDecoder(nn.Module):
    """Decoder of a face embedding to colors."""

    def __init__(self, config: TextureNetConfig, coarsest: int, backend: Backend) -> None:
        super().__init__()
        self.coarse_shape = (coarsest, 32)
        self.spread = nn.Linear(config.embedding_size, coarsest * 32)
        terms = config.num_terms
        self.last: nn.Module | None = None
        if config.form == "residual":
            widths = (32, 64, 128, 256, 3) if config.wide else (32, 16, 16, 16, 3)
            self.blocks = nn.ModuleList(ChebResidual(a, b, terms, backend=backend) for a, b in pairwise(widths))
        else:
            widths = (32, 32, 64, 128, 256) if config.wide else (32, 16, 16, 16, 16)
            self.blocks = nn.ModuleList(ChebELU(a, b, terms, backend) for a, b in pairwise(widths))
            self.last = ChebELU(widths[-1], 3, terms, backend)

    def forward(self, embedding: Float[Tensor, "*B E"], levels: GraphLevels) -> Float[Tensor, "*B V 3"]:
        """Apply one linear map to the coarsest level, then unpool and filter up to the finest."""
        x = torch.relu(self.spread(embedding)).unflatten(-1, self.coarse_shape)
        for step, block in enumerate(self.blocks):
            level = len(self.blocks) - 1 - step  # the finer one, which this step fills
            x = block(levels.up[level](x), levels.laplacians[level])
        return x if self.last is None else self.last(x, levels.laplacians[0])


class TextureRefiner(nn.Module):
    """Refiner of the residual form: five blocks, the middle two on the second level."""

    def __init__(self, config: TextureNetConfig, backend: Backend) -> None:
        super().__init__()
        widths = (config.channels, 16, 32, 64, 128, 3) if config.wide else (config.channels, 16, 32, 32, 16, 3)
        self.blocks = nn.ModuleList(ChebResidual(a, b, config.num_terms, backend=backend) for a, b in pairwise(widths))

    def forward(self, signal: Float[Tensor, "*B V C"], levels: GraphLevels) -> Float[Tensor, "*B V 3"]:
        """Filter, pool once, filter, unpool and filter."""
        fine, coarse = levels.laplacians[0], levels.laplacians[1]
        first, second, third, fourth, fifth = self.blocks
        x = levels.down[0](first(signal, fine))
        x = levels.up[0](third(second(x, coarse), coarse))
        return fifth(fourth(x, fine), fine)  # type: ignore[no-any-return]


class BottleneckRefiner(nn.Module):
    """Refiner of the normal form: down to the coarsest level, through two linear layers, and up again."""

    def __init__(self, config: TextureNetConfig, coarsest: int, backend: Backend) -> None:
        super().__init__()
        terms, widths = config.num_terms, (16, 16, 32, 64, 128)
        self.first = ChebConv(config.channels, widths[0], terms, bias=False, backend=backend)
        self.down = nn.ModuleList(ChebELU(a, b, terms, backend) for a, b in pairwise(widths))
        self.coarse_shape = (coarsest, widths[-1])
        self.narrow = nn.Linear(coarsest * widths[-1], _BOTTLENECK)
        self.spread = nn.Linear(_BOTTLENECK, coarsest * widths[-1])
        past = [*reversed(widths[-1 - _SKIPPED : -1]), *[0] * (STEPS - _SKIPPED)]
        rising = [widths[-1], *reversed(widths[1:])]
        self.up = nn.ModuleList(
            ChebELU(a + skip, b, terms, backend) for (a, b), skip in zip(pairwise(rising), past, strict=True)
        )
        self.last = ChebELU(rising[-1], 3, terms, backend)

    def forward(self, signal: Float[Tensor, "*B V C"], levels: GraphLevels) -> Float[Tensor, "*B V 3"]:
        """Filter and pool to the coarsest level, pass the bottleneck, unpool and filter."""
        x = self.first(signal, levels.laplacians[0])
        features = []
        for level, block in enumerate(self.down):
            x = block(levels.down[level](x), levels.laplacians[level + 1])
            features.append(x)  # of level + 1
        code = torch.relu(self.narrow(x.flatten(-2)))
        x = torch.relu(self.spread(code)).unflatten(-1, self.coarse_shape)
        for step, block in enumerate(self.up):
            level = STEPS - 1 - step
            x = levels.up[level](x)
            if step < _SKIPPED:
                x = torch.cat([x, features[level - 1]], dim=-1)
            x = block(x, levels.laplacians[level])
        return self.last(x, levels.laplacians[0])  # type: ignore[no-any-return]


class ChebELU(nn.Module):
    """Chebyshev convolution without bias, then `BiasedELU`."""

    def __init__(self, in_channels: int, out_channels: int, num_terms: int, backend: Backend) -> None:
        super().__init__()
        self.convolution = ChebConv(in_channels, out_channels, num_terms, bias=False, backend=backend)
        self.activation = BiasedELU(out_channels)

    def forward(self, x: Float[Tensor, "*B V C"], laplacian: nn.Module) -> Float[Tensor, "*B V C2"]:
        """Filter."""
        return self.activation(self.convolution(x, laplacian))  # type: ignore[no-any-return]


def signal_from_linear(color: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Return linear light in [0, 1] as sRGB from -1 to 1, as the networks see and answer colors."""
    return 2 * srgb_from_linear(color) - 1


def linear_from_signal(color: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Return colors of the networks as linear light, the inverse of `signal_from_linear`."""
    return linear_from_srgb((color + 1) / 2)


def refiner_signal(
    config: TextureNetConfig,
    coarse: Float[Tensor, "*B V 3"],
    projected: Float[Tensor, "*B V 3"],
    seen: Float[Tensor, "*B V"],
    shading: Float[Tensor, "*B V 3"] | None = None,
) -> Float[Tensor, "*B V C"]:
    """Build the refiner's input.

    Args:
        config: sizes of the networks.
        coarse: coarse texture, linear.
        projected: photo at the vertices, linear.
        seen: how far the photo shows each vertex, 0 to 1.
        shading: light at the vertices, linear; needed where the configuration divides by it.
    """
    signal = signal_from_linear(coarse)
    if config.channels == COARSE_CHANNELS:
        return signal
    if config.unlit:
        if shading is None:
            raise ValueError("the shading is needed to divide the photo's colors by it")
        projected = projected / shading.clamp(min=LEAST_SHADING)
    weight = seen[..., None]
    return torch.cat([signal, weight * signal_from_linear(projected), weight], dim=-1)


LEAST_SHADING = 0.05
"""Shading below which the photo's colors are not divided by less: they would be noise."""


@torch.no_grad()
def _initialize(net: TextureNet) -> None:
    for module in net.modules():
        if isinstance(module, ChebConv):
            nn.init.normal_(module.weight, std=(2.0 / (module.num_terms * module.in_channels)) ** 0.5)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=(2.0 / module.in_features) ** 0.5)
            nn.init.zeros_(module.bias)
    if net.config.base != "none":
        nn.init.zeros_(net.combiner.weight)


def parameter_counts(config: TextureNetConfig, coarsest: int) -> dict[str, int]:
    """Count the parameters of networks whose coarsest level has `coarsest` vertices, without building them.

    Returns:
        Those of decoder, refiner and combiner; those of the decoder's linear layer apart, as ``spread``.
    """
    with torch.device("meta"):
        decoder = TextureDecoder(config, coarsest, "auto")
        refiner = _refiner(config, coarsest, "auto")

    def count(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    spread = count(decoder.spread)
    return {
        "spread": spread, "decoder": count(decoder) - spread, "refiner": count(refiner), "combiner": 18 * config.num_terms
    }  # fmt: skip


def _refiner(config: TextureNetConfig, coarsest: int, backend: Backend) -> nn.Module:
    return BottleneckRefiner(config, coarsest, backend) if config.form == "normal" else TextureRefiner(config, backend)
