"""`python -m benchmarks.head_fitting`: heads of another model and scans of people, fitted; what is left, in millimeters.

Landmarks of scans are found by drawing them. Distances are those of `fit.face_distance`: from the source's vertices within
the sphere of the NoW evaluation to the closest point of the head. A mean head is laid onto the source first, rigidly by the
same procedure, as the yardstick.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import tyro

from benchmarks.environment import default_data, describe
from headform import heads
from headform.evaluate.fit_picture import fit_picture
from headform.heads.coefficients import layout_of
from headform.heads.linear import LinearHead
from headform.importers import surrey
from headform.registration.fit_source import FitSource, head_source, read_mesh, scan_source
from headform.registration.head_fit import HeadFit, HeadFitOptions, fit_head
from headform.registration.scan_landmarks import ScanLandmarker
from headform.registration.shape_models import face_region
from headform.registration.surface import SurfaceIndex

SCANS = (
    ("Lee Perry-Smith", "scans/lee_perry_smith/LeePerrySmith.obj", "Map-COL.jpg"),
    ("humface", "scans/rvcg_humface/humface.ply", ""),
    ("meshmonk bust", "scans/meshmonk/DemoFace_10K.obj", ""),
    ("meshmonk simulated", "scans/meshmonk/SIMPOP_10.obj", ""),
)
SURREY = "models/eos_sfm/sfm_shape_3448.bin"
RIGID = HeadFitOptions(identity=False, expression=False)


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    data: Path = field(default_factory=default_data)
    """Folder of the test data."""
    people: int = 5
    """Random heads of the Surrey model, and of the open head."""
    out: Path | None = None
    """Also write a picture of each fit of the first people and of the scans here."""


def main(arguments: Arguments) -> None:
    """Print the table."""
    print(f"{describe()}\n")
    print("| source | head | landmarks | mean head | fitted: median | mean | 90 % | largest code | fit |")
    print("|---|---|---|---|---|---|---|---|---|")
    open_head = heads.load_open()
    other = surrey.read(arguments.data / SURREY)
    trips = []
    for seed in range(arguments.people):
        source = _person(other, seed)
        fit = _row(f"Surrey, seed {seed}", source, open_head, "model's", arguments, seed == 0)
        again = head_source(open_head, fit.coefficients)
        name = f"that open head, seed {seed}"
        back = _row(name, again, other, "model's", arguments, seed == 0)
        trips.append(_round_trip(other, source, fit, back))
    for seed in range(arguments.people):
        source = _person(open_head, seed)
        _row(f"open, seed {seed}", source, other, "model's", arguments, seed == 0)
    landmarker = ScanLandmarker.load()
    for name, path, texture in SCANS:
        file = arguments.data / path
        mesh, _ = read_mesh(file, file.parent / texture if texture else None)
        started = time.perf_counter()
        found = landmarker.find(mesh, name=name)
        spent = time.perf_counter() - started
        source = scan_source(name, mesh, found.usable)
        marks = f"{int(found.sure.sum())} in {spent:.1f} s"
        _row(name, source, open_head, marks, arguments, True)
        _row(name, source, other, marks, arguments, True)
    print("\nThere and back, from each vertex of a Surrey face to the same vertex, mm (median, to the surface):")
    print("; ".join(f"{same:.2f}, {surface:.2f}" for same, surface in trips))


def _round_trip(head: LinearHead, source: FitSource, there: HeadFit, back: HeadFit) -> tuple[float, float]:
    """Median distance of what came back to the same vertex, and to the surface, of what was sent, mm."""
    region = face_region(head)
    home = there.to_source.apply(back.placed)[region]
    sent = source.mesh.vertices
    same = np.linalg.norm(home - sent[region], axis=1)
    surface = SurfaceIndex.of(sent, source.mesh.faces).closest(home).distance
    return 1000 * float(np.median(same)), 1000 * float(np.median(surface))


def _person(head: LinearHead, seed: int) -> FitSource:
    generator = torch.Generator().manual_seed(seed)
    return head_source(head, layout_of(head).sample(generator=generator))


def _row(name: str, source: FitSource, head: LinearHead, marks: str, arguments: Arguments, drawn: bool) -> HeadFit:
    mean = fit_head(head, source, RIGID)
    fit = fit_head(head, source)
    d = fit.distance
    print(
        f"| {name} | {head.name} | {marks} | {mean.distance.median_mm:.2f} | {d.median_mm:.2f} | {d.mean_mm:.2f} "
        f"| {d.p90_mm:.2f} | {abs(fit.identity).max():.1f} σ | {fit.surface.iterations} rounds, {fit.seconds:.1f} s |",
        flush=True,
    )
    if arguments.out is not None and drawn:
        arguments.out.mkdir(parents=True, exist_ok=True)
        stem = "".join(c if c.isalnum() else "_" for c in f"{name} by {head.name}".lower())
        (arguments.out / f"{stem}.png").write_bytes(fit_picture(fit))
    return fit


if __name__ == "__main__":
    main(tyro.cli(Arguments))
