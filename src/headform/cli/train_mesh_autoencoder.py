"""`headform train mesh-autoencoder`: sampled heads or meshes from disk, to a model file that stands alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform import errors
from headform.cli.training import Training, finish, require_positive
from headform.geometry.units import InputUnit

if TYPE_CHECKING:
    from headform.data.mesh_data import MeshData
    from headform.train.mesh_autoencoder import MeshAutoencoderRun

_MADE = "made"


@dataclass(frozen=True)
class MeshAutoencoder(Training):
    """A whole mesh in a few numbers: the spectral mesh autoencoder, whose encoder tells heads apart by their shape."""

    out: Annotated[Path, arg(aliases=("-o",))] = Path("runs/mesh-autoencoder")
    """Folder of the run: config.json, log.jsonl, checkpoint and mesh_autoencoder.safetensors."""
    preset: Literal["fast", "coma-paper"] = "fast"
    """fast: Muon, cosine, averaged weights, distances in millimeters. coma-paper: the published recipe."""
    data: str = _MADE
    """`made` for heads made from the open head, or a folder: prepared meshes (with a dataset.json), or .obj, .ply and .npz
    files of one topology, a tenth of which is held out."""
    unit: InputUnit = "auto"
    """Unit of .obj, .ply and .npz files."""
    count: int = 20_000
    """Sampled heads to learn from."""
    posed: tuple[Literal["expression", "neck", "gaze"], ...] = ("expression", "neck", "gaze")
    """What varies in sampled heads besides who it is."""
    held_out: int = 512
    """Meshes to measure on, at most."""
    latent: int = 8
    """Numbers of the code."""
    latent_activation: Literal["relu", "linear"] | None = None
    """relu: no number of the code is negative, as in the paper; the preset's own if not given."""
    hierarchy: Literal["coma", "symmetric"] | None = None
    """How coarser meshes are made; symmetric keeps left and right alike; the preset's own if not given."""
    steps: int | None = None
    """Length of the run, of all resumed parts together; the preset's own if not given."""
    epochs: float | None = None
    """The same, in passes over the meshes."""
    batch: int = 16
    """Meshes per step."""

    def check(self) -> None:
        """Refuse what cannot be before anything is made."""
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
        """Train and publish."""
        self.check()
        from headform.data.mesh_data import from_folder, sampled_heads
        from headform.heads import load_open
        from headform.train.mesh_autoencoder import run

        head = load_open()
        if self.data == _MADE:
            data = sampled_heads(head, self.count, self.seed, held_out=self.held_out, posed=self.posed)
        else:
            folder = Path(self.data)
            data = from_folder(folder, head, self.seed, held_out=self.held_out, unit=self.unit)
        net, result, facts = run(self._config(data), data, self.out, resume=self.resume)
        if "validation" in facts:
            found = facts["validation"]
            print(
                f"{found['mean_mm']:.3f} mm on {found['meshes']} held-out meshes; "
                f"their mean mesh is {found['mean_mesh_mm']:.3f} mm off"
            )
        return finish(net, result, facts, self.out / "mesh_autoencoder.safetensors")

    def _config(self, data: "MeshData") -> "MeshAutoencoderRun":
        from headform.train.mesh_autoencoder import choose

        return choose(
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
