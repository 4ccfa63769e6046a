"""Eyes of synthetic faces: pictures of the eyeball, its rotation, and the shadow that the lids cast on it.

V head vertices.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from headform.geometry.landmarks68 import LEFT_EYE, RIGHT_EYE
from headform.heads.linear import PARTS, LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.synth.randomization import EyeRandomization
from headform.synth.skin import SkinAttributes

PICTURE_SIDE = 192
_PUPIL_SHARE, _IRIS_SHARE = 0.16, 0.42  # radii in a picture, shares of its half side
_PICTURES, _SEED = 24, 5
_LID_SHADOW, _LID_REACH_CM = (
    0.62,
    0.32,
)  # share of light that the upper lid takes at its rim, and how far down that fades
_ALIKE, _RING = 0.2, 24
"""Log distance of colors at which a picture is e times rarer, and samples along the ring in which its color is read."""
_BROWN, _BROWNNESS = np.array([0.09, 0.05, 0.03]), (0.35, 1.4)  # linear RGB of brown irises, and its factor
_LOWER_SHADOW, _LOWER_REACH_CM = 0.3, 0.16
_CORNER_SHADOW, _CORNER_REACH_CM = 0.35, 0.35


@dataclass(frozen=True)
class EyeGeometry:
    """Shape of the eyeballs on one head model.

    Attributes:
        vertices: Head vertices of the subject's right and left eyeball.
        local: Position of each vertex from the center of its ball, cm, looking along +z; zeros elsewhere.
        eye_of: 0 on the right eyeball, 1 on the left, 0 elsewhere.
        marks: The rows of the 68 points of each upper and lower lid, from the picture's left to its right.
    """

    vertices: tuple[Int[np.ndarray, " P"], Int[np.ndarray, " Q"]]
    local: Float32[np.ndarray, "V 3"]
    eye_of: Int[np.ndarray, " V"]
    marks: tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]


def eye_geometry(head: LinearHead) -> EyeGeometry:
    """Read the eyeballs of a head's mean shape."""
    mean, part = head.mean.double().numpy() * 100.0, head.part.numpy()
    balls = tuple(np.flatnonzero(part == PARTS.index(name)) for name in ("eye_right", "eye_left"))
    local = np.zeros(mean.shape, np.float32)
    eye_of = np.zeros(len(mean), np.int64)
    for number, ids in enumerate(balls):
        local[ids] = mean[ids] - (mean[ids].min(0) + mean[ids].max(0)) / 2
        eye_of[ids] = number
    marks = []
    for rows in (RIGHT_EYE, LEFT_EYE):
        first = range(68)[rows].start if isinstance(rows, slice) else int(np.min(rows))
        marks.append(([first, first + 1, first + 2, first + 3], [first, first + 5, first + 4, first + 3]))
    return EyeGeometry(balls, local, eye_of, (marks[0], marks[1]))  # type: ignore[arg-type]


def lid_shadow(
    geometry: EyeGeometry, verts: Float[np.ndarray, "V 3"], marks: Float[np.ndarray, "68 3"], strength: float
) -> Float32[np.ndarray, " V"]:
    """Compute the share of light that reaches each vertex of the eyeballs past the lids; 1 elsewhere.

    Args:
        geometry: Eyeballs.
        verts: Vertices of the person, meters, head frame.
        marks: Their 68 landmarks.
        strength: Factor of the shadows, about 1.
    """
    share = np.ones(len(verts), np.float32)
    for ids, (upper, lower) in zip(geometry.vertices, geometry.marks, strict=True):
        x, y = verts[ids, 0] * 100, verts[ids, 1] * 100
        lid, floor = marks[upper] * 100, marks[lower] * 100
        below = _height(lid, x) - y
        above = y - _height(floor, x)
        inner = np.minimum(x - lid[:, 0].min(), lid[:, 0].max() - x)
        dark = _LID_SHADOW * np.exp(-np.maximum(below, 0) / _LID_REACH_CM)
        dark = dark + _LOWER_SHADOW * np.exp(-np.maximum(above, 0) / _LOWER_REACH_CM)
        dark = dark + _CORNER_SHADOW * np.exp(-np.maximum(inner, 0) / _CORNER_REACH_CM)
        share[ids] = np.clip(1 - strength * dark, 0.12, 1)
    return share


def _height(lid: Float[np.ndarray, "4 3"], x: Float[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
    """Height of a lid's rim at `x`: the cubic through its four points, held at the corners."""
    nodes, heights = lid[:, 0].tolist(), lid[:, 1].tolist()
    at = np.clip(x, min(nodes), max(nodes))
    away, total = [at - node for node in nodes], np.zeros_like(at)
    for k in range(4):
        a, b, c = (n for n in range(4) if n != k)
        gap = (nodes[k] - nodes[a]) * (nodes[k] - nodes[b]) * (nodes[k] - nodes[c])
        if abs(gap) < 1e-6:  # two points above each other, as in a profile that is no head
            return np.full_like(at, sum(heights) / 4)
        total += away[a] * away[b] * away[c] * (heights[k] / gap)
    return np.clip(total, min(heights) - 0.1, max(heights) + 0.15)


@dataclass(frozen=True)
class EyeLook:
    """Looks of both eyes.

    Attributes:
        looks: Parameters of the pixel kernel, a row an eye.
        pictures: sRGB picture of each eyeball seen from the front.
        shadow: Strength of the lids' shadow.
    """

    looks: Float32[np.ndarray, "2 8"]
    pictures: UInt8[np.ndarray, "2 P P 3"]
    shadow: float


def iris_colors(bank: UInt8[np.ndarray, "M P P 3"]) -> Float[np.ndarray, "M 3"]:
    """Return the linear RGB of each picture's iris: the mean of a ring in its middle."""
    middle = bank.shape[1] / 2
    angle = np.arange(_RING) * (2 * np.pi / _RING)
    radius = middle * (_PUPIL_SHARE + _IRIS_SHARE) / 2
    columns, rows = (np.floor(middle + radius * f(angle)).astype(int) for f in (np.cos, np.sin))
    return np.asarray(LINEAR_FROM_SRGB8[bank[:, rows, columns]].mean(1))


def sample_eyes(
    rng: np.random.Generator,
    bank: UInt8[np.ndarray, "M P P 3"],
    colors: Float[np.ndarray, "M 3"],
    skin: SkinAttributes,
    config: EyeRandomization,
) -> EyeLook:
    """Draw the looks of a person's eyes; the picture is one whose iris has about the person's color.

    Args:
        rng: Source of chance.
        bank: Pictures of eyeballs.
        colors: Their `iris_colors`.
        skin: Coloring of the person.
        config: Ranges.
    """
    lowest, highest = config.brown_rate
    rgb = np.asarray(skin.iris_rgb)
    if rng.random() < min(highest, lowest + skin.melanin):
        rgb = _BROWN * rng.uniform(*_BROWNNESS)
    away = np.abs(np.log(colors / np.maximum(rgb, 1e-3))).mean(1)
    likely = np.exp(-away / _ALIKE) + 1e-9
    picture = bank[int(rng.choice(len(bank), p=likely / likely.sum()))]
    # cameras expose for the skin: beside dark skin the white would glow, which photos avoid by their soft tone curves
    held = 1 / (1 + config.held_back * skin.melanin)
    level = rng.uniform(*config.sclera) * held
    iris = rng.uniform(*config.iris_level) * held
    gleam = rng.uniform(*config.highlight) if rng.random() < config.highlight_rate else 0.0
    lamp = np.cos(np.radians(rng.uniform(*config.highlight_degrees)))
    row = [skin.iris_radius_cm, min(skin.pupil_radius_cm, skin.iris_radius_cm * 0.62), _IRIS_SHARE, _PUPIL_SHARE]
    looks = np.array([[*row, level, iris, gleam, lamp]] * 2, np.float32)
    return EyeLook(looks, np.stack([picture, picture]), float(rng.uniform(*config.lid_shadow)))


_IRIS_RGB = (  # sRGB of the middle of an iris: brown, dark brown, hazel, green, blue, gray
    (92, 58, 32), (60, 36, 22), (112, 88, 48), (98, 112, 76), (92, 122, 150), (116, 126, 132),
    (45, 27, 17), (76, 46, 26), (70, 98, 128),
)  # fmt: skip
_GRAYED = (0.1, 0.6)  # share by which the cornea, which mirrors all around it, takes color from the iris
_COMMON = (0, 1, 1, 6, 6, 6, 7, 7, 2, 3, 4, 5, 8)


@cache
def draw_eye_pictures(count: int = _PICTURES) -> UInt8[np.ndarray, "M P P 3"]:
    """Draw pictures of eyeballs: pupil, fibers of the iris, collarette, dark limbus, veined sclera.

    They are the same every time, drawn once and not to be changed.
    """
    pictures = np.stack([_draw_eye(np.random.default_rng((_SEED, k))) for k in range(count)])
    pictures.setflags(write=False)
    return pictures


def _draw_eye(rng: np.random.Generator) -> UInt8[np.ndarray, "P P 3"]:
    axis = (np.arange(PICTURE_SIDE) + 0.5) / PICTURE_SIDE * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    base = np.array(_IRIS_RGB[int(rng.choice(_COMMON))], float) * rng.uniform(0.8, 1.2)
    base += (base.mean() - base) * rng.uniform(*_GRAYED)
    waves = rng.integers(18, 70, 10)
    phase = rng.uniform(0, 2 * np.pi, 10)
    depth = (radius - _PUPIL_SHARE) / (_IRIS_SHARE - _PUPIL_SHARE)  # 0 at the pupil, 1 at the limbus
    fibers = sum(np.cos(angle * w + p + 2.0 * np.sin(3 * depth + p)) for w, p in zip(waves, phase, strict=True)) / 10
    collar = np.exp(-(((depth - rng.uniform(0.2, 0.4)) / 0.12) ** 2))
    tone = 1 + 0.55 * fibers + rng.uniform(0.0, 0.5) * collar - 0.45 * np.clip((depth - 0.72) / 0.28, 0, 1)
    warm = 1 + np.array([0.5, 0.25, -0.1]) * rng.uniform(0, 0.8) * np.exp(-((depth / 0.45) ** 2))[..., None]
    iris = base * tone[..., None] * warm
    grid = rng.normal(0, 1, (13, 13))
    from PIL import Image

    blotch = np.asarray(Image.fromarray(grid.astype(np.float32)).resize((PICTURE_SIDE,) * 2, Image.Resampling.BICUBIC))
    veins = np.exp(-((blotch / 0.05) ** 2)) * np.clip((radius - 0.6) / 0.4, 0, 1) * rng.uniform(0, 0.25)
    white = np.array([226.0, 218, 212]) * (1 - 0.10 * np.clip((radius - 0.45) / 0.5, 0, 1))[..., None]
    white = white * (1 + np.array([0.0, -0.3, -0.3]) * veins[..., None] * 1.5)
    white = white * (1 + np.array([0.02, -0.05, -0.07]) * np.clip((radius - 0.6) / 0.4, 0, 1)[..., None])
    edge = np.clip((radius - _IRIS_SHARE) / 0.035 + 0.5, 0, 1)[..., None]
    pupil = np.clip((radius - _PUPIL_SHARE) / 0.02 + 0.5, 0, 1)[..., None]
    color = iris * pupil + np.array([9.0, 8, 8]) * (1 - pupil)
    color = color * (1 - edge) + white * edge
    return np.clip(color, 3, 255).astype(np.uint8)
