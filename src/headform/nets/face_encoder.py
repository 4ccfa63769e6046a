"""The face encoder of Xu et al. (2024): recognition network and mapping network, from a face to a head's coefficients.

B faces, K photos of a person, D numbers of an embedding, N coefficients, M hidden units.

    112 x 112 crop → recognition network (its last blocks are trained) → embedding, length 1
    → linear D to M, 3 x linear M to M, LeakyReLU(0.2) after each → linear M to N → added to the mean code

Any recognition network serves: IResNet, as in the paper, whose weights a user brings; MobileFaceNet, whose weights ship.
The mean code (a camera that shows the head, an even light) is what the code begins at; the paper does not say how its
codes begin, and from a camera of scale 0 nothing is learned. Several photos of one person are pooled: embeddings are
averaged with weights from a linear gate, which begins at equal weights.

Source: Xu et al. 2024, section 3.1; widths, initialization and the length of the embedding as in MICA (Zielonka et al.
    2022),
whose encoder it extends. Input: crops encoded as `FaceEncoder.crop` says. Output: a code of `layout`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from headform.errors import InputError, UsageError, check_choice
from headform.heads.coefficients import FLAME, FLAME_SHAPE, OPEN_ENCODER, CoefficientLayout, Coefficients
from headform.nets.recognition.crops import ARCFACE, IMAGENET_112, CropSpec
from headform.nets.recognition.iresnet_net import EMBEDDING, LAYERS, IResNet
from headform.nets.recognition.mobilefacenet_net import PARTS, MobileFaceNet, MobileFaceNetConfig

Backbone = Literal["mobilefacenet", "iresnet18", "iresnet34", "iresnet50", "iresnet100"]
LAYOUTS: Mapping[str, CoefficientLayout] = {layout.name: layout for layout in (FLAME, FLAME_SHAPE, OPEN_ENCODER)}
"""Layouts of codes that an encoder predicts, by name."""
TRAINED_FROM: Mapping[str, str] = {"mobilefacenet": "stage4"}
"""First trained part where the last blocks are trained: stages 4 and 5 are the last three residual blocks, as in the paper.
From stage 3 on, synthetic faces are learned better and real ones forgotten (docs/training.md)."""
_SLOPE = 0.2
_OUTPUT_SCALE = 0.25
"""Factor on the initial weights of the last layer: training begins near the mean head."""


@dataclass(frozen=True)
class FaceEncoderConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        backbone: recognition network.
        layout: name of the layout of the code, see `LAYOUTS`; ``flame-shape`` is FLAME's shape alone (MICA).
        hidden: width M of the mapping network.
        hidden_layers: layers of width M after the first.
        trained: part of the backbone that is trained: ``none``, ``last`` blocks as in the paper, or ``all``.
    """

    backbone: Backbone = "mobilefacenet"
    layout: str = OPEN_ENCODER.name
    hidden: int = 300
    hidden_layers: int = 3
    trained: Literal["none", "last", "all"] = "last"

    def __post_init__(self) -> None:
        check_choice(self.backbone, get_args(Backbone), "backbone")
        check_choice(self.layout, tuple(LAYOUTS), "layout")
        check_choice(self.trained, ("none", "last", "all"), "trained")
        if self.hidden < 1 or self.hidden_layers < 0:
            raise ValueError(f"widths must be positive: {self}")

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class MappingNetwork(nn.Module):
    """Linear layers with LeakyReLU(0.2); hidden weights from Kaiming's normal distribution, the last ones small.

    Args:
        inputs: width of the input.
        outputs: width of the output.
        hidden: width of the hidden layers.
        hidden_layers: layers of that width after the first.
    """

    def __init__(self, inputs: int, outputs: int, *, hidden: int = 300, hidden_layers: int = 3) -> None:
        super().__init__()
        widths = [inputs] + [hidden] * (hidden_layers + 1)
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.hidden = nn.ModuleList(layers)
        self.output = nn.Linear(hidden, outputs)
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE, mode="fan_in", nonlinearity="leaky_relu")
        with torch.no_grad():
            self.output.weight.mul_(_OUTPUT_SCALE)

    def forward(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B N"]:
        """Map embeddings to numbers of a code."""
        for layer in self.hidden:
            x = nn.functional.leaky_relu(layer(x), _SLOPE)
        return self.output(x)


class FaceEncoder(nn.Module):
    """Coefficients of crops; see the module docstring.

    Args:
        config: sizes.
        mean: (N,) code that the mapping network's output is added to; zero if absent. Saved with the weights.
    """

    mean: Float[Tensor, " N"]

    def __init__(self, config: FaceEncoderConfig, mean: Float[Tensor, " N"] | None = None) -> None:
        super().__init__()
        self.config, self.layout = config, LAYOUTS[config.layout]
        size = self.layout.size
        self.backbone, width = _backbone(config.backbone)
        self.mapping = MappingNetwork(width, size, hidden=config.hidden, hidden_layers=config.hidden_layers)
        self.gate = nn.Linear(width, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        self.register_buffer("mean", torch.zeros(size) if mean is None else mean.clone())
        if self.mean.shape != (size,):
            raise ValueError(f"the mean code has shape {tuple(self.mean.shape)}, expected {(size,)}")
        self.set_trainable(config.trained)

    @property
    def crop(self) -> CropSpec:
        """Crop and encoding of the input."""
        return IMAGENET_112 if self.config.backbone == "mobilefacenet" else ARCFACE

    @property
    def points5_ndc(self) -> Float[Tensor, "5 2"]:
        """Places of the five points in the crop, NDC."""
        return torch.from_numpy(self.crop.points / (self.crop.side / 2) - 1).float()

    @property
    def frozen(self) -> tuple[str, ...]:
        """Patterns of the state that is not trained, for `Trainer`."""
        wanted = {name for name, p in self.named_parameters() if not p.requires_grad}
        parts = {".".join(name.split(".")[:2]) for name in wanted}
        learning = {".".join(n.split(".")[:2]) for n, p in self.named_parameters() if p.requires_grad}
        return tuple(sorted(f"{part}.*" for part in parts - learning))

    def set_trainable(self, trained: Literal["none", "last", "all"]) -> "FaceEncoder":
        """Choose the part of the backbone whose parameters are trained, and return the network."""
        if isinstance(self.backbone, IResNet):
            self.backbone.set_trainable("last_stage" if trained == "last" else trained)
            return self
        learning = {"none": (), "all": PARTS, "last": PARTS[PARTS.index(TRAINED_FROM["mobilefacenet"]) :]}[trained]
        for name, child in self.backbone.named_children():
            child.requires_grad_(name in learning)
        return self

    def embed(self, crops: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B D"]:
        """Embed encoded crops; not normalized."""
        if not isinstance(self.backbone, MobileFaceNet):
            return self.backbone(crops)
        first = next(
            (n for n in PARTS if any(p.requires_grad for p in self.backbone.get_submodule(n).parameters())), ""
        )
        if not first:
            return self.backbone(crops)
        with torch.no_grad():  # nothing before the first trained part needs a gradient
            x = self.backbone.before(first, crops)
        # in bfloat16 depthwise convolutions are faster forward and slower backward: only what is frozen uses it
        with torch.autocast(crops.device.type, enabled=False):
            return self.backbone.after(first, x.to(self.mean.dtype))

    def pool(
        self, embeddings: Float[Tensor, "B K D"], present: Bool[Tensor, "B K"] | None = None
    ) -> Float[Tensor, "B D"]:
        """Pool the embeddings of several photos of a person, with weights from the gate.

        Args:
            embeddings: (B, K, D) as `embed` returns them.
            present: (B, K) mask of photos that exist; all if absent. Each person needs one.

        Raises:
            InputError: ``photos_missing``.
        """
        if not embeddings.shape[1] or (present is not None and not bool(present.any(1).all())):
            raise InputError("photos_missing", "a person has no photo", "pooling", "give at least one photo of each")
        score = self.gate(embeddings)[..., 0]
        if present is not None:
            score = score.masked_fill(~present, -torch.inf)
        weights = score.softmax(dim=1)
        return (weights[..., None] * normalize(embeddings, dim=-1)).sum(1)

    def decode(self, embeddings: Float[Tensor, "B D"]) -> Float[Tensor, "B N"]:
        """Map embeddings, scaled to length 1, to codes."""
        return self.mean + self.mapping(normalize(embeddings.to(self.mean.dtype), dim=-1))

    def forward(self, crops: Float[Tensor, "B 3 112 112"], photos: int = 0) -> Float[Tensor, "B_P N"]:
        """Predict codes of encoded crops.

        Args:
            crops: (B, 3, 112, 112).
            photos: photos of each person, whose crops follow each other; 0 to treat each crop alone.

        Returns:
            A code for each crop; then, with `photos`, one for each person, of the pooled embeddings.
        """
        return self.codes(self.embed(crops), photos)

    def codes(self, embeddings: Float[Tensor, "B D"], photos: int = 0) -> Float[Tensor, "B_P N"]:
        """Map embeddings to the codes that `forward` returns; other arguments as there."""
        found = embeddings.to(self.mean.dtype)
        if photos:
            found = torch.cat([normalize(found, dim=-1), self.pool(found.unflatten(0, (-1, photos)))])
        return self.decode(found)

    def coefficients(self, crops: Float[Tensor, "B 3 112 112"]) -> Coefficients:
        """Predict codes by parts."""
        return self.layout.split(self(crops))


def _backbone(name: str) -> tuple[MobileFaceNet | IResNet, int]:
    if name == "mobilefacenet":
        config = MobileFaceNetConfig()
        return MobileFaceNet(config), config.embedding
    return IResNet(LAYERS[int(name.removeprefix("iresnet"))]), EMBEDDING


def backbone_name(net: nn.Module) -> Backbone:
    """Return the name of a recognition network that can be a backbone.

    Raises:
        UsageError: ``backbone_unsupported``.
    """
    if isinstance(net, MobileFaceNet):
        return "mobilefacenet"
    if isinstance(net, IResNet):
        blocks = tuple(len(stage) for stage in (net.layer1, net.layer2, net.layer3, net.layer4))
        for number, layers in LAYERS.items():
            if blocks == layers:
                return f"iresnet{number}"  # type: ignore[return-value]
    what = f"a {type(net).__name__} is no backbone of the face encoder"
    raise UsageError("backbone_unsupported", what, "", "give weights of ArcFace (iresnet) or MobileFaceNet")
