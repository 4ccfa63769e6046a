"""`headform train mesh-autoencoder`: train on sampled heads or on meshes from disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform import errors
from headform.cli.training import Training, finish, require_positive, run_folder
from headform.geometry.units import InputUnit

if TYPE_CHECKING:
    from headform.data.mesh_data import MeshData
    from headform.train.mesh_autoencoder import MeshAutoencoderRun

_SAMPLED = "sampled"


@dataclass(frozen=True)
class MeshAutoencoder(Training):
    """Train the spectral mesh autoencoder, whose encoder compares heads by their shape."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/mesh-autoencoder")
    """Run folder: config.json, log.jsonl, checkpoint and mesh_autoencoder.safetensors."""
    preset: Literal["fast", "coma-paper"] = "fast"
    """`fast`: Muon, cosine schedule, averaged weights, loss in millimeters. `coma-paper`: the published settings."""
    data: str = _SAMPLED
    """`sampled` for samples of the open head, or a folder: prepared meshes (with a dataset.json), or .obj, .ply and .npz
    files of one topology, a tenth of which is held out."""
    unit: InputUnit = "auto"
    """Unit of .obj, .ply and .npz files; `auto` infers it from the size of the meshes."""
    outliers: Literal["refuse", "keep"] = "refuse"
    """Meshes whose vertices are in another order than the others', or that are mirrored, turned or displaced: `refuse`
    names them and stops, `keep` trains on them."""
    count: int = 20_000
    """Number of sampled heads for training."""
    posed: tuple[Literal["expression", "neck", "gaze"], ...] = ("expression", "neck", "gaze")
    """Variation of sampled heads besides identity."""
    held_out: int = 512
    """Maximum number of held-out meshes."""
    latent: int = 8
    """Dimension of the latent code."""
    latent_activation: Literal["relu", "linear"] | None = None
    """Activation of the latent code; `relu` keeps it non-negative, as in the paper. By default that of the preset."""
    hierarchy: Literal["coma", "symmetric"] | None = None
    """Mesh simplification; `symmetric` keeps left and right alike. By default that of the preset."""
    steps: int | None = None
    """Steps of training, resumed parts included; by default those of the preset."""
    epochs: float | None = None
    """Epochs of training, in place of --steps."""
    batch: int = 16
    """Batch size in meshes."""

    def check(self) -> None:
        """Reject impossible options before any work is done."""
        super().check()
        require_positive(
            count=self.count,
            held_out=self.held_out,
            latent=self.latent,
            steps=self.steps,
            epochs=self.epochs,
            batch=self.batch,
        )
        if self.steps is not None and self.epochs is not None:
            what = "--steps and --epochs are both given"
            raise errors.UsageError("length_twice", what, "", "give one of the two")

    def run(self) -> int:
        """Train, and write the weights."""
        self.check()
        with run_folder(self.out):
            return self._train()

    def _train(self) -> int:
        from headform.data.mesh_data import from_folder, sampled_heads
        from headform.heads import load_open
        from headform.train.mesh_autoencoder import run

        head = load_open()
        if self.data == _SAMPLED:
            data = sampled_heads(head, self.count, self.seed, held_out=self.held_out, posed=self.posed)
        else:
            folder = Path(self.data)
            data = from_folder(folder, head, self.seed, held_out=self.held_out, unit=self.unit, outliers=self.outliers)
        net, result, facts = run(self._config(data), data, self.out, resume=self.resume)
        if "validation" in facts:
            found = facts["validation"]
            print(
                f"{found['mean_mm']:.3f} mm on {found['meshes']} held-out meshes; "
                f"their mean mesh is {found['mean_mesh_mm']:.3f} mm off"
            )
        return finish(net, result, facts, self.out / "mesh_autoencoder.safetensors")

    def _config(self, data: "MeshData") -> "MeshAutoencoderRun":
        from headform.train.mesh_autoencoder import from_preset

        return from_preset(
            self.preset,
            data.train.count,
            steps=self.steps,
            epochs=self.epochs,
            batch=self.batch,
            seed=self.seed,
            latent=self.latent,
            latent_activation=self.latent_activation,
            hierarchy=self.hierarchy,
        )
