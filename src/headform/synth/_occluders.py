"""Objects between the camera and a face: hands, cups, scarves, loose hair; drawn over the finished picture.

S side of the picture. Pictures are sRGB, float32 in [0, 255].
"""

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw

from headform.geometry.landmarks68 import JAW
from headform.synth.randomization import GAMMA, AccessoryRandomization, HairRandomization


def cover_face(
    rng: np.random.Generator,
    picture: Float32[np.ndarray, "S S 3"],
    mask: Float32[np.ndarray, "S S"],
    points: Float[np.ndarray, "68 2"],
    skin: Float[np.ndarray, "3"],
    config: AccessoryRandomization,
) -> tuple[Float32[np.ndarray, "S S 3"], Float32[np.ndarray, "S S"]]:
    """Draw hands, cups, microphones and scarves: shaded blobs and bars before the face."""
    c = config
    side = picture.shape[0]
    layer = Image.new("RGBA", (side * 2, side * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    unit = float(np.ptp(points[:, 1])) * 2  # face height on the doubled layer
    jaw = points[JAW]
    for _ in range(int(rng.integers(*c.occluder_count))):
        hand = rng.random() < c.hand_rate
        if hand:
            rgb = np.clip(skin, 0, 1) ** (1 / GAMMA) * 255 * rng.uniform(*c.hand_brightness)
        else:
            rgb = rng.integers(0, 256, 3)
        at = jaw[int(rng.integers(len(jaw)))] * 2 + rng.normal(0, c.occluder_offset_sd * unit, 2)
        if hand:
            _draw_fingers(rng, draw, at, unit, rgb, c)
            continue
        tone = (*(int(v) for v in np.clip(rgb, 0, 255)), 255)
        if rng.random() < c.bar_rate:
            angle = rng.uniform(0, 2 * np.pi)
            end = at + np.array([np.cos(angle), np.sin(angle)]) * unit * rng.uniform(*c.bar_length)
            draw.line([tuple(at), tuple(end)], fill=tone, width=int(unit * rng.uniform(*c.bar_width)))
        else:
            turn = np.linspace(0, 2 * np.pi, 10)[:-1]
            radius = unit * rng.uniform(*c.blob_radius, (9, 1))
            corners = at + radius * np.column_stack([np.cos(turn), np.sin(turn)])
            draw.polygon([tuple(p) for p in corners], fill=tone)
    small = np.asarray(layer.resize((side, side), Image.Resampling.BOX), np.float32)
    cover = small[..., 3:] / 255.0
    axis = np.linspace(-0.3, 0.3, side, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    shade = 1 + axis[None, :, None] * np.float32(np.cos(angle)) + axis[:, None, None] * np.float32(np.sin(angle))
    rgb = np.where(cover > 0, small[..., :3] / np.maximum(cover, 1e-3), 0)
    rgb = np.clip(rgb, 0, 255) * shade
    return picture + (rgb - picture) * cover, mask * (1 - cover[..., 0])


def _draw_fingers(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    at: Float[np.ndarray, "2"],
    unit: float,
    rgb: Float[np.ndarray, "3"],
    config: AccessoryRandomization,
) -> None:
    """Draw fingers, as parallel rounded bars; `unit` is the height of the face."""
    angle, width = rng.uniform(0, 2 * np.pi), unit * rng.uniform(*config.finger_width)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    for k in range(int(rng.integers(*config.finger_count))):
        start = at + across * width * 1.05 * k
        end = start + along * unit * rng.uniform(*config.finger_length)
        tone = tuple(int(v) for v in np.clip(rgb * rng.uniform(*config.finger_brightness), 0, 255))
        draw.line([tuple(start), tuple(end)], fill=(*tone, 255), width=int(width))
        draw.ellipse((*(start - width / 2), *(start + width / 2)), fill=(*tone, 255))


def loose_strands(
    rng: np.random.Generator,
    picture: Float32[np.ndarray, "S S 3"],
    points: Float[np.ndarray, "68 2"],
    hair: Float[np.ndarray, "3"],
    config: HairRandomization,
) -> Float32[np.ndarray, "S S 3"]:
    """Draw loose strands of hair over the face."""
    side = picture.shape[0]
    layer = Image.new("L", (side * 2, side * 2), 0)
    draw = ImageDraw.Draw(layer)
    unit = float(np.ptp(points[:, 1])) * 2
    x0, y0 = points[:, 0].mean() * 2, points[:, 1].min() * 2
    for _ in range(int(rng.integers(*config.loose_count))):
        x = x0 + rng.normal(0, 0.3 * unit)
        path = [(x, y0 - 0.5 * unit), (x + rng.normal(0, 0.1 * unit), y0)]
        path.append((x + rng.normal(0, 0.25 * unit), y0 + rng.uniform(0.05, 0.6) * unit))
        draw.line(path, fill=int(rng.uniform(*config.loose_opacity)), width=int(rng.integers(*config.loose_width)))
    cover = np.asarray(layer.resize((side, side), Image.Resampling.BOX), np.float32)[..., None] / 255.0
    rgb = (np.clip(hair, 0, 1) ** (1 / GAMMA) * 255).astype(np.float32)
    return picture + (rgb - picture) * cover
