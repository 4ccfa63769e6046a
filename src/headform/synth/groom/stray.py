"""Hair that does not lie with the rest: short strands along the hairline, and long ones that stand off the outline.

R roots, V head vertices, W vertices of a style. Meters.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.geometry.face_classes import HAIR
from headform.heads.linear import PARTS, LinearHead
from headform.synth import _kernels as kernels
from headform.synth.groom.cards import card_faces, card_uv
from headform.synth.piece import UNLABELED, Piece
from headform.synth.randomization import StrayHairRandomization
from headform.synth.skin_fields import SkinFields

_ROOTS, _SEED = 4000, 23
_BAND = (-0.004, 0.022)
"""Heights over the mean hairline between which there are roots, meters."""
_CROWN = np.array([0.0, 0.135, -0.035])
_LEVEL = 0.4
_ROWS, _COLUMNS = 64, 32
_STEPS = 3
_STANDING_STEPS = 6


class StrayHair:
    """Maker of stray hair for people of one head model.

    Args:
        head: The open head.
        fields: Its fields, which say where the hairline is.
    """

    def __init__(self, head: LinearHead, fields: SkinFields) -> None:
        rng = np.random.default_rng(_SEED)
        self._mean = head.mean.numpy()
        self._faces = head.faces.numpy().astype(np.int32)
        line = fields.hairline / np.float32(100)
        part, ears = head.part.numpy(), head.regions["ears"].numpy()
        level = line[self._faces].mean(1)
        inside = (part[self._faces] <= PARTS.index("head")).all(1) & ~ears[self._faces].any(1)
        inside &= (level > _BAND[0]) & (level < _BAND[1] + 0.05) & (line[self._faces].min(1) > -0.05)
        corner = self._mean[self._faces]
        area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1) * inside
        triangle = rng.choice(len(area), _ROOTS, p=area / area.sum())
        u, v = rng.random((2, _ROOTS))
        fold = u + v > 1
        u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
        self._corner = self._faces[triangle]
        self._share = np.stack([1 - u - v, u, v], 1).astype(np.float32)
        self._line = np.einsum("rk,rk->r", self._share, line[self._corner])
        self._place = np.einsum("rk,rkc->rc", self._share, self._mean[self._corner])

    def hairline(
        self,
        rng: np.random.Generator,
        displacement: Float32[np.ndarray, "V 3"],
        rgb: Float[np.ndarray, "3"],
        shift: float,
        config: StrayHairRandomization,
    ) -> Piece:
        """Draw short strands that soften the hairline.

        Args:
            rng: Source of chance.
            displacement: Offsets of the person's head vertices from the mean head's, meters.
            rgb: Linear RGB of the hair.
            shift: Height of the hairline over the mean one, meters.
            config: Ranges.
        """
        front = np.clip((self._place[:, 2] + 0.02) / 0.06, 0, 1)
        temple = np.clip((np.abs(self._place[:, 0]) - 0.025) / 0.03, 0, 1)
        over = self._line - shift * (0.4 + 0.6 * temple) * front
        near = np.flatnonzero((over > _BAND[0]) & (over < _BAND[1]))
        own = near[: int(rng.integers(*config.cards))]
        verts = self._mean + displacement
        normals = np.empty_like(verts)
        kernels.vertex_normals_into(verts, self._faces, normals)
        corner, share = self._corner[own], self._share[own]
        root = np.einsum("rk,rkc->rc", share, verts[corner])
        normal = np.einsum("rk,rkc->rc", share, normals[corner])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        # back over the skull in front, down over temples and nape
        back = _CROWN - root
        down = np.array([0.0, -1.0, -0.3])
        low = np.clip((0.085 - self._place[own, 1]) / 0.03, 0, 1)[:, None]
        way = back / np.linalg.norm(back, axis=1, keepdims=True) * (1 - low) + down * low
        way = way + 0.45 * rng.standard_normal((len(own), 3))
        way -= (way * normal).sum(1, keepdims=True) * normal
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        side = np.cross(normal, way)
        length = rng.uniform(*config.hairline_length, (len(own), 1))
        half = 0.5 * rng.uniform(*config.card_width, (len(own), 1)) * side
        rows = []
        for k in range(_STEPS):
            t = k / (_STEPS - 1)
            middle = root + (0.0004 + 0.12 * length * t * (1.5 - t)) * normal + length * t * way
            rows += [middle - half, middle + half]
        vertices = np.stack(rows, 1).reshape(-1, 3).astype(np.float32)
        return _piece(
            rng, vertices, len(own), _STEPS, rgb, _sparse_strands(), float(rng.uniform(*config.opacity)), HAIR
        )

    def standing(
        self,
        rng: np.random.Generator,
        hair: Float32[np.ndarray, "W 3"],
        rgb: Float[np.ndarray, "3"],
        config: StrayHairRandomization,
    ) -> Piece | None:
        """Draw single long strands that leave the outline of hair.

        Args:
            rng: Source of chance.
            hair: Vertices of the person's hair.
            rgb: Linear RGB of the hair.
            config: Ranges.
        """
        count = int(rng.integers(*config.standing))
        if not count:
            return None
        root = hair[rng.integers(len(hair), size=count)]
        out = root - np.array([0.0, 0.04, 0.0])
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        along = np.array([0.0, -0.8, 0.0]) + 0.8 * rng.standard_normal((count, 3))
        along -= (along * out).sum(1, keepdims=True) * out
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
        lift = rng.uniform(*config.lift, (count, 1))
        length = rng.uniform(*config.standing_length, (count, 1))
        side = np.cross(out, along)
        bend = rng.normal(0, 0.35, (count, 1))
        rows = []
        for k in range(_STANDING_STEPS):
            t = k / (_STANDING_STEPS - 1)
            middle = root + length * (t * along + lift * t * (1 - 0.4 * t) * out + bend * t * t * side)
            half = 0.5 * config.standing_width * (1 - 0.6 * t) * (side + 0.6 * out)
            rows += [middle - half, middle + half]
        vertices = np.stack(rows, 1).reshape(-1, 3).astype(np.float32)
        return _piece(
            rng, vertices, count, _STANDING_STEPS, rgb, _plain(), float(rng.uniform(*config.opacity)), UNLABELED
        )


def _piece(
    rng: np.random.Generator,
    vertices: Float32[np.ndarray, "W 3"],
    count: int,
    steps: int,
    rgb: Float[np.ndarray, "3"],
    texture: UInt8[np.ndarray, "H L 4"],
    opacity: float,
    label: int,
) -> Piece:
    """Make a piece of cards that differ in tone."""
    tone = np.repeat(np.exp(0.25 * rng.standard_normal(count)), 2 * steps)
    return Piece(
        vertices=vertices,
        faces=card_faces(count, steps),
        albedo=(tone[:, None] * (rgb / _LEVEL)).astype(np.float32),
        label=label,
        gloss=0.3,
        uv=card_uv(count, steps),
        texture=texture,
        opacity=opacity,
        strands=True,
    )


@cache
def _sparse_strands() -> UInt8[np.ndarray, "H L 4"]:
    """Paint a few thin strands that fade toward root and tip; the same each time."""
    rng = np.random.default_rng(_SEED)
    alpha = np.zeros((_ROWS, _COLUMNS))
    t = np.arange(_ROWS) / _ROWS
    column = np.arange(_COLUMNS)
    for _ in range(7):
        center = rng.uniform(0.1, 0.9) * _COLUMNS + rng.normal(0, 0.15) * _COLUMNS * t**2
        first, last = rng.uniform(0, 0.2), rng.uniform(0.6, 1.0)
        fade = np.clip((t - first) / 0.15, 0, 1) * np.clip((last - t) / 0.3, 0, 1)
        alpha = np.maximum(alpha, fade[:, None] * np.clip(1 - np.abs(column - center[:, None]) / 1.0, 0, 1))
    return _gray(alpha)


@cache
def _plain() -> UInt8[np.ndarray, "H L 4"]:
    """Paint one strand that fills the card and fades toward its tip."""
    t = np.arange(_ROWS) / _ROWS
    return _gray(np.clip((1 - t) / 0.4, 0, 0.95)[:, None] * np.ones((_ROWS, 4)))


def _gray(alpha: Float[np.ndarray, "H L"]) -> UInt8[np.ndarray, "H L 4"]:
    value = 1.055 * _LEVEL ** (1 / 2.4) - 0.055
    out = np.full((*alpha.shape, 4), value)
    out[..., 3] = alpha
    return np.round(255 * out).astype(np.uint8)
