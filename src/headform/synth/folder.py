"""Write synthetic faces to a folder: pictures, labels, contact sheet.

B pictures, N dense points.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from headform.synth.generator import Generator, SyntheticBatch, View
from headform.synth.randomization import FULL, RandomizationConfig

_BATCH = 16


def write_folder(
    out: Path,
    count: int,
    *,
    size: int = 224,
    seed: int = 0,
    view: View = "loose",
    randomization: RandomizationConfig = FULL,
) -> Path:
    """Write `count` pictures as 000000.png ..., labels.npz, labels.json and sheet.png.

    The same seed, size and version give the same bytes. Returns the path of the contact sheet.
    """
    out.mkdir(parents=True, exist_ok=True)
    from headform.heads import load_open

    generator = Generator(load_open(), size=size, view=view, randomization=randomization)
    parts: list[SyntheticBatch] = []
    for first in range(0, count, _BATCH):
        rng = np.random.default_rng((seed, first))
        batch = generator.batch(rng, min(_BATCH, count - first))
        parts.append(batch)
        for k, image in enumerate(batch.images):
            Image.fromarray(image).save(out / f"{first + k:06d}.png")
    labels = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("points", "visible", "identity", "expression", "gaze", "rotation", "distance")
    }
    np.savez_compressed(out / "labels.npz", **labels)  # type: ignore[arg-type]
    description = {
        "count": count,
        "size": size,
        "seed": seed,
        "view": view,
        "head": generator.head.sha256,
        "expression_names": list(generator.head.expression_names),
        "points": "dense points in pixels, origin at the top-left corner; the first 68 are the landmarks",
    }
    (out / "labels.json").write_text(json.dumps(description, indent=1) + "\n")
    sheet = out / "sheet.png"
    contact_sheet(parts).save(sheet)
    return sheet


def contact_sheet(parts: list[SyntheticBatch], *, most: int = 48, columns: int = 8) -> Image.Image:
    """Tile up to `most` pictures; every second row shows its labels."""
    images = np.concatenate([p.images for p in parts])[:most]
    points = np.concatenate([p.points for p in parts])[:most]
    side = images.shape[1]
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side))
    draw = ImageDraw.Draw(sheet)
    for k, (image, marks) in enumerate(zip(images, points, strict=True)):
        x, y = (k % columns) * side, (k // columns) * side
        sheet.paste(Image.fromarray(image), (x, y))
        if (k // columns) % 2:
            for n, (px, py) in enumerate(marks):
                tone = (60, 255, 60) if n < 68 else (60, 200, 255)
                draw.point((x + float(px), y + float(py)), fill=tone)
    return sheet
