"""Hair as geometry: a shell that follows the skull from the crown and then falls freely.

P meridians around the head, Q rows from the crown to the tips, V vertices, F faces. Centimeters inside this module.

The shell is laid out once on the mean head: along each meridian it follows the skull down to the hairline, then falls
at least as far out as the skin below. Per person it moves with the skin under it and takes thickness, length, raggedness.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.heads.linear import LinearHead
from headform.synth import _kernels as kernels
from headform.synth.randomization import HairRandomization, Range
from headform.synth.skin_fields import SkinFields

MERIDIANS, ROOT_ROWS, FREE_ROWS = 72, 13, 9
ROWS = ROOT_ROWS + FREE_ROWS
_CENTER_CM = np.array([0.0, 4.5, 0.0])
_POLAR_SAMPLES = 64


@dataclass(frozen=True)
class HairShell:
    """Layout of the shell on the mean head."""

    faces: Int[np.ndarray, "F 3"]
    phi: Float[np.ndarray, " P"]  # 0 in front, positive toward the subject's left
    polar: Float[np.ndarray, " T"]  # angles from straight up
    surface: Float[np.ndarray, "P T 3"]  # skin along each meridian, cm
    vertex: Int[np.ndarray, "P T"]  # nearest skin vertex
    hairline: Float[np.ndarray, "P T"]  # cm above the mean hairline
    radius: Float[np.ndarray, "P Y"]  # horizontal extent of the skin at each height
    heights: Float[np.ndarray, " Y"]


def lay_out_hair(head: LinearHead, fields: SkinFields) -> HairShell:
    """Cast the meridians against the mean head (about 0.5 s; keep the result)."""
    verts = fields.centimeters.astype(np.float64)
    faces = head.faces.numpy()
    skin_faces = faces[(fields.skin[faces] > 0).all(1)]
    phi = np.linspace(-np.pi, np.pi, MERIDIANS, endpoint=False)
    polar = np.linspace(0.02, np.radians(125), _POLAR_SAMPLES)
    ray = np.stack(
        [
            np.sin(phi)[:, None] * np.sin(polar),
            np.ones_like(phi)[:, None] * np.cos(polar),
            np.cos(phi)[:, None] * np.sin(polar),
        ],
        axis=-1,
    )  # (P, T, 3)
    reach = _cast(verts, skin_faces, ray.reshape(-1, 3)).reshape(ray.shape[:2])
    surface = _CENTER_CM + ray * reach[..., None]
    skin_ids = np.flatnonzero(fields.skin > 0)
    vertex = skin_ids[_nearest(surface.reshape(-1, 3), verts[skin_ids])].reshape(reach.shape)
    line = fields.hairline[vertex]
    heights = np.linspace(-18.0, 14.0, 65)
    radius = np.zeros((MERIDIANS, len(heights)))
    at = verts[skin_ids]
    sector = np.round((np.arctan2(at[:, 0], at[:, 2]) + np.pi) / (2 * np.pi) * MERIDIANS)
    level = np.round((at[:, 1] - heights[0]) / (heights[1] - heights[0]))
    out = np.hypot(at[:, 0], at[:, 2])
    for ds in (-1, 0, 1):
        for dy in (-1, 0, 1):
            where = (
                ((sector + ds) % MERIDIANS).astype(int),
                np.clip(level + dy, 0, len(heights) - 1).astype(int),
            )
            np.maximum.at(radius, where, out)
    grid = np.arange(MERIDIANS)[:, None] * ROWS + np.arange(ROWS)
    right = np.roll(grid, -1, axis=0)
    quads = np.stack([grid[:, :-1], grid[:, 1:], right[:, 1:], right[:, :-1]], -1).reshape(-1, 4)
    shell_faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    return HairShell(shell_faces, phi, polar, surface, vertex, line, radius, heights)


@dataclass(frozen=True)
class HairStyle:
    """Style of one person's hair; lengths in centimeters beyond the hairline."""

    thickness: float
    recede: float  # hairline moved up (positive) or down
    fringe: float
    sides: float
    back: float
    flare: float
    ragged: float
    parting: float
    hat: bool
    seed: int


def sample_style(rng: np.random.Generator, config: HairRandomization) -> HairStyle:
    """Draw crops, short cuts, fringes, bobs, long hair and hats."""
    c = config

    def draw(limits: Range) -> float:
        return float(rng.uniform(*limits))

    kind = rng.random()
    short, hat = kind < c.short_rate, kind > 1 - c.hat_rate
    sides = draw(c.short_sides if short else c.long_sides)
    fringe = draw(c.fringe) if rng.random() < c.fringe_rate else 0.0
    return HairStyle(
        thickness=draw(c.thin if short and rng.random() < c.thin_rate else c.thick),
        recede=float(rng.normal(0, c.hairline_sd)) if rng.random() < c.usual_hairline_rate else draw(c.receding),
        fringe=0.0 if hat else fringe,
        sides=0.0 if hat else sides,
        back=0.0 if hat else draw(c.short_back) if short else sides + draw(c.back_beyond_sides),
        flare=draw(c.flare),
        ragged=draw(c.ragged),
        parting=draw(c.parting),
        hat=hat,
        seed=int(rng.integers(2**31)),
    )


def grow(
    shell: HairShell, style: HairStyle, moved_cm: Float[np.ndarray, "V 3"]
) -> tuple[Float[np.ndarray, "S 3"], Float[np.ndarray, " S"]]:
    """Shape the shell of one person.

    Args:
        shell: The layout.
        style: Thickness and lengths.
        moved_cm: (V, 3) displacement of this person's skin from the mean head's, centimeters.

    Returns:
        Vertices (P * Q, 3) in meters, and a per-vertex strand tone around 1.
    """
    rng = np.random.default_rng(style.seed)
    p = np.arange(MERIDIANS)
    smooth = _periodic_noise(rng, 5) * 0.5
    fine = rng.normal(0, 1, MERIDIANS)
    side = np.clip((np.abs(shell.phi) - 0.75) / 0.5, 0, 1)  # 0 over the forehead, 1 beyond
    rear = np.clip((np.abs(shell.phi) - 1.9) / 0.5, 0, 1)
    # where the hair stops following the skull: the first sample below the (moved) hairline
    line = style.recede * (1 - 0.75 * side) + (0.4 * smooth + 0.15 * fine * style.ragged)
    if style.hat:
        line = np.full(MERIDIANS, -3.2) + 1.5 * rear
    grows = (shell.hairline > line[:, None]) | (shell.polar[None] < 0.35)
    last = np.maximum(np.cumprod(grows, axis=1).sum(1) - 1, 4)  # (P,)
    t = np.linspace(0, 1, ROOT_ROWS)
    at = np.round(t[None] * last[:, None]).astype(int)  # (P, ROOT_ROWS)
    base = shell.surface[p[:, None], at] + moved_cm[shell.vertex[p[:, None], at]]
    out = base - _CENTER_CM
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    length = style.fringe * (1 - side) + style.sides * side * (1 - rear) + style.back * rear
    curtain = np.clip(np.abs(shell.phi - style.parting * 0.5) / 0.5, 0, 1)
    length = length * np.where(side < 1, 0.35 + 0.65 * curtain, 1.0)
    length = length * (1 + 0.12 * smooth + 0.22 * style.ragged * np.clip(fine, -2, 2))
    length = np.clip(length, 0, None)
    falls = np.clip(length / 1.5, 0, 1)
    fade = np.clip((1 - t[None]) / 0.35, 0, 1)
    edge = -0.25 + 0.85 * falls  # below the skin where the hair ends, above it where it goes on
    volume = style.thickness * (0.6 + 0.4 * np.sin(np.pi * np.clip(t, 0, 1)))
    lift = fade * volume[None] * (1 + 0.2 * smooth[:, None]) + (1 - fade) * np.maximum(
        edge[:, None], falls[:, None] * 0.5 * style.thickness
    )
    if style.hat:
        lift = np.full_like(lift, 0.9)
    lift = lift + 0.12 * style.ragged * rng.normal(0, 1, lift.shape) * min(style.thickness, 1.0)
    root = base + out * lift[..., None]
    falling = _fall(shell, style, root[:, -1], length, falls, side, smooth)
    verts = np.concatenate([root, falling], axis=1).reshape(-1, 3)
    tone = 1 + 0.28 * fine[:, None] * np.ones(ROWS) + 0.12 * rng.normal(0, 1, (MERIDIANS, ROWS))
    return (verts / 100.0).astype(np.float32), np.clip(tone, 0.35, 1.9).reshape(-1).astype(np.float32)


def _fall(
    shell: HairShell,
    style: HairStyle,
    start: Float[np.ndarray, "P 3"],
    length: Float[np.ndarray, " P"],
    falls: Float[np.ndarray, " P"],
    side: Float[np.ndarray, " P"],
    smooth: Float[np.ndarray, " P"],
) -> Float[np.ndarray, "P R 3"]:
    """Let the hair fall straight down from the last root row, never inside the skin; centimeters."""
    s = np.linspace(0, 1, FREE_ROWS + 1)[1:]
    drop = start[:, 1, None] - s[None] * length[:, None]  # (P, FREE_ROWS)
    step = shell.heights[1] - shell.heights[0]
    level = np.clip(np.round((drop - shell.heights[0]) / step), 0, len(shell.heights) - 1).astype(int)
    clearance = 0.35 + 0.3 * style.thickness * side[:, None]
    below = shell.radius[np.arange(MERIDIANS)[:, None], level] + clearance
    reach = np.hypot(start[:, 0], start[:, 2])[:, None]
    reach = np.maximum.accumulate(np.maximum(reach, np.where(falls[:, None] > 0, below, 0)), axis=1)
    reach = reach + style.flare * length[:, None] * s[None] ** 2 * side[:, None]
    reach = reach * (1 + 0.03 * smooth[:, None] * s[None])
    falling = np.stack([reach * np.sin(shell.phi)[:, None], drop, reach * np.cos(shell.phi)[:, None]], axis=-1)
    none = (length < 0.3)[:, None, None]
    return np.where(none, start[:, None], falling)


def _periodic_noise(rng: np.random.Generator, waves: int) -> Float[np.ndarray, " P"]:
    """Draw smooth periodic noise of about unit size around the head."""
    angle = np.linspace(-np.pi, np.pi, MERIDIANS, endpoint=False)
    k = np.arange(1, waves + 1)[:, None]
    a, b = rng.normal(0, 1, (2, waves, 1)) / np.sqrt(k)
    return np.asarray((a * np.cos(k * angle) + b * np.sin(k * angle)).sum(0))


def _cast(
    verts: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], rays: Float[np.ndarray, "R 3"]
) -> Float[np.ndarray, " R"]:
    """Return the distance of each ray's farthest hit from the center; 7 cm where it hits nothing."""
    corners = np.ascontiguousarray(verts[faces] - _CENTER_CM)  # (F, 3, 3)
    reach = np.empty(len(rays))
    kernels.farthest_hit(corners, np.ascontiguousarray(rays), reach)
    return np.where(reach > 0, reach, 7.0)


def _nearest(points: Float[np.ndarray, "R 3"], verts: Float[np.ndarray, "V 3"]) -> Int[np.ndarray, " R"]:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(verts).query(points)[1], np.int64)
