"""What comes between the camera and a face: hands, cups, scarves, loose hair; drawn over the finished picture.

S side of the picture. Pictures are sRGB, float32 in [0, 255].
"""

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw


def cover_face(
    rng: np.random.Generator,
    picture: Float32[np.ndarray, "S S 3"],
    mask: Float32[np.ndarray, "S S"],
    points: Float[np.ndarray, "68 2"],
    skin: Float[np.ndarray, "3"],
) -> tuple[Float32[np.ndarray, "S S 3"], Float32[np.ndarray, "S S"]]:
    """Hands, cups, microphones, scarves: shaded blobs and bars before the face."""
    side = picture.shape[0]
    layer = Image.new("RGBA", (side * 2, side * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    unit = float(np.ptp(points[:, 1])) * 2  # face height on the doubled layer
    for _ in range(int(rng.integers(1, 4))):
        hand = rng.random() < 0.45
        rgb = np.clip(skin, 0, 1) ** (1 / 2.2) * 255 * rng.uniform(0.6, 1.2) if hand else rng.integers(0, 256, 3)
        at = points[int(rng.integers(17))] * 2 + rng.normal(0, 0.12 * unit, 2)
        if hand:  # fingers: parallel rounded bars
            angle, width = rng.uniform(0, 2 * np.pi), unit * rng.uniform(0.07, 0.11)
            along = np.array([np.cos(angle), np.sin(angle)])
            across = np.array([-along[1], along[0]])
            for k in range(int(rng.integers(1, 5))):
                start = at + across * width * 1.05 * k
                end = start + along * unit * rng.uniform(0.4, 0.8)
                tone = tuple(int(v) for v in np.clip(rgb * rng.uniform(0.85, 1.1), 0, 255))
                draw.line([tuple(start), tuple(end)], fill=(*tone, 255), width=int(width))
                draw.ellipse((*(start - width / 2), *(start + width / 2)), fill=(*tone, 255))
            continue
        tone = (*(int(v) for v in np.clip(rgb, 0, 255)), 255)
        if rng.random() < 0.5:
            angle = rng.uniform(0, 2 * np.pi)
            end = at + np.array([np.cos(angle), np.sin(angle)]) * unit * rng.uniform(0.2, 1.2)
            draw.line([tuple(at), tuple(end)], fill=tone, width=int(unit * rng.uniform(0.04, 0.2)))
        else:
            turn = np.linspace(0, 2 * np.pi, 10)[:-1]
            radius = unit * rng.uniform(0.06, 0.28, (9, 1))
            draw.polygon(
                [tuple(p) for p in at + radius * np.column_stack([np.cos(turn), np.sin(turn)])],
                fill=tone,
            )
    small = np.asarray(layer.resize((side, side), Image.Resampling.BOX), np.float32)
    cover = small[..., 3:] / 255.0
    axis = np.linspace(-0.3, 0.3, side, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    shade = 1 + axis[None, :, None] * np.float32(np.cos(angle)) + axis[:, None, None] * np.float32(np.sin(angle))
    rgb = np.where(cover > 0, small[..., :3] / np.maximum(cover, 1e-3), 0)
    rgb = np.clip(rgb, 0, 255) * shade
    return picture + (rgb - picture) * cover, mask * (1 - cover[..., 0])


def loose_strands(
    rng: np.random.Generator,
    picture: Float32[np.ndarray, "S S 3"],
    points: Float[np.ndarray, "68 2"],
    hair: Float[np.ndarray, "3"],
) -> Float32[np.ndarray, "S S 3"]:
    """Loose strands of hair over the face."""
    side = picture.shape[0]
    layer = Image.new("L", (side * 2, side * 2), 0)
    draw = ImageDraw.Draw(layer)
    unit = float(np.ptp(points[:, 1])) * 2
    x0, y0 = points[:, 0].mean() * 2, points[:, 1].min() * 2
    for _ in range(int(rng.integers(3, 22))):
        x = x0 + rng.normal(0, 0.3 * unit)
        path = [(x, y0 - 0.5 * unit), (x + rng.normal(0, 0.1 * unit), y0)]
        path.append((x + rng.normal(0, 0.25 * unit), y0 + rng.uniform(0.05, 0.6) * unit))
        draw.line(path, fill=int(rng.uniform(120, 255)), width=int(rng.integers(1, 4)))
    cover = np.asarray(layer.resize((side, side), Image.Resampling.BOX), np.float32)[..., None] / 255.0
    rgb = (np.clip(hair, 0, 1) ** (1 / 2.2) * 255).astype(np.float32)
    return picture + (rgb - picture) * cover
