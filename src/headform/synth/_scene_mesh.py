"""All meshes of a synthetic picture as one, and what each of the head's triangles is.

V head vertices, W vertices of all pieces together, F triangles.
"""

import numpy as np
from jaxtyping import Float32, Int32

from headform.geometry import face_classes as classes
from headform.heads.linear import PARTS, LinearHead
from headform.synth import _light_kernels as light_kernels
from headform.synth import _pixel_kernels as pixels
from headform.synth.piece import Piece

TEXTURED_MATERIAL = 3
"""Material of the triangles of opaque pieces with a texture."""


class SceneMesh:
    """All meshes of a picture as one: the head, then opaque pieces, then blended ones, which only cast shadows here."""

    def __init__(
        self,
        head: Float32[np.ndarray, "V 3"],
        head_faces: Int32[np.ndarray, "F 3"],
        opaque: list[Piece],
        blended: list[Piece],
    ) -> None:
        pieces = self.pieces = [*opaque, *blended]
        sizes = [len(head), *(len(p.vertices) for p in pieces)]
        self.starts = np.cumsum(sizes)[:-1].tolist()
        self.vertices = np.concatenate([head, *(p.vertices for p in pieces)])
        moved = [head_faces, *(p.faces + np.int32(at) for p, at in zip(pieces, self.starts, strict=True))]
        self.faces = np.concatenate(moved)
        self.opaque_faces = self.faces[: sum(len(each) for each in moved[: 1 + len(opaque)])]
        self.albedo = np.concatenate([np.zeros_like(head), *(p.albedo for p in pieces)]).astype(np.float32, copy=False)
        self.color = self.albedo
        """Radiance of each vertex, once it is shaded."""
        self.gloss = np.repeat(np.array([0.0, *(p.gloss for p in pieces)], np.float32), sizes)
        kinds = [TEXTURED_MATERIAL if p.texture is not None else pixels.COLOR_MATERIAL for p in opaque]
        counts = [len(p.faces) for p in opaque]
        self.material = np.repeat(np.array(kinds, np.int64), counts)
        self.label = np.repeat(np.array([p.label for p in opaque], np.int64), counts)

    def strands(
        self, in_camera: Float32[np.ndarray, "W 3"], normals: Float32[np.ndarray, "W 3"]
    ) -> tuple[Float32[np.ndarray, "W 3"], np.ndarray]:
        """Return tangents and a mask of strands; their normals, overwritten, point away from the middle of the head."""
        tangents = np.zeros_like(in_camera)
        strand = np.zeros(len(in_camera), bool)
        middle = in_camera[: self.starts[0] if self.starts else None].mean(0)
        for piece, at in zip(self.pieces, self.starts, strict=True):
            if not piece.strands or piece.uv is None:
                continue
            rows = slice(at, at + len(piece.vertices))
            strand[rows] = True
            uv = np.asarray(piece.uv, np.float32)
            light_kernels.strand_tangents(in_camera[rows], piece.faces, uv, tangents[rows])
            light_kernels.lift_normals(in_camera[rows], middle, normals[rows])
        return tangents, strand


def head_triangles(head: LinearHead) -> tuple[np.ndarray, np.ndarray]:
    """Return material and class of each triangle of the head."""
    faces, part = head.faces.numpy(), head.part.numpy()
    of = part[faces].max(1)  # a triangle between two parts belongs to the inner one
    material = np.full(len(faces), pixels.COLOR_MATERIAL, np.int64)
    outer = np.isin(of, [PARTS.index("face"), PARTS.index("head")])
    material[outer] = pixels.SKIN_MATERIAL
    eyes = np.isin(of, [PARTS.index("eye_right"), PARTS.index("eye_left")])
    material[eyes] = pixels.EYE_MATERIAL
    label = np.full(len(faces), classes.SKIN, np.int64)
    inside = [PARTS.index(n) for n in ("mouth", "tongue", "teeth")]
    label[np.isin(of, inside)] = classes.MOUTH_INSIDE
    label[eyes | np.isin(of, [PARTS.index("socket_right"), PARTS.index("socket_left")])] = classes.EYES
    label[outer & head.regions["neck"].numpy()[faces].all(1)] = classes.NECK
    return material, label
