"""Make people whose shapes come from other head models, as judges of networks that were taught with the open head's.

Run:

    python -m benchmarks.other_people scans -o SCANS [--count 50]
    headform register SCANS -o REGISTERED --neutral --region face --workers 2
    python -m benchmarks.other_people photos REGISTERED -o JUDGES [--photos 2]

`scans` writes random heads of the Surrey model and the simulated faces of meshmonk as meshes. Registered, they have the
open head's vertices and their own shapes: what its modes do not give is kept as a residual. `photos` renders them with
hair, skin and light like all synthetic people, into shards with their neutral meshes. The same model on both sides would
be an inverse crime.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro

from benchmarks.environment import default_data
from headform.data.sample import Sample
from headform.data.shards import ShardWriter
from headform.data.subject_meshes import SubjectMeshes
from headform.geometry.landmarks68 import JAW
from headform.geometry.units import MM_PER_M
from headform.heads import load_open
from headform.importers import surrey
from headform.io.atomic import write_bytes
from headform.synth.generator import Generator
from headform.synth.people import sample_person

SEED = 40_000_003
"""Seed of shapes and photos; no training uses it."""


@dataclass(frozen=True)
class Scans:
    """Write heads of other models as OBJ files."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    count: int = 50
    """Heads of the Surrey model; meshmonk has 45 faces."""
    data: Path = field(default_factory=default_data)

    def run(self) -> None:
        """Write the files, meters and millimeters as their models have them."""
        self.out.mkdir(parents=True, exist_ok=True)
        model = surrey.read(self.data / "models" / "eos_sfm" / "sfm_shape_3448.bin")
        generator = torch.Generator().manual_seed(SEED)
        for number in range(self.count):
            code = torch.randn(len(model.identity), generator=generator)
            vertices = MM_PER_M * model.vertices(code).double().numpy()
            _write(self.out / f"surrey{number:03d}.obj", vertices, model.faces.numpy())
        with np.load(self.data / "scans" / "meshmonk" / "simpop_all.npz") as file:
            for number, vertices in enumerate(file["vertices"]):
                _write(self.out / f"meshmonk{number:03d}.obj", vertices, file["faces"])


@dataclass(frozen=True)
class Photos:
    """Render registered people into shards."""

    registered: tyro.conf.Positional[Path]
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    photos: int = 2

    def run(self) -> None:
        """Write the shards; people whose registration does not fit are named."""
        head = load_open()
        meshes = SubjectMeshes(self.registered, "folder", head)
        names = sorted(path.name for path in self.registered.iterdir() if path.is_dir())
        generator = Generator(head, size=224)
        with ShardWriter(self.out, size=224) as writer:
            for number, name in enumerate(names):
                mesh = meshes.of(name)
                if mesh is None or mesh.vertices is None:
                    print(f"{name}: no registration")
                    continue
                rng = np.random.default_rng((SEED, number))
                identity = mesh.coefficients["identity"][: len(head.identity)]
                own = head.vertices(torch.from_numpy(identity)).numpy()
                poses = [
                    sample_person(rng, generator.randomization, head.expression_names, len(head.identity))
                    for _ in range(self.photos)
                ]
                people = [replace(pose, identity=identity, residual=mesh.vertices - own) for pose in poses]
                batch = generator.photograph(rng, people, [int(rng.integers(2**31))] * self.photos)
                for k in range(self.photos):
                    points = batch.points[k, :68].copy()
                    points[JAW] = np.nan  # annotators mark its outline, not its surface
                    sample = Sample(
                        name=f"{name}-{k}",
                        subject=name,
                        image=batch.images[k],
                        points68=points,
                        skin=batch.skin[k],
                        vertices=mesh.vertices,
                        source="other models",
                    )
                    writer.add(sample)
        for note in meshes.notes:
            print(note)


def _write(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (faces + 1).tolist()]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"scans": Scans, "photos": Photos}).run()
