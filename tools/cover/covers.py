"""Covers drawn over faces: objects, masks, scarves, sunglasses, hands, borders, and regions made unrecognizable.

S side of a crop, pixels. Colors are sRGB, float32 in [0, 255]. Each cover is a layer of color and its opacity; sizes are in
units of the face's size, the square root of the area of its points' box.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from headform.geometry.landmarks68 import JAW, LEFT_EYE, RIGHT_EYE
from tools.cover.fabrics import Color, fabric, smooth_field


@dataclass(frozen=True)
class Scene:
    """A face to be covered.

    Attributes:
        image: (S, S, 3) float32.
        points: (68, 2) pixels.
        other: (S, S, 3) float32, a picture of something else, whose parts serve as fabric.
    """

    image: np.ndarray
    points: np.ndarray
    other: np.ndarray

    @property
    def size(self) -> float:
        """Size of the face, pixels."""
        return float(np.sqrt(np.prod(np.ptp(self.points, axis=0))))

    @property
    def skin(self) -> Color:
        """Median color between eyes and mouth."""
        low, high = self.points[[31, 40]].min(0), self.points[[35, 47]].max(0)
        x0, y0, x1, y1 = np.clip([*low, *high], 0, len(self.image) - 1).astype(int)
        part = self.image[y0 : y1 + 1, x0 : x1 + 1].reshape(-1, 3)
        return np.asarray(np.median(part, axis=0), np.float32)


Layer = tuple[np.ndarray, np.ndarray]
"""Color (S, S, 3) and opacity (S, S) in [0, 1]."""
Painter = Callable[[np.random.Generator, Scene], Layer]


def cover(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Cover a face by one or two things; return the picture and the opacity of what covers it."""
    picture, hidden = scene.image, np.zeros(scene.image.shape[:2], np.float32)
    names = list(PAINTERS)
    rates = np.array([rate for _, rate in PAINTERS.values()])
    for _ in range(1 + (rng.random() < 0.15)):
        painter = PAINTERS[names[rng.choice(len(names), p=rates / rates.sum())]][0]
        color, opacity = painter(rng, Scene(picture, scene.points, scene.other))
        soft = float(rng.choice([0.0, 0.6, 1.2]))
        if soft:
            opacity = blurred(opacity, soft)
        picture = picture + (color - picture) * opacity[..., None]
        hidden = np.maximum(hidden, opacity)
    return picture, hidden


def border(rng: np.random.Generator, scene: Scene) -> Layer:
    """A flat or patterned half-plane over a part of the face: a wall, a door, the bar of a padded picture."""
    angle = rng.integers(4) * np.pi / 2 + (rng.normal(0, 0.3) if rng.random() < 0.5 else 0.0)
    normal = np.array([np.cos(angle), np.sin(angle)])
    reach = (scene.points @ normal).min(), (scene.points @ normal).max()
    edge = reach[0] + (reach[1] - reach[0]) * rng.uniform(0.25, 0.9)
    rows, columns = np.mgrid[: len(scene.image), : len(scene.image)] + 0.5
    opacity = np.clip(columns * normal[0] + rows * normal[1] - edge + 0.5, 0, 1)
    return fabric(rng, scene.image, scene.other, scene.skin), opacity.astype(np.float32)


def panel(rng: np.random.Generator, scene: Scene) -> Layer:
    """A turned rectangle or bar on the face, often over the eyes or the mouth."""
    anchors = [scene.points[36:48].mean(0), scene.points[48:68].mean(0), scene.points[rng.integers(68)]]
    middle = anchors[rng.integers(3)] + rng.normal(0, 0.06, 2) * scene.size
    half = scene.size * rng.uniform([0.12, 0.07], [0.7, 0.3])
    angle = rng.normal(0, 0.2) + (np.pi / 2 if rng.random() < 0.2 else 0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = middle + (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half) @ turn.T
    return fabric(rng, scene.image, scene.other, scene.skin), polygon(scene, corners)


def blob(rng: np.random.Generator, scene: Scene) -> Layer:
    """A rounded or ragged object before the face: a cup, a phone, a ball."""
    count = int(rng.integers(8, 20))
    turn = np.linspace(0, 2 * np.pi, count + 1)[:-1]
    middle = scene.points[rng.integers(68)] + rng.normal(0, 0.1, 2) * scene.size
    ragged = rng.uniform(0, 0.4)
    radius = scene.size * rng.uniform(0.12, 0.42) * rng.uniform(1 - ragged, 1 + ragged, (count, 1))
    corners = middle + radius * np.column_stack([np.cos(turn) * rng.uniform(0.6, 1.4), np.sin(turn)])
    return fabric(rng, scene.image, scene.other, scene.skin), polygon(scene, corners)


def mask(rng: np.random.Generator, scene: Scene) -> Layer:
    """A mask over mouth and nose, with pleats and loops; sometimes it leaves the nose free."""
    points, size = scene.points, scene.size
    low = int(rng.integers(1, 5))
    jaw = points[low : 17 - low]
    away = jaw - points[30]
    rim = jaw + away * rng.uniform(-0.05, 0.14)
    top = points[int(rng.choice([27, 28, 28, 29, 29, 30, 33]))] + rng.normal(0, 0.02, 2) * size
    shoulder = rng.uniform(-0.06, 0.12) * size
    steps = np.linspace(0, 1, 9)[1:-1, None]

    def arc(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        bend = 4 * steps * (1 - steps) * shoulder
        return np.asarray(start + (end - start) * steps + bend * np.array([0.0, 1.0]))

    outline = np.concatenate([rim, arc(rim[-1], top), top[None], arc(top, rim[0])])
    color = fabric(rng, scene.image, scene.other, scene.skin)
    drawn = Image.fromarray(np.clip(color, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    tone = tuple(int(v) for v in np.clip(color.reshape(-1, 3).mean(0) * rng.uniform(0.75, 1.15), 0, 255))
    for share in np.sort(rng.uniform(0.2, 0.9, int(rng.integers(0, 5)))):
        start, end = rim[0] + (rim[len(rim) // 2] - rim[0]) * share, rim[-1] + (rim[len(rim) // 2] - rim[-1]) * share
        pen.line([tuple(start), tuple((start + end) / 2 + [0, 0.05 * size]), tuple(end)], fill=tone, width=1)
    opacity = polygon(scene, outline)
    if rng.random() < 0.5:
        opacity = np.maximum(opacity, lines(scene, [[rim[0], points[0]], [rim[-1], points[16]]], 2))
    return np.asarray(drawn, np.float32), opacity


def scarf(rng: np.random.Generator, scene: Scene) -> Layer:
    """A scarf or collar from below, up to the chin, the mouth or the nose, with an uneven edge."""
    up = scene.points[27] - scene.points[8]
    up = up / max(float(np.linalg.norm(up)), 1e-6)
    across = np.array([-up[1], up[0]])
    height = rng.uniform(0.12, 0.75) * float((scene.points[27] - scene.points[8]) @ up)
    offsets = np.linspace(-1.2, 1.2, 9)
    uneven = rng.normal(0, 0.05, 9) + rng.uniform(-0.1, 0.25) * offsets**2
    edge = scene.points[8] + np.outer(offsets, across) * scene.size + np.outer(height + uneven * scene.size, up)
    low = edge[[-1, 0]] - up * 3 * scene.size
    return fabric(rng, scene.image, scene.other, scene.skin), polygon(scene, np.concatenate([edge, low]))


def sunglasses(rng: np.random.Generator, scene: Scene) -> Layer:
    """Dark or mirrored glasses."""
    eyes = np.stack([scene.points[RIGHT_EYE].mean(0), scene.points[LEFT_EYE].mean(0)])
    apart = max(float(np.linalg.norm(eyes[1] - eyes[0])), 0.25 * scene.size)
    along = (eyes[1] - eyes[0]) / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1e-6)
    down = np.array([-along[1], along[0]])
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    power = 2 / rng.uniform(2.0, 5.0)
    half = apart * rng.uniform([0.33, 0.25], [0.5, 0.45])
    shape = np.column_stack([np.sign(f(turn)) * np.abs(f(turn)) ** power for f in (np.cos, np.sin)]) * half
    lens = shape @ np.stack([along, down])
    drop = down * apart * rng.uniform(-0.02, 0.14)
    opacity = np.maximum(*(polygon(scene, eye + drop + lens) for eye in eyes)) * rng.uniform(0.86, 1.0)
    tone = rng.uniform(0, 45, 3) if rng.random() < 0.75 else rng.uniform(0, 200, 3)
    color = np.broadcast_to(tone, scene.image.shape) * rng.uniform(0.7, 1.3)
    if rng.random() < 0.5:
        color = color + smooth_field(rng, len(scene.image), 3)[..., None] * rng.uniform(0, 60)
    frame = lines(scene, [[eyes[0] + drop + lens[0], eyes[1] + drop - lens[0]]], int(rng.integers(1, 4)))
    arms = [[eyes[0] + drop - lens[0], scene.points[0]], [eyes[1] + drop + lens[0], scene.points[16]]]
    frame = np.maximum(frame, lines(scene, arms, int(rng.integers(1, 3))))
    return color.astype(np.float32), np.maximum(opacity, frame).astype(np.float32)


def hand(rng: np.random.Generator, scene: Scene) -> Layer:
    """Fingers with round shading, often with a palm, in about the color of the face's skin."""
    size, side = scene.size, len(scene.image)
    tone = scene.skin * rng.uniform(0.65, 1.2) * rng.uniform(0.94, 1.06, 3)
    color = np.broadcast_to(tone, scene.image.shape).astype(np.float32).copy()
    opacity = np.zeros((side, side), np.float32)
    rows, columns = np.mgrid[:side, :side] + 0.5
    width = size * rng.uniform(0.09, 0.14)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    count = int(rng.integers(2, 5))
    targets = [scene.points[48:68].mean(0), scene.points[36:42].mean(0), scene.points[42:48].mean(0)]
    middle = (targets[rng.integers(3)] if rng.random() < 0.7 else scene.points[rng.integers(68)]) + (
        rng.normal(0, 0.1, 2) * size
    )
    for k in range(count):
        tip = middle + across * width * 1.03 * (k - (count - 1) / 2) + along * size * rng.uniform(0.05, 0.2)
        length = size * rng.uniform(0.5, 0.8)
        x, y = columns - tip[0], rows - tip[1]
        u = np.clip(-(x * along[0] + y * along[1]), 0, length)
        away = np.hypot(x + u * along[0], y + u * along[1]) / (width / 2)
        inside = np.clip((1 - away) * width / 2 + 0.5, 0, 1)
        shade = 0.62 + 0.38 * np.sqrt(np.clip(1 - away**2, 0, 1))
        nail = np.hypot(x + 0.35 * width * along[0], y + 0.35 * width * along[1]) < 0.28 * width
        shade = np.where(nail & (count != 2), shade * 1.12, shade)
        color = np.where((inside > 0)[..., None], tone * shade[..., None] * rng.uniform(0.93, 1.05), color)
        opacity = np.maximum(opacity, inside)
    if rng.random() < 0.6:
        turn = np.linspace(0, 2 * np.pi, 20)
        center = middle - along * size * rng.uniform(0.45, 0.6)
        palm = (
            center + np.outer(np.cos(turn), along) * size * 0.3 + np.outer(np.sin(turn), across) * width * count * 0.55
        )
        opacity = np.maximum(opacity, polygon(scene, palm))
    return np.clip(color * (1 + 0.12 * smooth_field(rng, side, 5)[..., None]), 0, 255).astype(np.float32), opacity


def unrecognizable(rng: np.random.Generator, scene: Scene) -> Layer:
    """The picture itself, blurred or in blocks, in a part of the face."""
    side, size = len(scene.image), scene.size
    picture = Image.fromarray(np.clip(scene.image, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        changed = picture.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.06, 0.2)))
    else:
        few = max(3, int(side / (size * rng.uniform(0.07, 0.2))))
        changed = picture.resize((few, few), Image.Resampling.BOX).resize((side, side), Image.Resampling.NEAREST)
    _, opacity = (panel, blob, border)[int(rng.integers(3))](rng, scene)
    return np.asarray(changed, np.float32), opacity


PAINTERS: dict[str, tuple[Painter, float]] = {
    "border": (border, 1.2),
    "panel": (panel, 0.8),
    "blob": (blob, 1.0),
    "mask": (mask, 1.8),
    "scarf": (scarf, 0.8),
    "sunglasses": (sunglasses, 1.0),
    "hand": (hand, 1.6),
    "unrecognizable": (unrecognizable, 1.0),
}
"""Covers by name, and how often each is drawn."""


def polygon(scene: Scene, corners: np.ndarray) -> np.ndarray:
    """Opacity (S, S) of a filled polygon."""
    side = len(scene.image)
    drawn = Image.new("L", (2 * side, 2 * side))
    ImageDraw.Draw(drawn).polygon([(float(x) * 2, float(y) * 2) for x, y in corners], fill=255)
    return np.asarray(drawn.reduce(2), np.float32) / 255


def lines(scene: Scene, segments: list[list[np.ndarray]], width: int) -> np.ndarray:
    """Opacity (S, S) of lines."""
    side = len(scene.image)
    drawn = Image.new("L", (2 * side, 2 * side))
    pen = ImageDraw.Draw(drawn)
    for segment in segments:
        pen.line([(float(x) * 2, float(y) * 2) for x, y in segment], fill=255, width=2 * width)
    return np.asarray(drawn.reduce(2), np.float32) / 255


def blurred(values: np.ndarray, radius: float) -> np.ndarray:
    """Blur an opacity (S, S)."""
    drawn = Image.fromarray((values * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(drawn, np.float32) / 255


def face_area(points: np.ndarray, side: int) -> np.ndarray:
    """Opacity (S, S) of the face: the jaw line, and the brows moved up by half their distance from the nose's bottom."""
    up = points[27] - points[33]
    brows = points[17:27] + 0.6 * up
    scene = Scene(np.zeros((side, side, 3), np.float32), points, np.zeros((1, 1, 3), np.float32))
    return polygon(scene, np.concatenate([points[JAW], brows[::-1]]))
