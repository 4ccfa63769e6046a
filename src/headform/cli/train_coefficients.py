"""`headform train coefficients`: train the face encoder on photos of subjects with and without meshes."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform.cli.training import Training, finish, require_positive, run_folder
from headform.errors import InputError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from headform.heads.linear import LinearHead
    from headform.nets.mesh_autoencoder_net import MeshAutoencoder
    from headform.train.coefficients_config import CoefficientsConfig

Losses = Literal["all", "2d", "vertices", "2d-vertices"]
_OPEN = "open"
"""Name of the recognition network that ships, where a file of weights is given."""


@dataclass(frozen=True)
class Coefficients(Training):
    """Train the face encoder: coefficients of a head from a face, with 2D losses, vertices and the 3D-ID loss."""

    data: tuple[Path, ...] = ()
    """Folders of shards of subjects with meshes, of `headform data synthetic` or `headform data prepare`."""
    photos: tuple[Path, ...] = ()
    """Folders of shards of photos alone, for the 2D losses of --preset open."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/coefficients")
    """Run folder: config.json, log.jsonl, checkpoint and face_encoder.safetensors."""
    preset: Literal["open", "paper-flame", "mica"] = "open"
    """open: the open head and the recognition network that ships. paper-flame: the published setting, on FLAME and an
    ArcFace network of yours. mica: its baseline, shape from vertices alone."""
    head: Path | None = None
    """Converted head model; needed for paper-flame and mica."""
    backbone: Path | None = None
    """Weights of the recognition network that the encoder begins with: ArcFace (iresnet18 to 100) or MobileFaceNet; or
    `open`, the one that ships, which --preset open begins with by itself."""
    backbone_part: str | None = None
    """Key of the state dict within the checkpoint of --backbone, such as `arcface` in MICA's."""
    autoencoder: Path | None = None
    """Mesh autoencoder of the head, of `headform train mesh-autoencoder`; by default the open head's."""
    start: Path | None = None
    """Face encoder to begin with."""
    losses: Losses = "all"
    """Supervision: all, or a part of it for comparison."""
    latent_relu: bool = False
    """Compare the mesh encoder's features after the ReLU of its code."""
    latent_centered: bool = False
    """Compare the mesh encoder's features less those of the mean head."""
    trained: Literal["none", "last", "all"] | None = None
    """Part of the recognition network that is trained; by default its last blocks."""
    held_out: int | None = None
    """Subjects held out for validation; by default 200."""
    steps: int | None = None
    """Steps of training, resumed parts included; by default those of the preset."""
    minutes: float | None = None
    """Minutes of training, in place of --steps; such a run is not reproduced to the bit."""
    batch: int | None = None
    """Subjects of a step."""
    lr: float | None = None
    """Highest learning rate."""
    bf16: bool | None = None
    """Compute the encoder in bfloat16 where that is faster; by default as the preset says."""

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        require_positive(steps=self.steps, minutes=self.minutes, batch=self.batch, lr=self.lr, held_out=self.held_out)
        if self.steps is not None and self.minutes is not None:
            what = "--steps and --minutes are both given"
            raise UsageError("length_twice", what, "", "give one of the two")
        if not self.data:
            raise UsageError(
                "data_missing", "--data is not given", "", "make some with `headform data synthetic -o DIR`"
            )
        if self.preset != "open" and self.head is None:
            what = f"--preset {self.preset} needs FLAME"
            raise UsageError(
                "head_missing", what, "", "convert it with `headform heads convert` and give it with --head"
            )
        if self.preset != "open" and self.backbone is None:
            what = f"--preset {self.preset} is published with ArcFace, and no network of it is given"
            fix = "give its weights with --backbone FILE, or choose the one that ships with --backbone open"
            raise UsageError("backbone_missing", what, "", fix)
        from headform.data.shards import ShardSet
        from headform.evaluate.meshes.scan_validation import ScanValidation
        from headform.nets.shipped import load_face_encoder
        from headform.train.coefficients import run

        samples = ShardSet.open(*self.data)
        photos = ShardSet.open(*self.photos) if self.photos else None
        head, backbone = self._head(), self._backbone()
        config = self._config(backbone)
        start = None if self.start is None else load_face_encoder(self.start)[0]
        with run_folder(self.out):
            net, result, facts = run(
                config,
                self.out,
                head=head,
                samples=samples,
                unlabeled=photos,
                backbone=backbone,
                autoencoder=self._autoencoder(config),
                start=start,
                scan_errors=ScanValidation(head) if head.has_field("now7") else None,
                resume=self.resume,
            )
            return finish(net, result, facts, self.out / "face_encoder.safetensors")

    def _config(self, backbone: "nn.Module") -> "CoefficientsConfig":
        from headform.nets.face_encoder import backbone_name
        from headform.train.coefficients_config import from_preset

        config = from_preset(self.preset, seed=self.seed, steps=self.steps)
        trainer = config.trainer
        if self.minutes is not None:
            trainer = dataclasses.replace(trainer, steps=None, minutes=self.minutes)
        if self.batch is not None:
            trainer = dataclasses.replace(trainer, batch=self.batch)
        if self.lr is not None:
            trainer = dataclasses.replace(trainer, optimizer=dataclasses.replace(trainer.optimizer, lr=self.lr))
        if self.bf16 is not None:
            trainer = dataclasses.replace(trainer, precision="bfloat16" if self.bf16 else "float32")
        net = dataclasses.replace(
            config.net, backbone=backbone_name(backbone), trained=self.trained or config.net.trained
        )
        weights = config.weights
        if self.losses == "2d":
            weights = dataclasses.replace(weights, dim3=0.0)
        if self.losses == "vertices":
            weights = dataclasses.replace(weights, dim2=0.0)
        if self.losses != "all":
            weights = dataclasses.replace(weights, mesh_identity=0.0)
        return dataclasses.replace(
            config,
            trainer=trainer,
            net=net,
            weights=weights,
            latent_relu=self.latent_relu,
            latent_centered=self.latent_centered,
            held_out=self.held_out or config.held_out,
        )

    def _head(self) -> "LinearHead":
        from headform import heads

        return heads.load_open() if self.head is None else heads.load(self.head)

    def _backbone(self) -> "nn.Module":
        from headform.nets.recognition.registry import load_recognition
        from headform.nets.shipped import load_mobilefacenet

        if self.backbone is None or (str(self.backbone) == _OPEN and not self.backbone.exists()):
            return load_mobilefacenet()[0]
        return load_recognition(self.backbone, part=self.backbone_part)[1]

    def _autoencoder(self, config: "CoefficientsConfig") -> "MeshAutoencoder | None":
        """Load the mesh autoencoder where its loss has a weight."""
        from headform.nets.shipped import load_mesh_autoencoder

        if not config.weights.dim3 * config.weights.mesh_identity:
            return None
        if self.autoencoder is None and self.head is not None:
            what = "the 3D-ID loss needs a mesh autoencoder of this head"
            fix = "train one with `headform train mesh-autoencoder` for --autoencoder, or use --losses 2d-vertices"
            raise InputError("autoencoder_missing", what, str(self.head), fix)
        return load_mesh_autoencoder(self.autoencoder)[0]
