"""Contact sheet: the overlays of many results in one picture.

H rows, W columns.
"""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from headform import images
from headform.errors import HeadformError, InputError, UsageError
from headform.images.kind import describe, format_of
from headform.images.read import read_bytes
from headform.io import image_bytes
from headform.io.atomic import write_bytes
from headform.io.printable import printable

WIDTH = 800
"""Width of one overlay on the sheet, pixels."""
LABEL = 20
GAP = 6
_MOST = 400
"""Overlays per sheet: 4 columns of them are about 3,300 x 20,000 pixels."""
_MAX_PIXELS = 150_000_000
"""Limit of a sheet: 450 MB. 400 overlays as headform writes them take 65 megapixels."""
_MAX_JPEG_SIDE = 65_500
_ENDINGS = {"": image_bytes.png, ".png": image_bytes.png, ".jpg": image_bytes.jpeg, ".jpeg": image_bytes.jpeg}


def contact_sheet(folder: Path, out: Path, columns: int = 4) -> int:
    """Collect every `overlay.png` under a folder into one labeled picture.

    Args:
        folder: Folder that is searched recursively; a result is named by its own folder.
        out: PNG or JPEG file (by its suffix) to write; its folder must exist.
        columns: Number of overlays side by side.

    Returns:
        Number of overlays shown; at most 400, the first by name.

    Raises:
        InputError: `no_overlays` when there is none, `overlay_unreadable` when one is damaged or no PNG, `sheet_too_large`.
        UsageError: `format_unknown` for another suffix.
        ValueError: when `columns` is below 1.
        ResourceError: `write_failed`.
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    folder, out = Path(folder), Path(out)
    ending = _ending(out)
    found = sorted(path for path in folder.rglob("overlay.png") if not _hidden(path.relative_to(folder)))[:_MOST]
    if not found:
        raise InputError(
            "no_overlays", "the folder holds no overlay.png", str(folder),
            "reconstruct with png among --formats",
        )  # fmt: skip
    tiles = [_tile(path, folder) for path in found]
    columns = min(columns, len(tiles))
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    heights = [max(len(tile) for tile in row) + GAP for row in rows]
    height, width = sum(heights) + GAP, columns * (WIDTH + GAP) + GAP
    most = _MAX_JPEG_SIDE if ending in (".jpg", ".jpeg") else _MAX_PIXELS
    if height * width > _MAX_PIXELS or max(height, width) > most:
        what = f"the sheet would have {width}x{height} pixels"
        raise InputError("sheet_too_large", what, str(out), "choose another number of columns, or PNG")
    sheet = np.full((height, width, 3), 255, np.uint8)
    y = GAP
    for row, step in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            x = GAP + column * (WIDTH + GAP)
            sheet[y : y + len(tile), x : x + WIDTH] = tile
        y += step
    write_bytes(out, _ENDINGS[ending](sheet))
    return len(tiles)


def write_sheet(sheet: UInt8[np.ndarray, "H W 3"], out: Path) -> None:
    """Write a sheet as PNG or JPEG, by the suffix.

    Raises:
        UsageError: `format_unknown` for another suffix.
        InputError: `sheet_too_large` for a side that JPEG cannot have.
        ResourceError: `write_failed`.
    """
    ending = _ending(out)
    if ending in (".jpg", ".jpeg") and max(sheet.shape) > _MAX_JPEG_SIDE:
        what = f"the sheet has {sheet.shape[1]}x{sheet.shape[0]} pixels"
        raise InputError("sheet_too_large", what, str(out), "write PNG")
    write_bytes(out, _ENDINGS[ending](sheet))


def _ending(out: Path) -> str:
    ending = out.suffix.lower()
    if ending not in _ENDINGS:
        what = f"a contact sheet is written as PNG or JPEG, not as {ending}"
        raise UsageError("format_unknown", what, str(out), "end its name with .png or .jpg")
    return ending


def _tile(path: Path, folder: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Scale one overlay into a square of the sheet's width and put the name of its folder above it."""
    try:
        data = read_bytes(path)
        if format_of(data) != "PNG":
            raise InputError("image_format", f"the file is {describe(data)}, not a PNG")
        overlay = images.from_bytes(data, where=str(path)).rgb
    except HeadformError as error:
        what = f"cannot read the overlay: {error.message}"
        raise InputError("overlay_unreadable", what, str(path), "reconstruct the photo again") from error
    height, width = overlay.shape[:2]
    scale = WIDTH / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(overlay).resize(size, Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (WIDTH, LABEL + size[1]), (255, 255, 255))
    tile.paste(small, (0, LABEL))
    name = str(path.parent.relative_to(folder)) if path.parent != folder else folder.name
    ImageDraw.Draw(tile).text((2, 1), printable(name), fill=(20, 20, 20), font=ImageFont.load_default(14))
    return np.asarray(tile)


def _hidden(path: Path) -> bool:
    """Return True for what a run that was killed left half-written."""
    return any(part.startswith(".") for part in path.parts)
