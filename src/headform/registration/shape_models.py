"""The part of a linear head that is fitted to a surface: its region, its landmarks, its prior.

V vertices of the head, R of them taken, F triangles within the region, K = I + E coefficients (identity, then
expression), L landmarks, N points. Meters, head frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from headform.geometry.seven_landmarks import face_sphere, inside
from headform.heads.coefficients import layout_of
from headform.heads.linear import PARTS, LinearHead
from headform.registration.surface import Border


@dataclass(frozen=True)
class ShapePriors:
    """Widths of the priors on coefficients.

    Attributes:
        identity_sigma: Standard deviation of an identity coefficient, in the model's own.
        component_sigma: Standard deviation of an expression that is a principal component, in the model's own.
        weight_sigma: Standard deviation of an expression that is a weight in [0, 1].
    """

    identity_sigma: float = 1.0
    component_sigma: float = 1.0
    weight_sigma: float = 0.25


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Region of a head as a linear function of its coefficients.

    Attributes:
        mean: (R, 3) mean of the vertices taken.
        basis: Displacement per coefficient, as x, y and z planes, in the head's own precision.
        faces: Triangles of the region, indices into `mean`.
        border: Open edges of `faces`.
        region: (R,) mask of the vertices that belong to the region; the others are there for landmarks.
        landmark_corners: Vertices of each landmark, indices into `mean`.
        landmark_weights: Their barycentric weights, all 0 where the model has no such landmark.
        precision: Inverse variance of each coefficient's prior.
        lower: Least value of each coefficient.
        upper: Greatest.
        num_identity: I.
    """

    mean: Float64[np.ndarray, "R 3"]
    basis: Float[np.ndarray, "3 R K"]
    faces: Int[np.ndarray, "F 3"]
    border: Border
    region: Bool[np.ndarray, " R"]
    landmark_corners: Int[np.ndarray, "L 3"]
    landmark_weights: Float64[np.ndarray, "L 3"]
    precision: Float64[np.ndarray, " K"]
    lower: Float64[np.ndarray, " K"]
    upper: Float64[np.ndarray, " K"]
    num_identity: int

    @property
    def landmark_known(self) -> Bool[np.ndarray, " L"]:
        """Mask of the landmarks that the model has."""
        return np.asarray((self.landmark_weights != 0).any(axis=1))

    def positions(self, coefficients: Float64[np.ndarray, " K"]) -> Float64[np.ndarray, "R 3"]:
        """Compute all vertices taken; the sum is computed in the precision of the basis."""
        if not len(coefficients):
            return self.mean
        moved = self.basis @ coefficients.astype(self.basis.dtype)
        return np.asarray(self.mean + moved.T, np.float64)


def shape_model(
    head: LinearHead,
    region: Bool[np.ndarray, " V"],
    *,
    identity: bool = True,
    expression: bool = True,
    priors: ShapePriors | None = None,
) -> ShapeModel:
    """Collect the parts of a head that a fit needs.

    Args:
        head: Head with landmarks.
        region: (V,) mask of vertices on the surface fitted to, such as `face_region`; no mouth bag, no eyeballs.
        identity: Fit the identity; else it stays 0.
        expression: Fit the expression; else it stays 0.
        priors: Widths of the priors.

    Raises:
        WeightsError: ``head_lacks`` landmarks.
        ValueError: no triangle lies within the region.
    """
    head.require_fields("landmark_vertices")
    priors = priors or ShapePriors()
    corners = head.landmark_vertices.cpu().numpy()
    weights = head.landmark_weights.cpu().double().numpy()
    taken = region.copy()
    taken[corners[weights != 0]] = True
    rows = np.flatnonzero(taken)
    place = np.full(len(region), -1, np.int64)
    place[rows] = np.arange(len(rows))
    faces = head.faces.cpu().numpy()
    faces = place[faces[region[faces].all(axis=1)]]
    if not len(faces):
        raise ValueError("no triangle of the head lies within the region")
    shapes = [head.identity[:, rows]] if identity else []
    shapes += [head.expression[:, rows]] if expression else []
    basis = [s.detach().cpu().numpy() for s in shapes] or [np.zeros((0, len(rows), 3))]
    num_identity = len(head.identity) if identity else 0
    num_expression = len(head.expression) if expression else 0
    component = "expression" in layout_of(head).gaussian
    sigma = priors.component_sigma if component else priors.weight_sigma
    free = np.full(num_identity + num_expression, np.inf)
    lower, upper = -free, free.copy()
    if not component:
        lower[num_identity:], upper[num_identity:] = 0.0, 1.0
    return ShapeModel(
        mean=head.mean[rows].detach().cpu().double().numpy(),
        basis=np.ascontiguousarray(np.concatenate(basis).transpose(2, 1, 0)),
        faces=faces,
        border=Border.of(faces, len(rows)),
        region=region[rows],
        landmark_corners=np.where(weights != 0, place[corners], 0),
        landmark_weights=weights,
        precision=np.repeat(np.array([priors.identity_sigma, sigma]) ** -2.0, [num_identity, num_expression]),
        lower=lower,
        upper=upper,
        num_identity=num_identity,
    )


def skin(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """The outer skin: parts ``face`` and ``head`` where parts are named, else every vertex of a triangle."""
    if head.has_field("part"):
        return np.asarray((head.part <= PARTS.index("head")).cpu().numpy())
    used = np.zeros(len(head.mean), bool)
    used[head.faces.cpu().numpy().ravel()] = True
    return used


def outer(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask of the vertices that a scan shows: skin and eyeballs where parts are named, else those of any triangle."""
    shown = skin(head)
    if head.has_field("part"):
        shown |= head.part.cpu().numpy() >= PARTS.index("eye_right")
    return shown


def face_region(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """The vertices of the face: the region ``face`` where the head names one, else the skin in the sphere of `face_sphere`.

    Raises:
        WeightsError: ``head_lacks``: neither that region nor the landmarks of the sphere.
    """
    if "face" in head.regions:
        return np.asarray(head.regions["face"].cpu().numpy())
    head.require_fields("now7")
    vertices = head.mean.double().cpu().numpy()
    center, radius = face_sphere(vertices[head.now7.cpu().numpy()])
    near = inside(vertices, center, radius)
    return np.asarray(skin(head) & near)
