"""Configuration of `headform train coefficients`: network, losses and their weights, batches; two presets.

``paper-flame`` is Xu et al. (2024) as far as the text says, with the stated defaults where it does not: AdamW 1e-5 and
weight decay 2e-4, constant; 8 subjects with 2 images each; 160,000 steps; the losses of DECA below lambda_2D, MICA's region
weights and the cosine of the mesh encoder's features below lambda_3D. ``open`` is the same stage on the open head with the
recognition network that ships, and smaller pictures. ``mica`` is the baseline of the paper: shape alone, vertices alone.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from headform.errors import check_choice
from headform.heads.coefficients import FLAME, FLAME_SHAPE, OPEN_ENCODER
from headform.nets.face_encoder import FaceEncoderConfig
from headform.train.config import GroupConfig, OptimizerConfig, ScheduleConfig, TrainerConfig

Preset = Literal["open", "paper-flame", "mica"]
PAPER_STEPS = 160_000
OPEN_STEPS = 30_000
BACKBONE_RATE_SCALE = 0.03
"""Learning rate of the backbone of ``open``, relative to the mapping network's: at ten times as much it learns synthetic
faces and loses what it knows of real ones (docs/training.md)."""


@dataclass(frozen=True)
class CoefficientLossWeights:
    """Factors of the losses; `total = dim3 (vertices L_ver + mesh_identity L_3D-ID) + dim2 (all others)`.

    Defaults: the four blanks of the paper's text read as 0.4, 0.6, 0.5, 0.5 in the order of the symbols; those within the 2D
    losses are DECA's. Pose and camera regularizers are named by the paper and have no published form: half the sum of
    squares of the head's rotation, and of the camera's distance from the mean code.

    Attributes:
        dim3: lambda_3D.
        dim2: lambda_2D.
        vertices: lambda_ver.
        mesh_identity: lambda_3D-ID.
        landmark: weighted L1 of the 68 points.
        photometric: masked L1 of colors.
        identity: cosine of a recognition network between photo and overlay.
        shape: half the squares of the identity coefficients, summed over the batch as in DECA's code.
        expression: the same of the expression.
        texture: the same of the texture.
        light: squared difference of the light's colors.
        pose: half the squares of the rotation vector, summed.
        camera: half the squares of the camera's difference from the mean code, summed.
        pooled: vertex loss of the pooled codes, relative to that of single photos.
    """

    dim3: float = 0.4
    dim2: float = 0.6
    vertices: float = 0.5
    mesh_identity: float = 0.5
    landmark: float = 1.0
    photometric: float = 2.0
    identity: float = 0.2
    shape: float = 1e-4
    expression: float = 1e-4
    texture: float = 1e-4
    light: float = 1.0
    pose: float = 0.0
    camera: float = 0.0
    pooled: float = 0.0


RegionPreset = Literal["mica", "mica-50", "open"]
REGIONS: dict[RegionPreset, dict[str, float]] = {
    "mica": {"eyeballs": 0.01, "ears": 0.01, "face": 150.0},
    "mica-50": {
        "eyeballs": 0.01, "ears": 0.01, "face": 150.0, "nose": 50.0, "lips": 50.0, "forehead": 50.0, "eye_region": 50.0,
    },
    "open": {"scalp": 0.2, "neck": 0.2, "ears": 0.2, "eyeballs": 0.2, "face": 1.0},
}  # fmt: skip
"""Weights of vertices by region, 1 elsewhere: those that MICA's code uses; those with the 50 that its configuration lists
and its code ignores, which the paper's "eye, nose, forehead, mouth" may mean; and those of the open preset."""


@dataclass(frozen=True)
class CoefficientsConfig:
    """Configuration of a run, without data and head.

    Attributes:
        preset: preset of the other fields.
        trainer: steps, optimizer, schedule; its batch counts labeled subjects.
        net: sizes of the encoder.
        weights: factors of the losses.
        regions: weights of vertices, see `REGIONS`.
        vertex_scale: factor from meters to the unit of the vertex loss.
        canonical: compare neutral, unposed heads in the 3D losses; else the predicted head as posed, which drives pose to 0.
        photos: photos K of a subject in a batch.
        unlabeled: subjects with photos alone that join each batch of a process, for the 2D losses.
        shape_consistency: ``double``: the 2D losses once more with identity codes exchanged among a subject's photos, as
            DECA;
            ``swap``: exchanged in place of it, at half the cost; ``none``.
        render_side: side of the rendering, pixels.
        rendered_share: share of a batch that is rendered in each step.
        identity_images: pictures of a step that go through the recognition loss; each costs as much as the encoder.
        mesh_identity_share: share of the labeled photos whose heads go through the mesh encoder.
        latent_relu: apply the ReLU of the mesh encoder's code before the cosine, as a literal reading has it.
        latent_centered: subtract the features of the mean head before the cosine: those of any two heads have nearly the
            same direction.
        point_jitter: standard deviation of the five points of the encoder's crop, pixels of the crop.
        patch_rate: share of crops that are partly covered by a patch of another.
        held_out: subjects held out for validation.
        scans: of their photos, those whose heads are also validated by the scan error; 0 for none.
        seed: seed of weights, data order and augmentation.
    """

    preset: Preset
    trainer: TrainerConfig
    net: FaceEncoderConfig = field(default_factory=FaceEncoderConfig)
    weights: CoefficientLossWeights = field(default_factory=CoefficientLossWeights)
    regions: RegionPreset = "mica"
    vertex_scale: float = 1.0
    canonical: bool = True
    photos: int = 2
    unlabeled: int = 0
    shape_consistency: Literal["double", "swap", "none"] = "double"
    render_side: int = 224
    rendered_share: float = 1.0
    identity_images: int | None = None
    mesh_identity_share: float = 1.0
    latent_relu: bool = False
    latent_centered: bool = False
    point_jitter: float = 1.0
    patch_rate: float = 0.05
    held_out: int = 200
    scans: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.preset, get_args(Preset), "preset")
        check_choice(self.regions, get_args(RegionPreset), "regions")
        check_choice(self.shape_consistency, ("double", "swap", "none"), "shape_consistency")
        shares = (self.rendered_share, self.mesh_identity_share, self.patch_rate)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares lie between 0 and 1: {self}")
        if self.photos < 1 or min(self.held_out, self.unlabeled + 1, self.scans + 1) < 1 or self.render_side < 16:
            raise ValueError(f"counts must be positive: {self}")

    @property
    def renders(self) -> bool:
        """Tell whether any 2D loss has a weight."""
        return self.weights.dim2 > 0


def from_preset(preset: Preset, *, seed: int = 0, steps: int | None = None) -> CoefficientsConfig:
    """Return a preset, with another seed or length.

    Args:
        preset: Name.
        seed: Seed of everything.
        steps: Steps; None keeps the preset's.
    """
    check_choice(preset, get_args(Preset), "preset")
    config = {"open": _open, "paper-flame": _paper, "mica": _mica}[preset]()
    trainer = replace(config.trainer, seed=seed, steps=steps or config.trainer.steps)
    return replace(config, trainer=trainer, seed=seed)


def _paper() -> CoefficientsConfig:
    trainer = TrainerConfig(
        steps=PAPER_STEPS,
        batch=8,
        optimizer=OptimizerConfig(lr=1e-5, weight_decay=2e-4),
        schedule=ScheduleConfig(kind="constant", warmup=0),
        ema_decay=0.999,
        max_grad_norm=None,
    )
    net = FaceEncoderConfig(backbone="iresnet100", layout=FLAME.name)
    return CoefficientsConfig("paper-flame", trainer, net)


def _mica() -> CoefficientsConfig:
    paper = _paper()
    weights = CoefficientLossWeights(dim3=1.0, dim2=0.0, vertices=1.0, mesh_identity=0.0)
    net = replace(paper.net, layout=FLAME_SHAPE.name)
    return replace(paper, preset="mica", net=net, weights=weights, vertex_scale=1000.0, shape_consistency="none")


def _open() -> CoefficientsConfig:
    trainer = TrainerConfig(
        steps=OPEN_STEPS,
        batch=16,
        optimizer=OptimizerConfig(lr=1e-3, weight_decay=0.02),
        schedule=ScheduleConfig(warmup=200),
        groups=(GroupConfig(("backbone.*",), weight_decay=0.02, lr_scale=BACKBONE_RATE_SCALE),),
        precision="bfloat16",
        ema_decay=0.998,
    )
    # vertices are in millimeters here: 2D losses as strong as theirs, so that pose and camera are learned beside the shape
    weights = CoefficientLossWeights(landmark=5.0, photometric=4.0, shape=1e-5, pooled=1.0)
    return CoefficientsConfig(
        "open",
        trainer,
        FaceEncoderConfig(layout=OPEN_ENCODER.name),
        weights,
        regions="open",
        vertex_scale=1000.0,
        unlabeled=2,
        shape_consistency="swap",
        render_side=112,
        rendered_share=0.25,
        identity_images=0,
        mesh_identity_share=0.25,
    )
