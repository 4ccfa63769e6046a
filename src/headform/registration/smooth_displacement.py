"""Smooth displacements of a mesh that follow targets: a thin plate over the surface.

V vertices, F triangles, L points given as mixtures of vertices. Meters, square meters; float64.

Minimized over the displacements d of all vertices is

    sum_i a_i w_i |d_i - u_i|^2  +  l^4 sum_i a_i s_i (|(Laplacian d)_i|^2 + |d_i|^2 / r^4)  +  sum_k b_k |(P d)_k - v_k|^2

with a the vertex areas and the cotangent Laplacian. Where there are targets, d follows them and smooths what is shorter than
the length l; where there are none, it continues smoothly and fades over the distance r. The stiffness of Amberg, Romdhani
and Vetter 2007 ("Optimal step nonrigid ICP algorithms for surface registration") plays the part of l^4; theirs is on the
differences of an affine map per vertex, which like this one costs nothing for linear maps of flat parts, at sixteen times
the entries of the matrix.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from headform.mesh.cotangent_laplacian import cotangent_laplacian, vertex_areas

LEAST_AREA = 0.02
"""Least area of a vertex in medians of all: its inverse enters the stiffness, and tiny triangles would be rigid."""


@dataclass(frozen=True, eq=False)
class PointPulls:
    """Places that mixtures of vertices are pulled to.

    Attributes:
        mixture: (L, V) sparse, barycentric weights.
        targets: (L, 3) displacements wanted.
        weights: (L,) square meters of surface that each counts as.
    """

    mixture: csr_array
    targets: Float64[np.ndarray, "L 3"]
    weights: Float64[np.ndarray, " L"]


@dataclass(frozen=True, eq=False)
class ThinPlate:
    """Mesh whose displacements are to be smooth; made by `of`.

    Attributes:
        laplacian: (V, V) cotangent Laplacian of the mesh at rest.
        area: (V,) vertex areas.
    """

    laplacian: csr_array
    area: Float64[np.ndarray, " V"]

    @classmethod
    def of(cls, vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> "ThinPlate":
        """Prepare a mesh at rest.

        Raises:
            InputError: as `cotangent_laplacian`.
        """
        area = vertex_areas(vertices, faces)
        return cls(cotangent_laplacian(vertices, faces), np.maximum(area, LEAST_AREA * float(np.median(area))))

    def displacements(
        self,
        targets: Float64[np.ndarray, "V 3"],
        weights: Float64[np.ndarray, " V"],
        *,
        length: float,
        fade: float,
        stiffness: Float64[np.ndarray, " V"] | None = None,
        pulls: PointPulls | None = None,
    ) -> Float64[np.ndarray, "V 3"]:
        """Solve for the displacements; see the module docstring.

        Args:
            targets: (V, 3) u; of no effect where the weight is 0.
            weights: (V,) w, at least 0.
            length: l, meters.
            fade: r, meters.
            stiffness: (V,) s, at least 0; 1 if absent.
            pulls: Points that are mixtures of vertices.
        """
        bend = np.ones(len(self.area)) if stiffness is None else stiffness
        plate = self.laplacian @ diags_array(bend / self.area) @ self.laplacian
        rest = self.area * bend / fade**4
        matrix = length**4 * (plate + diags_array(rest)) + diags_array(self.area * weights)
        right = (self.area * weights)[:, None] * targets
        if pulls is not None:
            matrix = matrix + pulls.mixture.T @ diags_array(pulls.weights) @ pulls.mixture
            right = right + pulls.mixture.T @ (pulls.weights[:, None] * pulls.targets)
        factors = splu(
            csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        return np.asarray(factors.solve(right), np.float64)
