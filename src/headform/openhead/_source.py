"""ICT-FaceKit Light as the source of the open head: triangles, parts, a mirror map and ARKit expressions.

V vertices (24,591: without lashes and the film on the eye), F triangles, T texture vertices, E = 51 expressions.
Centimeters, as published.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from headform.heads.linear import PARTS
from headform.importers.ict import arkit_name
from headform.importers.ict_model import EXPRESSIONS, LANDMARKS68, REGIONS, IctModel
from headform.mesh.topology import mirror_map
from headform.openhead._dense_points import choose_dense
from headform.openhead._regions import front_skin

VERTICES = 24591
IRISES = ((22221, 23021), (23791, 24591))
"""Inner shells of the eyeballs, hidden behind the outer ones."""
_MIRROR_CM = 0.05
"""Largest distance between a vertex and the image of its partner."""
_UV_STEPS = 1e5
"""Steps of the unit square; texture vertices that round to the same step are one."""


@dataclass(frozen=True)
class OpenSource:
    """The parts of the published model that the open head uses.

    Attributes:
        mean: Mean shape, float64, cm.
        identity: Displacements, float32, cm per standard deviation.
        expression: Displacements, float32, cm at weight 1.
        expression_names: ARKit names.
        faces: Triangles, cut alike on both sides.
        uv: Texture coordinates as published.
        uv_faces: Triangles over `uv`; duplicate texture vertices are merged.
        material: Material of each triangle.
        part: Index into `PARTS`.
        mirror: Vertex on the other side; exact on the skin, the nearest one where the meshes differ.
        landmarks: Vertices of the iBUG points.
        dense: Vertices of the dense set.
        dense_mirror: Positions of the mirror images in `dense`.
    """

    mean: Float[np.ndarray, "V 3"]
    identity: Float[np.ndarray, "100 V 3"]
    expression: Float[np.ndarray, "E V 3"]
    expression_names: tuple[str, ...]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "T 2"]
    uv_faces: Int[np.ndarray, "F 3"]
    material: Int[np.ndarray, " F"]
    part: UInt8[np.ndarray, " V"]
    mirror: Int[np.ndarray, " V"]
    landmarks: Int[np.ndarray, "68"]
    dense: Int[np.ndarray, " N"]
    dense_mirror: Int[np.ndarray, " N"]


def prepare(model: IctModel) -> OpenSource:
    """Derive triangles, parts, mirror map, ARKit expressions and the dense set from the published model."""
    # the npz holds single precision; rounded, both layouts give the same numbers
    mean, uv = (array.astype(np.float32).astype(np.float64) for array in (model.neutral[:VERTICES], model.uv))
    part = _parts()
    used = np.flatnonzero(model.polygons.max(1) < VERTICES)
    polygons = [tuple(int(k) for k in model.polygons[i] if k >= 0) for i in used]
    mirror = _mirror(mean, polygons, part)
    landmarks = np.asarray(LANDMARKS68)
    right = np.flatnonzero(part == PARTS.index("eye_right"))
    pupil = int(right[np.argmax(mean[right, 2])])
    mirror[mirror[pupil]] = pupil
    dense, dense_mirror = choose_dense(mean, mirror, front_skin(mean, part), landmarks, (pupil, int(mirror[pupil])))

    corners = [tuple(int(k) for k in model.polygon_uvs[i] if k >= 0) for i in used]
    faces, corner_faces, origin = _triangles(mean, mirror, polygons, corners)
    material = model.polygon_material[used][origin]
    names, shapes = _expressions(model)
    eyes = part >= PARTS.index("eye_right")
    for name, shape in zip(names, shapes, strict=True):
        if name.startswith("eyeLook"):
            shape[eyes] = 0.0  # gaze turns the eyeballs
    return OpenSource(
        mean=mean.copy(),
        identity=model.identity[:, :VERTICES],
        expression=shapes,
        expression_names=names,
        faces=faces,
        uv=uv,
        uv_faces=_welded(uv, faces, corner_faces, material),
        material=material,
        part=part,
        mirror=_involution(mean, mirror, part),
        landmarks=landmarks,
        dense=dense,
        dense_mirror=dense_mirror,
    )


def _parts() -> UInt8[np.ndarray, " V"]:
    part = np.zeros(VERTICES, np.uint8)
    for _, first, end, name in REGIONS:
        if name:
            part[first:end] = PARTS.index(name)
    return part


def _mirror(
    mean: Float[np.ndarray, "V 3"], polygons: list[tuple[int, ...]], part: UInt8[np.ndarray, " V"]
) -> Int[np.ndarray, " V"]:
    """Find partners by walking the skin, and by position on the separate parts."""
    mirror = mirror_map(mean, polygons, tolerance=_MIRROR_CM)
    for here, there in (
        ("tongue", "tongue"),
        ("teeth", "teeth"),
        ("eye_right", "eye_left"),
        ("eye_left", "eye_right"),
    ):
        own = np.flatnonzero(part == PARTS.index(here))
        other = np.flatnonzero(part == PARTS.index(there))
        mirror[own] = other[cKDTree(mean[other]).query(mean[own] * [-1, 1, 1])[1]]
    return mirror


def _involution(
    mean: Float[np.ndarray, "V 3"], mirror: Int[np.ndarray, " V"], part: UInt8[np.ndarray, " V"]
) -> Int[np.ndarray, " V"]:
    """Make partners agree with each other: where two vertices chose the same one, by the cheapest assignment."""
    mirror = mirror.copy()
    for name in ("tongue", "teeth"):
        ids = np.flatnonzero(part == PARTS.index(name))
        loose = ids[mirror[mirror[ids]] != ids]
        if len(loose) == 0:
            continue
        gap = np.linalg.norm(mean[loose][:, None] * [-1, 1, 1] - mean[loose][None], axis=2)
        columns = linear_sum_assignment(gap + gap.T)[1]
        mirror[loose] = loose[columns]
        odd = loose[mirror[mirror[loose]] != loose]
        mirror[odd] = odd
    return mirror


def _triangles(
    mean: Float[np.ndarray, "V 3"],
    mirror: Int[np.ndarray, " V"],
    polygons: list[tuple[int, ...]],
    corners: list[tuple[int, ...]],
) -> tuple[Int[np.ndarray, "F 3"], Int[np.ndarray, "F 3"], Int[np.ndarray, " F"]]:
    """Split quads along the shorter diagonal, and their mirror images along its mirror image."""
    cut: dict[frozenset[int], frozenset[int]] = {}
    faces, uv_faces, origin = [], [], []
    for index, (polygon, corner) in enumerate(zip(polygons, corners, strict=True)):
        turn = 0
        if len(polygon) == 4:
            chosen = cut.get(frozenset(polygon))
            if chosen is None:
                first = float(np.linalg.norm(mean[polygon[0]] - mean[polygon[2]]))
                second = float(np.linalg.norm(mean[polygon[1]] - mean[polygon[3]]))
                turn = int(second < first)
                image = frozenset(int(mirror[k]) for k in polygon)
                cut[image] = frozenset((int(mirror[polygon[turn]]), int(mirror[polygon[turn + 2]])))
            else:
                turn = int(polygon[0] not in chosen)
        p = polygon[turn:] + polygon[:turn]
        q = corner[turn:] + corner[:turn]
        for k in range(1, len(p) - 1):
            faces.append((p[0], p[k], p[k + 1]))
            uv_faces.append((q[0], q[k], q[k + 1]))
            origin.append(index)
    return np.array(faces), np.array(uv_faces), np.array(origin)


def _welded(
    uv: Float[np.ndarray, "T 2"],
    faces: Int[np.ndarray, "F 3"],
    uv_faces: Int[np.ndarray, "F 3"],
    material: Int[np.ndarray, " F"],
) -> Int[np.ndarray, "F 3"]:
    """Merge the texture vertices that a vertex has at the same place in one material."""
    place = np.round(uv[uv_faces].reshape(-1, 2) * _UV_STEPS).astype(np.int64)
    key = np.column_stack([faces.ravel(), np.repeat(material, 3), place])
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return np.asarray(uv_faces.ravel()[first][inverse.ravel()].reshape(-1, 3), np.int64)


def _expressions(model: IctModel) -> tuple[tuple[str, ...], Float[np.ndarray, "E V 3"]]:
    """Return ARKit's names and shapes: sides are added where ARKit has one shape; Left is the subject's."""
    shapes: dict[str, Float[np.ndarray, "V 3"]] = {}
    for name in EXPRESSIONS:
        shape, joined = model.expression[name][:VERTICES], arkit_name(name)
        shapes[joined] = shapes[joined] + shape if joined in shapes else shape
    return tuple(shapes), np.stack(list(shapes.values()))
