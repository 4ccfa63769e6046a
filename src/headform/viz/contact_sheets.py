"""Contact sheet: the overlays of many results in one picture.

H rows, W columns.
"""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.errors import InputError
from headform.io import image_bytes
from headform.io.atomic import write_bytes
from headform.io.printable import printable

WIDTH = 800
"""Width of one overlay on the sheet, pixels."""
LABEL = 20
GAP = 6
_MOST = 400
"""Overlays per sheet: 4 columns of them are about 3,300 x 20,000 pixels."""


def contact_sheet(folder: Path, out: Path, columns: int = 4) -> int:
    """Collect every `overlay.png` under a folder into one labeled picture.

    Args:
        folder: Folder that is searched recursively; a result is named by its own folder.
        out: PNG or JPEG file (by its suffix) to write; its folder must exist.
        columns: Number of overlays side by side.

    Returns:
        Number of overlays shown; at most 400, the first by name.

    Raises:
        InputError: `no_overlays` when there is none, `overlay_unreadable` when one is damaged.
        ValueError: when `columns` is below 1.
        ResourceError: `write_failed`.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    folder = Path(folder)
    found = sorted(path for path in folder.rglob("overlay.png") if not _hidden(path.relative_to(folder)))[:_MOST]
    if not found:
        raise InputError(
            "no_overlays", "the folder holds no overlay.png", str(folder),
            "reconstruct with png among --formats",
        )  # fmt: skip
    tiles = [_tile(path, folder) for path in found]
    height = max(len(tile) for tile in tiles)
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (WIDTH + GAP) + GAP, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        y = GAP + (index // columns) * (height + GAP)
        x = GAP + (index % columns) * (WIDTH + GAP)
        sheet[y : y + len(tile), x : x + WIDTH] = tile
    is_jpeg = Path(out).suffix.lower() in (".jpg", ".jpeg")
    write_bytes(Path(out), image_bytes.jpeg(sheet) if is_jpeg else image_bytes.png(sheet))
    return len(tiles)


def _tile(path: Path, folder: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Scale one overlay to the sheet's width and put the name of its folder above it."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            size = (WIDTH, max(1, round(height * WIDTH / width)))
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    except (OSError, ValueError) as error:
        what = f"cannot read the overlay: {error}"
        raise InputError("overlay_unreadable", what, str(path)) from error
    label = Image.new("RGB", (WIDTH, LABEL), (255, 255, 255))
    name = str(path.parent.relative_to(folder)) if path.parent != folder else folder.name
    pen = ImageDraw.Draw(label)
    pen.text((2, 1), printable(name), fill=(20, 20, 20), font=ImageFont.load_default(14))
    return np.concatenate([np.asarray(label), np.asarray(small)], axis=0)


def _hidden(path: Path) -> bool:
    """Return True for what a run that was killed left half-written."""
    return any(part.startswith(".") for part in path.parts)
