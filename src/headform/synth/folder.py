"""Write synthetic faces to a folder: pictures, labels, contact sheet.

B pictures, N dense points.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from headform.io import image_bytes
from headform.io.atomic import write_bytes
from headform.io.folder_lock import FolderLock
from headform.io.folder_swap import clear_stages, publish, stage
from headform.io.json_file import read_json
from headform.synth.generator import Generator, SyntheticBatch, View
from headform.synth.randomization import FULL, RandomizationConfig

_BATCH = 16
_LABELS, _SHEET = "labels.json", "sheet.png"
_MAX_LABELS = 1 << 20
"""Largest labels.json that is looked into, bytes."""
_MOST = 10_000_000
"""Pictures that a labels.json is believed to count."""


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

    The same seed, size and version give the same bytes. The files take their places when all are written; pictures of an
    earlier set, as its labels.json counts them, are removed then, other files are left alone. While they do, labels.json
    says ``"unfinished": true``. Returns the path of the contact sheet.

    Raises:
        ResourceError: `write_failed`, and the folder is as it was; `folder_in_use`.
    """
    from headform.heads import load_open

    with FolderLock(out):
        clear_stages(out)
        before = _count(out / _LABELS)
        with stage(out) as staged:
            generator = Generator(load_open(), size=size, view=view, randomization=randomization)
            parts: list[SyntheticBatch] = []
            for first in range(0, count, _BATCH):
                rng = np.random.default_rng((seed, first))
                batch = generator.batch(rng, min(_BATCH, count - first))
                parts.append(batch)
                for k, image in enumerate(batch.images):
                    write_bytes(staged / _picture(first + k), image_bytes.png(image))
            labels = {
                name: np.concatenate([getattr(p, name) for p in parts])
                for name in ("points", "visible", "identity", "expression", "gaze", "rotation", "distance")
            }
            packed = io.BytesIO()
            np.savez_compressed(packed, **labels)  # type: ignore[arg-type]
            write_bytes(staged / "labels.npz", packed.getvalue())
            write_bytes(staged / _SHEET, image_bytes.png(np.asarray(contact_sheet(parts))))
            description = {
                "count": count,
                "size": size,
                "seed": seed,
                "view": view,
                "head": generator.head.sha256,
                "expression_names": list(generator.head.expression_names),
                "points": "dense points in pixels, origin at the top-left corner; the first 68 are the landmarks",
            }
            write_bytes(staged / _LABELS, _json(description))
            write_bytes(out / _LABELS, _json({"count": max(before, count), "unfinished": True}))
            publish(staged, out, stale=map(_picture, range(count, before)), last=_LABELS)
    return out / _SHEET


def _picture(number: int) -> str:
    return f"{number:06d}.png"


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()


def _count(labels: Path) -> int:
    """Return the number of pictures that an earlier set left; 0 where there is none, or another program's."""
    try:
        count = read_json(labels, _MAX_LABELS)["count"]
    except (OSError, ValueError, LookupError, TypeError):
        return 0
    return min(count, _MOST) if isinstance(count, int) and not isinstance(count, bool) else 0


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
