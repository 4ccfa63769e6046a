"""A made copy of the benchmark: ten subjects, four challenges, scans, picks, and predictions that are nearly right."""

import shutil
from pathlib import Path

import numpy as np

from headform.evaluate.now.layout import CHALLENGES
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from tests.evaluate.scan.faces import head_of
from tests.evaluate.scan.golden import picks

SUBJECTS = tuple(f"FaMoS_1808{number:02d}_03335" for number in range(10))
IMAGES = tuple(f"{s}/{c}/IMG_{100 + i:04d}" for s in SUBJECTS for i, c in enumerate(CHALLENGES))


def make_dataset(folder: Path, subjects: int = len(SUBJECTS)) -> None:
    names = IMAGES[: subjects * len(CHALLENGES)]
    (folder / "imagepathsvalidation.txt").write_text("".join(f"{name}.jpg\n" for name in names))
    for number, subject in enumerate(SUBJECTS[:subjects]):
        surface, landmarks = head_of(number, count=1200, spread=0.6)
        for part in ("scans", "scans_lmks_onlypp"):
            (folder / part / subject).mkdir(parents=True)
        mesh = TriangleMesh(surface.vertices.astype(np.float32), surface.faces)
        obj.write(folder / "scans" / subject / "natural_head_rotation.000001.obj", mesh)
        path = folder / "scans_lmks_onlypp" / subject / "natural_head_rotation.000001_picked_points.pp"
        path.write_text(picks(landmarks))


def prediction(number: int, *, noise: float = 0.2, unit: float = 1000.0, **expression: float):
    """What a method makes of image `number`: its subject's head with some error, in meters."""
    surface, landmarks = head_of(
        number // len(CHALLENGES), count=900, spread=0.6, noise=noise + 1e-3 * number, **expression
    )
    return TriangleMesh(surface.vertices / unit, surface.faces), landmarks / unit


def write_prediction(folder: Path, name: str, mesh: TriangleMesh, landmarks: np.ndarray) -> None:
    """OBJ and .npy for even image numbers, double PLY and .txt for odd ones."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if int(name[-1]) % 2 == 0:
        obj.write(path.with_suffix(".obj"), mesh)
        np.save(path.with_suffix(".npy"), landmarks[None])
    else:
        ply.write(path.with_suffix(".ply"), mesh, encoding="binary_little_endian")
        np.savetxt(path.with_suffix(".txt"), landmarks, fmt="%.17g")


def make_predictions(folder: Path) -> None:
    for number, name in enumerate(IMAGES):
        write_prediction(folder, name, *prediction(number))


def part_of(dataset: Path, target: Path, count: int) -> Path:
    """A data set that lists the first images only and links to the scans of the whole one."""
    target.mkdir()
    (target / "imagepathsvalidation.txt").write_text("".join(f"{n}.jpg\n" for n in IMAGES[:count]))
    for part in ("scans", "scans_lmks_onlypp"):
        (target / part).symlink_to(dataset / part)
    return target


def remove(folder: Path, name: str) -> None:
    for suffix in (".obj", ".ply", ".npy", ".txt"):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


def replaced(folder: Path, name: str, mesh: TriangleMesh, landmarks: np.ndarray) -> None:
    remove(folder, name)
    write_prediction(folder, name, mesh, landmarks)


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target
