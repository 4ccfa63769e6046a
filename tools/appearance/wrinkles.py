"""Wrinkles on the open head's texture atlas: how much brighter or darker skin is there under light from above.

P side of the atlas, row 0 at v = 1; N texels. Meters, mean head.

A wrinkle is a curve on the skin. Its groove is darker than the skin around, the wall that looks down darker still, the one
that looks up a little brighter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.spatial
from jaxtyping import Float, Float64, UInt8

from headform.heads.linear import PARTS, LinearHead
from headform.registration.surface import SurfaceIndex
from headform.render.rasterize import rasterize

SIDE = 512
_STEP_M = 0.0005  # between points of a curve
_CAVITY, _SLOPE = 0.6, 0.9
"""Darkening in a groove, and difference of its walls, relative to the depth."""
_UP = np.array([0.0, 0.94, 0.34])
"""Direction of the light that the maps take for granted, head frame."""

Curve = Float64[np.ndarray, "N 3"]


@dataclass(frozen=True)
class Wrinkles:
    """Group of wrinkles that appear together.

    Attributes:
        map: 128 plain skin, 1 darkest, 255 brightest.
        drivers: ARKit shapes, or stems of Left/Right pairs, that fold the skin there.
    """

    map: UInt8[np.ndarray, "P P"]
    drivers: tuple[str, ...]


class WrinklePainter:
    """Painter on one head's atlas."""

    def __init__(self, head: LinearHead) -> None:
        mean, faces = head.mean.double().numpy(), head.faces.numpy()
        skin = np.isin(head.part.numpy(), [PARTS.index("face"), PARTS.index("head")])
        kept = skin[faces].all(1)
        self._surface = SurfaceIndex.of(mean, faces[kept])
        points = np.ones((len(head.uv), 3), np.float32)
        points[:, :2] = head.uv.numpy() * [SIDE, -SIDE] + [0, SIDE]
        seen = rasterize(points, head.uv_faces.numpy()[kept].astype(np.int32), SIDE, SIDE)
        self._filled = seen.face_index >= 0
        corners = faces[kept][seen.face_index[self._filled]]
        self._place = (mean[corners] * seen.barycentric[self._filled][..., None]).sum(1)
        self._tree = scipy.spatial.cKDTree(self._place)
        self._marks = head.landmarks(head.mean, offset=False).double().numpy()

    def groups(self) -> dict[str, Wrinkles]:
        """Paint all groups, by name."""
        rng = np.random.default_rng(7)
        eye, mouth = self._marks[45], self._marks[54]
        brow, nose = self._marks[22:27, 1].max(), self._marks[30]
        forehead = [
            self._across(lambda x, y=y, k=k: y + 0.0025 * np.cos(x / 0.011 + k) * np.exp(-((x / 0.03) ** 2)), w)
            for k, (y, w) in enumerate(
                ((brow + 0.009, 0.034), (brow + 0.016, 0.042), (brow + 0.023, 0.040), (brow + 0.030, 0.030))
            )
        ]
        glabella = [self._front([(0.0075, brow), (0.006, brow - 0.008), (0.0075, brow - 0.015)])]
        glabella += [self._front([(0.011, brow - 0.001), (0.010, brow - 0.009)])]
        root = [self._across(lambda x: self._marks[27, 1] + 0.002 + 0 * x, 0.009)]
        crow = [
            self._walk(
                eye + [0.004, 0.003 - 0.003 * k, -0.003], [0.75, 0.62 - 0.38 * k, -0.7], 0.013 + 0.003 * rng.random()
            )
            for k in range(4)
        ]
        lids = [
            self._front(
                [
                    (x, y - off - 0.0035 * np.sin(np.pi * (x - 0.018) / 0.03))
                    for x, y in zip(np.linspace(0.018, 0.046, 8), np.linspace(0.0325, 0.0335, 8), strict=True)
                ]
            )
            for off in (0.0055, 0.0095)
        ]
        bag = [self._front([(0.0175, 0.028), (0.022, 0.021), (0.030, 0.016), (0.040, 0.016)])]
        fold = [
            self._front([(0.0185, nose[1] - 0.003), (0.0255, -0.012), (0.0315, -0.024), (0.0345, mouth[1] - 0.004)])
        ]
        corner = [self._front([(0.0285, mouth[1] - 0.004), (0.031, mouth[1] - 0.013), (0.0315, mouth[1] - 0.022)])]
        bunny = [
            self._front([(0.0065, 0.031 - 0.005 * k), (0.0115, 0.0285 - 0.005 * k), (0.0155, 0.0235 - 0.005 * k)])
            for k in range(3)
        ]
        chin = [self._across(lambda x: self._marks[57, 1] - 0.0065 + 9 * x**2, 0.013)]
        neck = [self._across(lambda x, y=y: y + 5 * x**2, 0.045) for y in (-0.103, -0.124)]
        return {
            "forehead": self._group(forehead, 0.0011, ("browInnerUp", "browOuterUp"), mirror=False),
            "glabella": self._group(glabella, 0.0012, ("browDown",)),
            "nose_root": self._group(root, 0.0012, ("browDown", "noseSneer"), mirror=False),
            "crows_feet": self._group(crow, 0.0009, ("eyeSquint", "cheekSquint", "mouthSmile")),
            "lower_lids": self._group(lids, 0.0009, ("eyeSquint", "cheekSquint")),
            "eye_bags": self._group(bag, 0.0022, ("cheekSquint",)),
            "nasolabial": self._group(fold, 0.0020, ("mouthSmile", "noseSneer", "mouthUpperUp")),
            "mouth_corners": self._group(corner, 0.0016, ("mouthFrown",)),
            "nose_sides": self._group(bunny, 0.0010, ("noseSneer",)),
            "chin": self._group(chin, 0.0022, ("mouthShrugLower",), mirror=False),
            "neck": self._group(neck, 0.0016, (), mirror=False),
        }

    def _group(self, curves: Sequence[Curve], width: float, drivers: tuple[str, ...], mirror: bool = True) -> Wrinkles:
        both = [*curves, *(c * [-1, 1, 1] for c in curves)] if mirror else list(curves)
        shade = np.zeros(len(self._place))
        for curve in both:
            drawn = self._draw(curve, width)
            shade = np.where(np.abs(drawn) > np.abs(shade), drawn, shade)
        out = np.full((SIDE, SIDE), 128.0)
        out[self._filled] = 128 + 127 * np.clip(shade, -1, 1)
        return Wrinkles(np.round(out).astype(np.uint8), drivers)

    def _draw(self, curve: Curve, width: float) -> Float64[np.ndarray, " N"]:
        """Shade texels near a curve; it fades toward its ends."""
        distance, near = scipy.spatial.cKDTree(curve).query(self._place, distance_upper_bound=4 * width)
        ok = np.isfinite(distance)
        shade = np.zeros(len(self._place))
        tangent = np.gradient(curve, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
        normal = self._surface.closest(curve).normals
        across = np.cross(normal, tangent)
        across *= np.where(across @ _UP < 0, -1, 1)[:, None]  # toward the light
        k = near[ok]
        t = ((self._place[ok] - curve[k]) * across[k]).sum(1) / width
        along = k / (len(curve) - 1)
        depth = np.clip(4 * along * (1 - along), 0, 1) ** 0.6
        bell = np.exp(-((distance[ok] / width) ** 2))
        shade[ok] = depth * bell * (-_CAVITY - _SLOPE * t * (across[k] @ _UP))
        return shade

    def _across(self, height: Callable[[Float64[np.ndarray, " N"]], Float64[np.ndarray, " N"]], half: float) -> Curve:
        """Curve over the front from left to right at a height that depends on x."""
        x = np.linspace(-half, half, 60)
        return self._on_skin(np.stack([x, height(x)], 1))

    def _front(self, points: Sequence[tuple[float, float]]) -> Curve:
        """Curve through points seen from the front."""
        at = np.array(points)
        t = np.linspace(0, 1, len(at))
        fit = [np.polynomial.Polynomial.fit(t, at[:, k], min(3, len(at) - 1)) for k in (0, 1)]
        s = np.linspace(0, 1, 40)
        return self._on_skin(np.stack([p(s) for p in fit], 1))

    def _walk(self, start: Float[np.ndarray, "3"], direction: Sequence[float], length: float) -> Curve:
        """Curve from a point over the skin, as straight as the skin allows."""
        found = self._surface.closest(np.asarray(start)[None])
        place, way = found.positions[0], np.array(direction)
        points = [place]
        for _ in range(int(length / _STEP_M)):
            way = way - (way @ found.normals[0]) * found.normals[0]
            way /= np.linalg.norm(way)
            found = self._surface.closest((place + _STEP_M * way)[None])
            place = found.positions[0]
            points.append(place)
        return np.array(points)

    def _on_skin(self, front: Float64[np.ndarray, "N 2"]) -> Curve:
        """Put points of the frontal plane onto the foremost skin, evenly spaced."""
        tree = scipy.spatial.cKDTree(self._place[:, :2])
        near = tree.query(front, 12)[1]
        z = self._place[near, 2].max(1)
        points = self._surface.closest(np.column_stack([front, z])).positions
        arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        even = np.arange(0, arc[-1], _STEP_M)
        return np.stack([np.interp(even, arc, points[:, k]) for k in range(3)], 1)
