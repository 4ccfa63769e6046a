"""Triangle meshes of files, heads and scans, as plain arrays.

V vertices, F triangles, T texture coordinates, M materials, h w texels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from headform.geometry.array_checks import require_array, require_faces, wrong_shape


@dataclass(frozen=True)
class TriangleMesh:
    """Triangle mesh with optional texture coordinates, colors and materials; absent parts are None.

    Vertex order is the file's order, no vertex is merged, split or dropped. The unit and the frame
    are those of the file: nothing is scaled or rotated.

    Attributes:
        vertices: (V, 3) float32 or float64, any unit.
        faces: (F, 3) int64, indices into `vertices`; polygons are split into fans.
        uv: (T, 2) texture coordinates, origin at the bottom left (OBJ).
        uv_faces: (F, 3) int64, indices into `uv`; -1 at a corner that has none.
        normals: (V, 3) vertex normals.
        colors: (V, 3) sRGB (the values as displayed) in [0, 1].
        materials: Names of the materials, in order of first use; of a PLY, its pictures' file names in its order.
        face_material: (F,) int64, index into `materials`; -1 where a face has none.
        texture: (h, w, 3) sRGB over `uv`, row 0 at v = 1; repeats outside [0, 1]. Readers of mesh files leave it out.

    Raises:
        InputError: `mesh_index`, and for other arrays those of `geometry.array_checks`. Coordinates may be NaN.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "T 2"] | None = None
    uv_faces: Int[np.ndarray, "F 3"] | None = None
    normals: Float[np.ndarray, "V 3"] | None = None
    colors: Float[np.ndarray, "V 3"] | None = None
    materials: tuple[str, ...] = ()
    face_material: Int[np.ndarray, " F"] | None = None
    texture: UInt8[np.ndarray, "h w 3"] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together, and triangles of vertices that are not there."""
        count = len(require_array("vertices", self.vertices, ("V", 3)))
        triangles = require_faces("faces", self.faces, count).shape
        for name in ("normals", "colors"):
            if getattr(self, name) is not None:
                require_array(name, getattr(self, name), (count, 3))
        if self.uv is not None:
            require_array("uv", self.uv, ("T", 2))
        if self.uv_faces is not None:
            rows = count if self.uv is None else len(self.uv)
            corners = require_faces("uv_faces", self.uv_faces, rows, least=-1, of="texture vertices")
            if corners.shape != triangles:
                raise wrong_shape("uv_faces", corners.shape, triangles)
        if self.texture is not None:
            require_array("texture", self.texture, ("h", "w", 3), "int")

    @property
    def colored(self) -> bool:
        """True if the mesh has a texture or vertex colors."""
        return self.texture is not None or self.colors is not None
