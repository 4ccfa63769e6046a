"""MakeHuman's files: the body `base.obj`, and pieces bound to it by `.mhclo` files.

V vertices, W of a piece, T texture vertices, F triangles. Decimeters, x to the subject's left, y up, z forward.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from jaxtyping import Float64, Int64

_AXES = ("x_scale", "y_scale", "z_scale")


@dataclass(frozen=True)
class PolygonMesh:
    """Mesh of an OBJ file; polygons are split into fans.

    Attributes:
        vertices: (V, 3).
        faces: (F, 3) indices into `vertices`.
        uv: (T, 2), origin bottom-left.
        uv_faces: (F, 3) indices into `uv`.
        group: (F,) name of the group of each triangle.
    """

    vertices: Float64[np.ndarray, "V 3"]
    faces: Int64[np.ndarray, "F 3"]
    uv: Float64[np.ndarray, "T 2"]
    uv_faces: Int64[np.ndarray, "F 3"]
    group: np.ndarray

    def part(self, *names: str) -> "PolygonMesh":
        """Return the triangles of some groups, over the same vertices."""
        kept = np.isin(self.group, names)
        return PolygonMesh(self.vertices, self.faces[kept], self.uv, self.uv_faces[kept], self.group[kept])


def read_obj(path: Path) -> PolygonMesh:
    """Read an OBJ file with texture coordinates."""
    points, uv, faces, uv_faces, groups, group = [], [], [], [], [], ""
    for line in path.read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            points.append([float(x) for x in rest[:3]])
        elif word == "vt":
            uv.append([float(x) for x in rest[:2]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            corner = [[int(x) - 1 for x in c.split("/")[:2]] for c in rest]
            for k in range(1, len(corner) - 1):
                faces.append([corner[0][0], corner[k][0], corner[k + 1][0]])
                uv_faces.append([corner[0][1], corner[k][1], corner[k + 1][1]])
                groups.append(group)
    return PolygonMesh(np.array(points), np.array(faces), np.array(uv), np.array(uv_faces), np.array(groups))


def fitted_vertices(path: Path, base: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "W 3"]:
    """Place the vertices of a piece on the body as its `.mhclo` file says.

    A line holds one vertex of the body, or three with weights and an offset, which is in units of the distance between the
    two vertices that ``x_scale`` and the like name, relative to the distance there.
    """
    scale, rows, inside = np.ones(3), [], False
    for line in path.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in _AXES:
            axis = _AXES.index(words[0])
            a, b, length = int(words[1]), int(words[2]), float(words[3])
            scale[axis] = abs(base[a, axis] - base[b, axis]) / length
        elif words[0] == "verts":
            inside = True
        elif inside and words[0].lstrip("-").isdigit():
            rows.append([float(x) for x in words] if len(words) > 1 else [float(words[0])] * 3 + [1.0] + [0.0] * 5)
    table = np.array([row + [0.0] * (9 - len(row)) for row in rows])
    corners = base[table[:, :3].astype(np.int64)]
    return (corners * table[:, 3:6, None]).sum(1) + table[:, 6:9] * scale


def split_at_seams(
    mesh: PolygonMesh,
) -> tuple[Int64[np.ndarray, " W"], Float64[np.ndarray, "W 2"], Int64[np.ndarray, "F 3"]]:
    """Give each vertex one texture coordinate.

    Returns:
        Index into `PolygonMesh.vertices` and texture coordinates of each vertex, and the triangles over them.
    """
    pairs = np.stack([mesh.faces, mesh.uv_faces], -1).reshape(-1, 2)
    unique, place = np.unique(pairs, axis=0, return_inverse=True)
    return unique[:, 0], mesh.uv[unique[:, 1]], place.reshape(-1, 3)


def components(faces: Int64[np.ndarray, "F 3"], count: int) -> Int64[np.ndarray, " W"]:
    """Number the connected parts of a mesh."""
    a, b = faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel()
    joined = scipy.sparse.csr_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    return np.asarray(scipy.sparse.csgraph.connected_components(joined, directed=False)[1], np.int64)
