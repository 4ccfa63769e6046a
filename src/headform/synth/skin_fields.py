"""Smooth fields over the vertices of a face, from which the procedural skin is painted.

V vertices, L landmarks. All lengths in centimeters inside this module, since skin detail is measured so.

Every field is computed from the head's own mean shape, its 68 iBUG points and its part labels, so that a head
rebuilt with other vertices is painted alike.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.geometry.landmarks68 import LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE
from headform.heads.linear import PARTS, LinearHead

NOISE_SCALES_CM = (0.35, 0.7, 1.4, 2.8, 5.0)
_NOISE_PER_SCALE = 8


@dataclass(frozen=True)
class SkinFields:
    """Fields over the vertices of one head."""

    skin: Float[np.ndarray, " V"]  # 1 on outer skin (face, head, neck), else 0
    lip: Float[np.ndarray, " V"]  # soft membership of the vermilion, 0..1
    eye_distance: Float[np.ndarray, " V"]  # cm outside the lid opening, negative inside
    brow_offset: Float[np.ndarray, " V"]  # cm above the brow line (signed), 9 far away
    brow_position: Float[np.ndarray, " V"]  # 0 at the outer end of the brow, 1 at the inner
    beard: Float[np.ndarray, " V"]  # 0..1 where a beard is painted per vertex
    beard_growth: Float[np.ndarray, " V"]  # 0..1 where strands of a beard grow; softer on cheeks and throat
    moustache: Float[np.ndarray, " V"]  # 0..1
    flush: Float[np.ndarray, " V"]  # cheeks and nose, 0..1
    under_eye: Float[np.ndarray, " V"]  # 0..1
    hairline: Float[np.ndarray, " V"]  # cm above the mean hairline, -9 where hair never grows
    iris_distance: Float[np.ndarray, " V"]  # cm from the optical axis on eyeballs, 9 elsewhere
    noise: Float[np.ndarray, "N V"]  # solid noise, zero mean, unit variance; scale n % 5
    centimeters: Float[np.ndarray, "V 3"]  # mean shape


def skin_fields(head: LinearHead) -> SkinFields:
    """Compute the fields of `head` (about 0.2 s; keep the result)."""
    verts = head.mean.double().numpy() * 100.0  # (V, 3) cm
    part = head.part.numpy()
    marks = head.landmarks(head.mean, offset=False).double().numpy() * 100.0  # (68, 3)
    name = {n: i for i, n in enumerate(PARTS)}
    skin = (part == name["face"]) | (part == name["head"])
    # the lips and lids continue into the mouth and sockets; paint only what faces outwards
    front = skin & (verts[:, 2] > 3.0)
    xy = verts[:, :2]

    lip = _signed_distance(marks[OUTER_LIPS, :2], xy)
    inner = front & (verts[:, 2] > 7.0)
    lip = np.where(inner, _logistic(lip / 0.06), 0.0)

    lids = np.maximum(_signed_distance(marks[RIGHT_EYE, :2], xy), _signed_distance(marks[LEFT_EYE, :2], xy))
    eye_distance = np.where(inner, -lids, 9.0)

    brow_offset, brow_position = _brows(marks, xy, front)

    x, y, z = verts.T
    line = np.interp(z, [2, 4, 6, 9, 11, 13], [1.0, 0.3, -1.3, -1.6, -1.6, -1.6])
    where_beard = (1 - lip) * skin * (np.abs(x) < 8) * (z > 1.5)
    beard = np.clip((line - y) / 0.8, 0, 1) * np.clip((y + 10.5) / 1.5, 0, 1) * where_beard
    beard_growth = np.clip((line - y) / 1.2, 0, 1) * np.clip((y + 9.6) / 1.6, 0, 1) * where_beard
    moustache = np.exp(-((np.abs(x) / 2.6) ** 4)) * np.exp(-(((y + 2.0) / 0.65) ** 2))
    moustache *= front & (z > 9)
    flush = np.exp(-(((np.abs(x) - 4.2) / 1.8) ** 2 + ((y - 0.6) / 1.5) ** 2))
    flush = (flush + 0.8 * np.exp(-((x / 1.2) ** 2 + ((y - 0.6) / 1.3) ** 2))) * front
    under_eye = np.exp(-(((np.abs(x) - 2.6) / 1.5) ** 2 + ((y - 2.3) / 0.8) ** 2)) * front

    hair_from = np.interp(
        z,
        [-12, -4, -1.5, 0.0, 1.5, 2.6, 4, 6, 8, 11],
        [-6, -5.5, 2.5, 5.2, 5.8, 2.6, 6.6, 8.6, 9.6, 9.8],
    )
    hairline = y - hair_from
    ear = (np.abs(x) > 7.75) & (y < 6.5) & (z < 3)
    hairline[ear | ~skin | (y < -7)] = -9.0

    iris = np.full(len(verts), 9.0)
    for side in ("eye_right", "eye_left"):
        ids = np.flatnonzero(part == name[side])
        center = verts[ids].mean(0)
        ahead = verts[ids, 2] > center[2]
        pole = verts[ids[np.argmax(verts[ids, 2])]]
        iris[ids] = np.where(ahead, np.linalg.norm(verts[ids, :2] - pole[:2], axis=1), 9.0)

    f32 = np.float32
    return SkinFields(
        skin=skin.astype(f32),
        lip=lip.astype(f32),
        eye_distance=eye_distance.astype(f32),
        brow_offset=brow_offset.astype(f32),
        brow_position=brow_position.astype(f32),
        beard=beard.astype(f32),
        beard_growth=beard_growth.astype(f32),
        moustache=moustache.astype(f32),
        flush=flush.astype(f32),
        under_eye=under_eye.astype(f32),
        hairline=hairline.astype(f32),
        iris_distance=iris.astype(f32),
        noise=_solid_noise(verts).astype(f32),
        centimeters=verts.astype(f32),
    )


def _logistic(x: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30, 30))))


def _segment_distance(
    a: Float[np.ndarray, "2"], b: Float[np.ndarray, "2"], points: Float[np.ndarray, "V 2"]
) -> tuple[Float[np.ndarray, " V"], Float[np.ndarray, " V"], Float[np.ndarray, " V"]]:
    """Return the distance to segment ab, the parameter along it, and the side (positive left of a to b)."""
    ab = b - a
    along = np.clip(((points - a) @ ab) / float(ab @ ab), 0, 1)
    dist = np.linalg.norm(points - a - along[:, None] * ab, axis=1)
    side = np.sign(ab[0] * (points[:, 1] - a[1]) - ab[1] * (points[:, 0] - a[0]))
    return dist, along, side


def _signed_distance(polygon: Float[np.ndarray, "P 2"], points: Float[np.ndarray, "V 2"]) -> Float[np.ndarray, " V"]:
    """Return the distance to a closed polygon, positive inside (even-odd rule)."""
    inside = np.zeros(len(points), bool)
    dist = np.full(len(points), np.inf)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        dist = np.minimum(dist, _segment_distance(a, b, points)[0])
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        rise = b[1] - a[1] if b[1] != a[1] else 1e-12
        inside ^= crosses & (points[:, 0] < (b[0] - a[0]) * (points[:, 1] - a[1]) / rise + a[0])
    return np.where(inside, dist, -dist)


def _brows(
    marks: Float[np.ndarray, "68 3"], xy: Float[np.ndarray, "V 2"], front: np.ndarray
) -> tuple[Float[np.ndarray, " V"], Float[np.ndarray, " V"]]:
    """Return the signed offset above, and the position along, the nearer of the two brow lines."""
    right = marks[RIGHT_BROW, :2]  # the subject's right, outer to inner
    left = marks[LEFT_BROW, :2][::-1] * [-1, 1]
    per_side = []
    for line, points in ((right, xy), (left, xy * [-1, 1])):
        best = np.full(len(points), np.inf)
        where, above = np.zeros(len(points)), np.zeros(len(points))
        for k in range(4):
            dist, along, side = _segment_distance(line[k], line[k + 1], points)
            near = dist < best
            best[near], above[near] = dist[near], (dist * side)[near]
            where[near] = (k + along[near]) / 4.0
        per_side.append((best, above, where))
    nearer = per_side[0][0] < per_side[1][0]
    offset = np.where(nearer, per_side[0][1], per_side[1][1])
    return np.where(front, offset, 9.0), np.where(nearer, per_side[0][2], per_side[1][2])


def _solid_noise(verts: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "N V"]:
    """Compute value noise on a periodic lattice at several scales; the same for the same head."""
    rng = np.random.default_rng(20240229)
    lattice = rng.standard_normal((16, 16, 16))
    rows = []
    for n in range(len(NOISE_SCALES_CM) * _NOISE_PER_SCALE):
        at = (verts + rng.uniform(-50, 50, 3)) / NOISE_SCALES_CM[n % len(NOISE_SCALES_CM)]
        rows.append(_trilinear(lattice, at))
    noise = np.stack(rows)
    return (noise - noise.mean(1, keepdims=True)) / noise.std(1, keepdims=True)


def _trilinear(lattice: Float[np.ndarray, "A A A"], at: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, " V"]:
    low: Int[np.ndarray, "V 3"] = np.floor(at).astype(np.int64)
    frac = at - low
    total = np.zeros(len(at))
    for corner in np.ndindex(2, 2, 2):
        cell = (low + corner) % lattice.shape[0]
        sides = np.where(corner, frac, 1 - frac)
        weight = sides[:, 0] * sides[:, 1] * sides[:, 2]
        total += weight * lattice[cell[:, 0], cell[:, 1], cell[:, 2]]
    return total
