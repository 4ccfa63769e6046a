"""Head as a cylinder: azimuth, height and distance from the skin, in which hair is combed.

N points, A azimuths, Y heights. Meters, mean head; azimuth in radians, 0 in front, positive toward the subject's left.
"""

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from jaxtyping import Float, Float32

from headform.heads.linear import PARTS, LinearHead

_AZIMUTHS, _HEIGHTS = 72, 72
_LOW, _HIGH = -0.21, 0.16  # of the table of radii
_AXIS_Z = 0.005
_SMOOTH = 1.2  # cells by which the table is smoothed: chin and nose are no edges to hair


@dataclass(frozen=True, eq=False)
class ScalpCylinder:
    """Radius of the skin about the vertical axis through the head."""

    radius: Float32[np.ndarray, "A Y"]

    @classmethod
    def of(cls, head: LinearHead) -> "ScalpCylinder":
        """Measure a head; ears are left out."""
        part, faces, mean = head.part.numpy(), head.faces.numpy(), head.mean.double().numpy()
        skin = np.isin(part, [PARTS.index("face"), PARTS.index("head")]) & ~head.regions["ears"].numpy()
        # corners, edges and middles of the triangles leave few cells empty
        corner = mean[faces[skin[faces].all(1)]]
        share = np.array([[a, b, 6 - a - b] for a in range(7) for b in range(7 - a)]) / 6
        points = np.einsum("sk,fkc->fsc", share, corner).reshape(-1, 3)
        x, z = points[:, 0], points[:, 2] - _AXIS_Z
        column = np.round((np.arctan2(x, z) + np.pi) / (2 * np.pi) * _AZIMUTHS).astype(int) % _AZIMUTHS
        row = np.round((points[:, 1] - _LOW) / (_HIGH - _LOW) * (_HEIGHTS - 1)).astype(int)
        inside = (row >= 0) & (row < _HEIGHTS)
        table = np.full((_AZIMUTHS, _HEIGHTS), -1.0)
        np.maximum.at(table, (column[inside], row[inside]), np.hypot(x, z)[inside])
        top = row[inside].max()
        empty = table < 0
        nearest = scipy.ndimage.distance_transform_edt(np.tile(empty, (3, 1)), return_indices=True)[1]
        table = np.tile(table, (3, 1))[nearest[0], nearest[1]][_AZIMUTHS : 2 * _AZIMUTHS]
        table[:, top + 1 :] = 0.0
        return cls(scipy.ndimage.gaussian_filter(table, _SMOOTH, mode=("wrap", "nearest")).astype(np.float32))

    def at(self, azimuth: Float[np.ndarray, " N"], height: Float[np.ndarray, " N"]) -> Float32[np.ndarray, " N"]:
        """Interpolate the radius of the skin, meters."""
        a = (azimuth * np.float32(1 / (2 * np.pi)) + np.float32(0.5)) * np.float32(_AZIMUTHS)
        y = np.clip((height - _LOW) * ((_HEIGHTS - 1) / (_HIGH - _LOW)), 0, _HEIGHTS - 1.001)
        i, j = np.floor(a).astype(np.int32), y.astype(np.int32)
        f, g = (a - i).astype(np.float32), (y - j).astype(np.float32)
        i0, i1 = i % _AZIMUTHS, (i + 1) % _AZIMUTHS
        low = self.radius[i0, j] * (1 - f) + self.radius[i1, j] * f
        high = self.radius[i0, j + 1] * (1 - f) + self.radius[i1, j + 1] * f
        return np.asarray(low * (1 - g) + high * g, np.float32)

    def unrolled(
        self, points: Float32[np.ndarray, "N 3"]
    ) -> tuple[Float32[np.ndarray, " N"], Float32[np.ndarray, " N"]]:
        """Return azimuth and distance from the skin of points."""
        z = points[:, 2] - np.float32(_AXIS_Z)
        azimuth = np.arctan2(points[:, 0], z)
        return azimuth, np.hypot(points[:, 0], z) - self.at(azimuth, points[:, 1])

    def rolled(
        self,
        azimuth: Float[np.ndarray, " N"],
        height: Float[np.ndarray, " N"],
        distance: Float[np.ndarray, " N"],
    ) -> Float32[np.ndarray, "N 3"]:
        """Return the points at these places; the inverse of `unrolled`."""
        radius = self.at(azimuth, height) + distance
        return np.stack([radius * np.sin(azimuth), height, radius * np.cos(azimuth) + _AXIS_Z], 1).astype(np.float32)
