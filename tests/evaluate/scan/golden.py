"""The golden scan and prediction as files on disk, as a person would have them."""

from pathlib import Path

import numpy as np

from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh

MEDIAN, MEAN, STD = range(3)
EXPECTED = {
    False: (1.451816312863, 1.665171574183, 1.208422476914),
    True: (1.457833449523, 1.735711044988, 1.286760854420),
}
TOLERANCE = {False: 1e-6, True: 1e-4}
ITERATIONS = {False: 8, True: 53}

PICKS = """<!DOCTYPE PickedPoints>
<PickedPoints>
 <DocumentData>
  <DateTime time="10:00:00" date="2019-01-01"/>
  <User name="somebody"/>
  <DataFileName name="scan.obj"/>
  <templateName name=""/>
 </DocumentData>
"""


def arrays(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / "now_golden" / "fixture.npz") as file:
        return {name: file[name] for name in file.files}


def picks(points: np.ndarray) -> str:
    """A `.pp` file: seven points on its lines 8 to 14 from 0, attributes in MeshLab's changing order."""
    rows = []
    for number, (x, y, z) in enumerate(np.asarray(points, np.float64).tolist()):
        order = [f'x="{x!r}"', f'y="{y!r}"', f'z="{z!r}"']
        order = order[number % 3 :] + order[: number % 3]
        rows.append(f' <point {" ".join(order)} active="1" name="{number}"/>')
    return PICKS + "\n".join(rows) + "\n</PickedPoints>\n"


def write_colored_obj(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    gray = " 0.5 0.25 0.125"
    lines = ["v " + " ".join(map(repr, row)) + gray for row in vertices.tolist()]
    lines += ["f " + " ".join(map(str, row)) for row in (faces + 1).tolist()]
    path.write_text("\n".join(lines) + "\n")


def write_all(folder: Path, z: dict[str, np.ndarray]) -> None:
    """scan.obj, scan.ply (double), scan.pp; head.obj (colored), head.ply (double), head.npy, head.txt."""
    scan = TriangleMesh(z["scan_vertices"], z["scan_faces"].astype(np.int64))
    head = TriangleMesh(z["predicted_vertices"], z["predicted_faces"].astype(np.int64))
    obj.write(folder / "scan.obj", scan)
    ply.write(folder / "scan.ply", scan, encoding="binary_little_endian")
    (folder / "scan.pp").write_text(picks(z["scan_landmarks"]))
    write_colored_obj(folder / "head.obj", head.vertices, head.faces)
    ply.write(folder / "head.ply", head, encoding="binary_little_endian")
    np.save(folder / "head.npy", z["predicted_landmarks"][None])
    np.savetxt(folder / "head.txt", z["predicted_landmarks"], fmt="%.17g")
