"""Beards of short cards of strands, rooted on the skin.

R roots, V head vertices. Meters.
"""

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from headform.geometry.face_classes import SKIN
from headform.heads.linear import PARTS, LinearHead
from headform.synth import _kernels as kernels
from headform.synth.groom.cards import card_faces, card_uv
from headform.synth.piece import Piece
from headform.synth.randomization import BeardRandomization
from headform.synth.skin import SkinAttributes
from headform.synth.skin_fields import SkinFields

_ROOTS, _SEED = 6000, 11
_LEVEL = 0.5
"""Mean linear value of the picture of strands."""
_SIDE, _CLUMPS = 128, 4
"""Texels of the picture, and number of clumps side by side in it."""
_MORE_ON_LIP = 2.5  # roots an area on the upper lip, relative to the chin
_FULL_COVER_M, _MOST_CARDS = 0.014, 2.5
"""Length of cards below which there are more of them, and how many times more at most."""
_WIDTH = 0.0045
"""Width of a card."""
_STEPS = 3
"""Rows of vertices of a card, from root to tip."""


class Barber:
    """Maker of beards for people of one head model.

    Args:
        head: The open head.
        fields: Its fields, which say where beards grow.
    """

    def __init__(self, head: LinearHead, fields: SkinFields) -> None:
        rng = np.random.default_rng(_SEED)
        self._mean = head.mean.numpy()
        self._faces = head.faces.numpy().astype(np.int32)
        part = head.part.numpy()
        grows = np.maximum(fields.beard_growth, _MORE_ON_LIP * fields.moustache)
        inside = (part[self._faces] <= PARTS.index("head")).all(1) & (fields.lip[self._faces].max(1) < 0.3)
        corner = self._mean[self._faces]
        area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
        weight = area * grows[self._faces].mean(1) * inside
        triangle = rng.choice(len(weight), _ROOTS, p=weight / weight.sum())
        u, v = rng.random((2, _ROOTS))
        fold = u + v > 1
        u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
        self._corner = self._faces[triangle]
        self._share = np.stack([1 - u - v, u, v], 1).astype(np.float32)
        self._beard = self._at(fields.beard_growth)
        self._moustache = self._at(fields.moustache)
        self._place = self._at(self._mean)
        self._chance = rng.random(_ROOTS).astype(np.float32)

    def _at(self, values: Float[np.ndarray, "V *C"]) -> Float32[np.ndarray, "R *C"]:
        """Interpolate vertex values at the roots."""
        return np.asarray(np.einsum("rk,rk...->r...", self._share, values[self._corner]), np.float32)

    def beard(
        self,
        rng: np.random.Generator,
        displacement: Float32[np.ndarray, "V 3"],
        rgb: Float[np.ndarray, "3"],
        skin: SkinAttributes,
        config: BeardRandomization,
    ) -> list[Piece]:
        """Draw the strands of one person's beard and moustache, or none where they are too thin to stand out.

        Args:
            rng: Source of chance.
            displacement: Offsets of the person's head vertices from the mean head's, meters.
            rgb: Linear RGB of the hair.
            skin: Coloring, which says how densely beard and moustache grow.
            config: Probabilities and ranges.
        """
        if max(skin.beard, skin.moustache) < config.least_growth or rng.random() >= config.rate:
            return []
        length = rng.uniform(*(config.long if rng.random() < config.long_rate else config.short))
        above = rng.uniform(*config.moustache)
        low = np.clip(1.2 - 2.0 * skin.beard_low * np.abs(self._place[:, 0]) / 0.07, 0, 1)
        dense = np.maximum(self._beard * low * skin.beard, self._moustache * skin.moustache)
        most = int(rng.integers(*config.cards) * np.clip(_FULL_COVER_M / length, 1.0, _MOST_CARDS))
        order = np.flatnonzero(self._chance < dense)[:most]
        if not len(order):
            return []
        verts = self._mean + displacement
        normals = np.empty_like(verts)
        kernels.vertex_normals_into(verts, self._faces, normals)
        root = np.einsum("rk,rkc->rc", self._share[order], verts[self._corner[order]])
        normal = np.einsum("rk,rkc->rc", self._share[order], normals[self._corner[order]])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        side_of = np.sign(self._place[order, 0])
        lip = self._moustache[order] > self._beard[order]
        # longest on the chin, short towards the ears
        taper = np.clip(1.25 - np.abs(self._place[order, 0]) / 0.07, 0.25, 1)
        own = np.where(lip, above, length * taper) * np.exp(
            rng.uniform(*config.ragged) * rng.standard_normal(len(order))
        )
        vertices, tone = _cards(rng, root, normal, own.astype(np.float32), lip, side_of, rng.uniform(*config.lift))
        clump = rng.integers(_CLUMPS, size=len(order))
        uv = card_uv(len(order), _STEPS)
        uv[:, 0] = (uv[:, 0] + np.repeat(clump, 2 * _STEPS)) / _CLUMPS
        albedo = tone[:, None] * (rgb / _LEVEL)
        return [
            Piece(
                vertices=vertices,
                faces=card_faces(len(order), _STEPS),
                albedo=albedo.astype(np.float32),
                label=SKIN,
                gloss=0.15,
                uv=uv,
                texture=_strands(),
                strands=True,
            )
        ]


def _cards(
    rng: np.random.Generator,
    root: Float[np.ndarray, "R 3"],
    normal: Float[np.ndarray, "R 3"],
    length: Float32[np.ndarray, " R"],
    lip: Bool[np.ndarray, " R"],
    side_of: Float32[np.ndarray, " R"],
    lift: float,
) -> tuple[Float32[np.ndarray, "W 3"], Float32[np.ndarray, " W"]]:
    """Bend a card for each root, on the side -1 or 1: it leaves the skin, then hangs; return vertices and tone."""
    count = len(root)
    outward = side_of[:, None] * np.array([1.0, 0, 0])
    down = (
        np.array([0.0, -1.0, 0.0]) + np.where(lip[:, None], 0.9, 0.1) * outward + 0.25 * rng.standard_normal((count, 3))
    )
    down -= (down * normal).sum(1, keepdims=True) * normal  # along the skin
    down /= np.linalg.norm(down, axis=1, keepdims=True) + 1e-9
    start = down + (lift + 0.1 * rng.standard_normal((count, 1))) * normal
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    side = np.cross(normal, down)
    side = side + 0.5 * rng.standard_normal((count, 1)) * normal  # not all cards lie flat
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    width = _WIDTH * rng.uniform(0.6, 1.4, (count, 1))
    hang, reach = np.array([0.0, -1.0, 0.15]), length[:, None]
    rows, tones = [], []
    tone = np.exp(0.25 * rng.standard_normal(count))
    for k in range(_STEPS):
        t = k / (_STEPS - 1)
        middle = root - 0.001 * normal + reach * (t * start + 0.3 * t * t * np.minimum(reach / 0.02, 1) * hang)
        half = 0.5 * width * (1 - 0.4 * t) * side
        rows += [middle - half, middle + half]
        tones += [tone * (0.8 + 0.35 * t)] * 2
    return np.stack(rows, 1).reshape(-1, 3).astype(np.float32), np.stack(tones, 1).ravel().astype(np.float32)


@cache
def _strands() -> UInt8[np.ndarray, "P P 4"]:
    """Paint clumps of strands that run down and thin out toward the tips; the same each time."""
    rng = np.random.default_rng(_SEED)
    alpha, tone = np.zeros((_SIDE, _SIDE)), np.full((_SIDE, _SIDE), _LEVEL)
    rows = np.arange(_SIDE)
    step = _SIDE // _CLUMPS
    for clump in range(_CLUMPS):
        for _ in range(20):
            x = clump * step + rng.uniform(0.2, 0.8) * step
            bend, wave, end = rng.normal(0, 0.18) * step, rng.uniform(0, 6), rng.uniform(0.6, 1.0)
            t = rows / _SIDE
            center = x + bend * t**2 + 1.2 * np.sin(4 * t + wave)
            level = _LEVEL * np.exp(0.35 * rng.standard_normal())
            for offset in range(-2, 3):
                column = np.round(center).astype(int) + offset
                ok = (column >= clump * step) & (column < (clump + 1) * step) & (t < end)
                cover = np.clip(1.0 - np.abs(column - center) / 0.9, 0, 1) * np.clip((end - t) / 0.3, 0, 1)
                r, c = rows[ok], column[ok]
                better = cover[ok] > alpha[r, c]
                tone[r[better], c[better]] = level
                alpha[r, c] = np.maximum(alpha[r, c], cover[ok])
    value = np.where(tone <= 0.0031308, 12.92 * tone, 1.055 * tone.clip(0, 1) ** (1 / 2.4) - 0.055)
    return np.round(255 * np.dstack([value, value, value, alpha])).clip(0, 255).astype(np.uint8)
