"""The seven landmarks of another system's mesh: from its files, from the mesh's known vertices, or found on it.

V vertices, F triangles. The unit is the mesh's own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.spatial import cKDTree

from headform.errors import FaceError, HeadformError
from headform.evaluate.peers.systems import MESHES
from headform.evaluate.scan.landmark7_files import Landmarks, read_landmarks7
from headform.evaluate.scan.landmarks7 import TYPICAL, check_order
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.procrustes import procrustes
from headform.geometry.landmarks68 import NOW7
from headform.geometry.units import MM_PER_M, OUTER_EYES_M
from headform.importers.basel_topology import landmark_vertices
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.closest_point import closest_points

if TYPE_CHECKING:
    from headform.registration.scan_landmarks import ScanLandmarker

OFF = 5.0 / (OUTER_EYES_M * MM_PER_M)
"""Largest distance of a landmark from its mesh, in distances of the outer eye corners: 5 mm of an adult, as in `scan`."""
UNLIKE = 0.12
"""Largest root mean square distance from typical landmarks once aligned, in distances of the outer eye corners: 11 mm.
Random identities of the open head reach 0.065, with wide open mouths 0.096; vertices of its face drawn at random that happen
to be in order begin at 0.16."""
EXAMPLES = 3
"""Meshes of one triangulation on which landmarks are found, to take the median. Single ones are 0.5 to 6 mm off on
small clay heads; NoW starts its alignment from them, and ends it by the surfaces."""
_STEPS = 20
"""Steps in which turned points slide along y onto the mesh."""
_FOCUS7 = (2735, 6088, 10263, 13746, 8165, 5394, 11116)
"""Vertices of Basel 2017 that the authors of FOCUS take for NoW's seven."""

Finder = Callable[[TriangleMesh, str], Landmarks]
"""Finds seven landmarks on a mesh; raises `FaceError` where there is no face."""


@dataclass(frozen=True, eq=False)
class Marked:
    """A mesh with its landmarks, both with y up.

    Attributes:
        mesh: Mesh, in its own unit.
        landmarks: (7, 3) on it.
        origin: Origin of the landmarks, for people.
        was_upside_down: The file's y pointed down, mirroring the head; it is turned.
    """

    mesh: Surface
    landmarks: Landmarks
    origin: str
    was_upside_down: bool

    @property
    def outer_eyes(self) -> float:
        """Distance between the outer eye corners, in the unit of the mesh."""
        return float(np.linalg.norm(self.landmarks[0] - self.landmarks[3]))


@dataclass(frozen=True, eq=False)
class _OnTriangles:
    """Landmarks as triangles and barycentric weights, valid for all meshes of one triangulation."""

    corners: Int[np.ndarray, "7 3"]
    weights: Float64[np.ndarray, "7 3"]

    def on(self, vertices: Float[np.ndarray, "V 3"]) -> Landmarks:
        return np.asarray((vertices[self.corners] * self.weights[..., None]).sum(axis=1), np.float64)


class SevenPoints:
    """Source of landmarks for the meshes of one run.

    Args:
        vertices: Seven vertices by number of the mesh's vertices, such as those of a head model file.
        finder: Finder of landmarks on meshes that have none.
        examples: Yields meshes of the run, to find landmarks on several of one triangulation.
    """

    def __init__(
        self,
        vertices: Mapping[int, tuple[Int[np.ndarray, "7"], str]],
        finder: Finder,
        examples: Callable[[], Iterable[Surface]],
    ) -> None:
        self._vertices, self._finder, self._examples = vertices, finder, examples
        self._found: dict[bytes, _OnTriangles] = {}

    def mark(self, mesh: Surface, files: Mapping[str, Path]) -> Marked:
        """Find the landmarks of one mesh.

        The first that fit are taken: a file whose points lie on the mesh, as they are or with y turned; the vertices of the
        head model that was given; known vertices of its triangulation; landmarks found by drawing the mesh.

        Args:
            mesh: Mesh.
            files: Landmark files that there may be, in order of preference, by the names that reports give them.

        Raises:
            InputError: a landmark file that cannot be read, `landmarks_order`, `landmarks_degenerate`.
            FaceError: `no_face`.
        """
        beside = ""
        for name, path in files.items():
            if not path.is_file():
                continue
            points = _on_mesh(read_landmarks7(path), mesh)
            if points is not None:
                return _upright(mesh, points, name)
            beside = beside or f"; {name} is not in the frame of the mesh"
        count = len(mesh.vertices)
        if count in self._vertices:
            rows, origin = self._vertices[count]
            return _upright(mesh, mesh.vertices[rows], origin + beside)
        for known in _known(count):
            points = mesh.vertices[list(known)]
            if is_like_a_face(points):
                return _upright(mesh, points, f"known vertices of {MESHES[count]}" + beside)
        points = self._carried(mesh)
        return _upright(mesh, points, "found by drawing the mesh, carried over its triangles" + beside)

    def _carried(self, mesh: Surface) -> Landmarks:
        """Landmarks found on some meshes of the same triangulation; their median on this one."""
        key = mesh.faces.tobytes()
        if key not in self._found:
            marks, failure = [], FaceError("no_face", "no face was found on the mesh", mesh.name)
            for example in self._examples():
                if example.faces.tobytes() != key:
                    continue
                try:
                    points = self._finder(TriangleMesh(example.vertices, example.faces), example.name)
                except FaceError as error:
                    failure = error
                    continue
                marks.append(_attached(points, example).on(mesh.vertices))
                if len(marks) == EXAMPLES:
                    break
            if not marks:
                raise failure
            self._found[key] = _attached(np.median(marks, axis=0), mesh)
        return self._found[key].on(mesh.vertices)


def find_by_drawing() -> Finder:
    """Make a finder that draws meshes and reads them with the shipped networks, which are loaded at its first use."""
    loaded: list[ScanLandmarker] = []

    def find(mesh: TriangleMesh, name: str) -> Landmarks:
        from headform.registration.scan_landmarks import ScanLandmarker

        if not loaded:
            loaded.append(ScanLandmarker.load())
        return np.asarray(loaded[0].find(mesh, name=name).usable[list(NOW7)], np.float64)

    return find


def is_like_a_face(points: Float[np.ndarray, "7 3"]) -> bool:
    """Return True if seven points are in order and lie about as they do on a typical face, possibly mirrored."""
    try:
        check_order(points, "")
        placed = procrustes(points, TYPICAL).apply(TYPICAL)
    except (HeadformError, ValueError):
        return False
    away = np.sqrt(((placed - points) ** 2).sum(axis=1).mean())
    return bool(away <= UNLIKE * np.linalg.norm(points[0] - points[3]))


def _known(count: int) -> list[tuple[int, ...]]:
    whole = landmark_vertices(count)
    if whole is None:
        return []
    seven = tuple(whole[k] for k in NOW7)
    return [_FOCUS7, seven] if MESHES[count].startswith("Basel 2017") else [seven]


def _on_mesh(points: Landmarks, mesh: Surface) -> Landmarks | None:
    """The points if they lie on the mesh, as they are or after turning y about some height; else None.

    PRNet writes its points in the photo's frame, y down, and its mesh with y up, whose origin depends on the photo's
    height: that follows from vertices at the same x and z.
    """
    size = float(np.linalg.norm(points[0] - points[3]))
    if _farthest(points, mesh) <= OFF * size:
        return points
    away, nearest = cKDTree(mesh.vertices[:, [0, 2]]).query(points[:, [0, 2]], k=min(8, len(mesh.vertices)))
    sums = (mesh.vertices[nearest, 1] + points[:, 1:2])[
        away <= OFF * size
    ]  # twice the height, where the vertex is the right one
    if not len(sums):
        return None
    support = (np.abs(sums[:, None] - sums) <= OFF * size).sum(axis=1)
    turned = points * [1.0, -1.0, 1.0] + [0.0, sums[support.argmax()], 0.0]
    for _ in range(_STEPS):
        found = closest_points(turned, mesh.vertices, mesh.faces)
        places = (mesh.vertices[mesh.faces[found.triangle]] * found.weights[..., None]).sum(axis=1)
        turned = turned + [0.0, (places - turned)[:, 1].mean(), 0.0]
    return turned if _farthest(turned, mesh) <= OFF * size else None


def _farthest(points: Landmarks, mesh: Surface) -> float:
    return float(np.sqrt(closest_points(points, mesh.vertices, mesh.faces).squared.max()))


def _upright(mesh: Surface, points: Landmarks, origin: str) -> Marked:
    """Turn y where the landmarks say that the mesh is mirrored, as in the frame of an image."""
    check_order(points, f"landmarks of {mesh.name}")
    if not procrustes(TYPICAL, points).mirrors:
        return Marked(mesh, points, origin, was_upside_down=False)
    turn = np.array([1.0, -1.0, 1.0])
    turned = Surface(mesh.vertices * turn, np.ascontiguousarray(mesh.faces[:, ::-1]), mesh.name, mesh.colored_obj)
    return Marked(turned, points * turn, origin, was_upside_down=True)


def _attached(points: Float[np.ndarray, "7 3"], mesh: Surface) -> _OnTriangles:
    found = closest_points(points, mesh.vertices, mesh.faces)
    return _OnTriangles(mesh.faces[found.triangle], found.weights)
