"""Map from MakeHuman's body to the open head's mean shape.

The open head is fitted to the body's head: landmarks from the project's own networks, then coefficients and placement by
`headform.registration`. Where a vertex lies on the body and where it lies on the mean head are the two ends of a biharmonic
spline (kernel r, linear part; in three dimensions the smoothest interpolant away from the points), which carries everything
near the head.

V vertices of the open head, N points. Decimeters on MakeHuman's side, meters on the open head's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image
from scipy.interpolate import RBFInterpolator

from headform.geometry.landmarks68 import MIRROR68
from headform.heads.linear import PARTS, LinearHead
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.fit_source import FitSource
from headform.registration.head_fit import HeadFitOptions, fit_head
from headform.registration.scan_landmarks import ScanLandmarker
from headform.registration.surface import SurfaceIndex
from tools.appearance.binding import spread
from tools.appearance.makehuman import PolygonMesh

METERS = 0.1
"""Meters per decimeter, MakeHuman's unit."""
_NECK_DM = 5.95
"""Height above which the body is head and neck."""
_KNOTS = 1800
_SMOOTHING = 1e-7


@dataclass(frozen=True)
class Alignment:
    """Open head on MakeHuman's body, and the map back.

    Attributes:
        on_body: (V, 3) positions of the open head's vertices on the body, decimeters.
        to_head: Spline from decimeters on the body to meters on the open head's mean.
        residual: Median distance of the skin's vertices from the body's surface, meters.
    """

    on_body: Float64[np.ndarray, "V 3"]
    to_head: RBFInterpolator
    residual: float

    def carry(self, points: Float64[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
        """Map points near the body's head to the open head's mean."""
        return np.asarray(self.to_head(points))


def body_landmarks(base: PolygonMesh, skin: Path) -> Float64[np.ndarray, "68 3"]:
    """Find the 68 surface points on the body, decimeters, symmetric."""
    body = base.part("body")
    shown = (body.vertices[body.faces][..., 1] > _NECK_DM).all(1)
    mesh = TriangleMesh(
        base.vertices,
        body.faces[shown],
        uv=base.uv,
        uv_faces=body.uv_faces[shown],
        texture=np.asarray(Image.open(skin).convert("RGB")),
    )
    points = ScanLandmarker.load().find(mesh).points
    return (points + points[list(MIRROR68)] * [-1, 1, 1]) / 2


def align(head: LinearHead, base: PolygonMesh, marks: Float64[np.ndarray, "68 3"]) -> Alignment:
    """Register the open head to the body whose landmarks are given."""
    body = base.part("body")
    faces = body.faces[(body.vertices[body.faces][..., 1] > _NECK_DM).all(1)]
    source = FitSource("MakeHuman", TriangleMesh(base.vertices, faces), marks, meters=METERS, unit="")
    fit = fit_head(head, source, HeadFitOptions(region="head", expression=False, scale="free"))
    placed = (fit.placed + fit.placed[head.mirror.numpy()] * [-1, 1, 1]) / 2
    skin = np.isin(head.part.numpy(), [PARTS.index("face"), PARTS.index("head")])
    gap = SurfaceIndex.of(base.vertices, faces).closest(placed[skin])
    mean = head.mean.double().numpy()
    knots = spread(mean, np.flatnonzero(skin), _KNOTS)
    to_head = RBFInterpolator(placed[knots], mean[knots], kernel="linear", degree=1, smoothing=_SMOOTHING)
    return Alignment(placed, to_head, METERS * float(np.median(gap.distance[~gap.at_border])))
