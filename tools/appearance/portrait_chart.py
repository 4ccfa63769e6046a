"""The chart of the open head's atlas that holds the face, and the regions that are taken from different people.

H W texels of the chart. Centimeters and normals are those of the mean head; x to the subject's left, y up, z forward.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

from headform.geometry.landmarks68 import LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.normals import vertex_normals
from headform.render.unwrapping import unwrap_head
from headform.synth.skin_bank import SIDE
from headform.synth.skin_fields import skin_fields

ROWS, COLUMNS = slice(195, 512), slice(0, 317)
"""The face's chart, whose middle column is the face's middle."""
BROW_CM = (0.95, 1.3)
"""Distances to the brow lines between which a portrait's skin begins to be believed: hair of brows lies below."""
_RIDGE = slice(27, 31)
_BELOW_BROW = np.array([0.0, 0.4, 0.0])
REGIONS = ("forehead", "brows", "eyes", "nose", "right cheek", "left cheek", "mouth", "lips", "jaw")
"""Regions that are taken from different people."""


@dataclass(frozen=True)
class FaceChart:
    """Geometry of the face's chart.

    Attributes:
        centimeters: (H, W, 3) of the mean head; NaN outside of the chart.
        normals: (H, W, 3).
        marks: (68, 3) landmarks of the mean head, cm.
        lip: (H, W) membership of the vermilion, in [0, 1].
        beard: (H, W) membership of the skin on which beards grow, in [0, 1].
        neck: (H, W) membership of the neck and what is below the jaw, in [0, 1].
    """

    centimeters: Float[np.ndarray, "H W 3"]
    normals: Float[np.ndarray, "H W 3"]
    marks: Float[np.ndarray, "68 3"]
    lip: Float[np.ndarray, "H W"]
    beard: Float[np.ndarray, "H W"]
    neck: Float[np.ndarray, "H W"]

    @classmethod
    def of(cls, head: LinearHead) -> "FaceChart":
        """Interpolate the mean head over the chart."""
        areas = skin_fields(head)
        columns = np.column_stack([
            100 * head.mean.numpy(),
            vertex_normals(head.mean.numpy(), head.faces.numpy()),
            areas.lip,
            np.maximum(areas.beard, areas.moustache),
            head.regions["neck"].numpy(),
        ])  # fmt: skip
        outer = np.isin(head.part.numpy(), [PARTS.index("face"), PARTS.index("head")])
        columns[~outer] = np.nan
        values = over_atlas(head, columns)[ROWS, COLUMNS]
        marks = 100 * head.landmarks(head.mean, offset=False).numpy()
        return cls(values[..., :3], values[..., 3:6], marks, *np.nan_to_num(values[..., 6:]).transpose(2, 0, 1))

    @cached_property
    def inside(self) -> Bool[np.ndarray, "H W"]:
        """Texels of the outer skin."""
        return np.asarray(np.isfinite(self.centimeters[..., 0]))

    @cached_property
    def brow(self) -> Float[np.ndarray, "H W"]:
        """1 where brows may grow, falling to 0."""
        distance = np.minimum(*(self._distance(self.marks[ids]) for ids in (RIGHT_BROW, LEFT_BROW)))
        return np.clip((BROW_CM[1] - distance) / (BROW_CM[1] - BROW_CM[0]), 0, 1)

    @cached_property
    def brow_shade(self) -> Float[np.ndarray, "H W"]:
        """1 about and below the brows, where their hair and shadow lie, falling to 0."""
        lines = self.marks[RIGHT_BROW] - _BELOW_BROW, self.marks[LEFT_BROW] - _BELOW_BROW
        distance = np.minimum(*(self._distance(line) for line in lines))
        return np.nan_to_num(np.clip((2.1 - distance) / 0.8, 0, 1))

    @cached_property
    def lashes(self) -> Float[np.ndarray, "H W"]:
        """1 at the rims and outer corners of the eyes, where lashes and their paint lie, falling to 0."""
        x = self.centimeters[..., 0]
        rims = np.minimum(*(self._distance(self.marks[ids], True) for ids in (RIGHT_EYE, LEFT_EYE)))
        outer = np.minimum(*(self._distance(self.marks[[k, k]]) for k in (36, 45)))
        distance = np.minimum(rims, np.where(np.abs(x) > 4.0, outer - 0.3, np.inf))
        return np.nan_to_num(np.clip((1.0 - distance) / 0.4, 0, 1))

    @cached_property
    def rim_areas(self) -> tuple[Bool[np.ndarray, "H W"], ...]:
        """Areas below the eyes, at the temples and on the bridge of the nose where glasses lie, and the cheeks."""
        x, y = np.nan_to_num(self.centimeters[..., :2], nan=99.0).transpose(2, 0, 1)
        x = np.abs(x)
        eyes = np.minimum(*(self._distance(self.marks[ids], True) for ids in (RIGHT_EYE, LEFT_EYE)))
        return (
            (eyes > 1.0) & (eyes < 2.4) & (y < 2.6) & (x > 1.9),
            (x > 4.9) & (x < 6.6) & (y > 2.2) & (y < 5.0),
            (x < 1.2) & (y > 1.8) & (y < 4.2),
            (x > 2.6) & (x < 5.0) & (y > -2.5) & (y < -0.3),
        )

    def region_masks(self, rng: np.random.Generator, jitter_cm: float = 0.35) -> Bool[np.ndarray, "R H W"]:
        """Cut the chart into `REGIONS` along smooth random borders."""
        wobble = [gaussian_filter(rng.standard_normal(self.inside.shape), 14, mode="wrap") for _ in REGIONS]
        scores = np.stack([s + jitter_cm * w / w.std() for s, w in zip(self._distances, wobble, strict=True)])
        nearest = np.where(self.inside, np.argmin(np.nan_to_num(scores, nan=99.0), axis=0), -1)
        return np.stack([nearest == k for k in range(len(REGIONS))])

    @cached_property
    def _distances(self) -> Float[np.ndarray, "R H W"]:
        """Distance of each texel to the middle of each region, less the region's size, cm."""
        m, x = self.marks, self.centimeters[..., 0]
        forehead = np.array([[-4.5, 9.5], [0, 10.5], [4.5, 9.5]])
        right_eye, left_eye = m[RIGHT_EYE, :2], m[LEFT_EYE, :2]
        cheek = np.array([[4.3, 0.8], [5.2, -1.5]])
        jaw = np.vstack([[-7.0, -3.5], m[4:13, :2] + [0, -0.8], [7.0, -3.5]])
        far = np.where(x < 0, 0.0, 9.0)
        eyes = np.minimum(self._distance(right_eye, True), self._distance(left_eye, True))
        brows = np.minimum(self._distance(m[RIGHT_BROW]), self._distance(m[LEFT_BROW]))
        return np.stack([
            self._distance(forehead) - 2.4,
            brows - 0.9,
            eyes - 1.1,
            self._distance(m[_RIDGE]) - 1.0,
            self._distance(cheek * [-1, 1]) - 1.6 + far,
            self._distance(cheek) - 1.6 + (9.0 - far),
            self._distance(m[OUTER_LIPS], True) - 1.1,
            np.where(self.lip > 0.15, -9.0, 9.0),
            self._distance(jaw) - 1.2,
        ])  # fmt: skip

    def _distance(self, line: Float[np.ndarray, "P _"], closed: bool = False) -> Float[np.ndarray, "H W"]:
        """Distance to a polyline in the frontal plane, cm."""
        points = np.asarray(line, np.float64)[:, :2]
        if closed:
            points = np.vstack([points, points[:1]])
        at = self.centimeters[..., :2]
        best = np.full(at.shape[:2], np.inf)
        for a, b in pairwise(points):
            along = np.clip((at - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-9), 0, 1)
            best = np.fmin(best, np.linalg.norm(at - a - along[..., None] * (b - a), axis=-1))
        return best


def over_atlas(head: LinearHead, columns: Float[np.ndarray, "V C"]) -> Float[np.ndarray, "S S C"]:
    """Interpolate values of vertices over the atlas; NaN outside of the charts."""
    atlas = unwrap_head(head, SIDE)
    corners = columns[head.faces.numpy()[atlas.face]]
    out = np.full((SIDE * SIDE, columns.shape[1]), np.nan)
    out[atlas.texels] = (corners * atlas.barycentric[..., None]).sum(axis=1)
    return out.reshape(SIDE, SIDE, -1)
