"""Conversion of any decoded picture to 8-bit sRGB: profiles, CMYK, 16 bits, palettes and alpha.

H rows, W columns.
"""

import io
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image, ImageCms

BACKGROUND = (255, 255, 255)
"""Color behind transparent pixels: white."""

_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}


def to_srgb(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Convert to mode RGB in sRGB, composited on `BACKGROUND`.

    Order: depth to 8 bits, palette to colors, the embedded profile to sRGB, then alpha. Without a
    profile the values are taken as sRGB, and CMYK is converted by `255 - (ink + black)`.

    Args:
        picture: A loaded picture of any mode that JPEG, PNG or WebP give.
        note: Called with one clause for each ambiguity that was resolved or ignored.
    """
    profile = picture.info.get("icc_profile")
    picture, alpha = _split_alpha(_to_eight_bits(picture, note), note)
    if profile:
        picture = _apply_profile(picture, profile, note)
    if picture.mode == "CMYK":
        note("CMYK without a usable profile: converted by plain arithmetic")
    picture = picture.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        note("transparent pixels shown on white")
        ground = Image.new("RGB", picture.size, BACKGROUND)
        ground.paste(picture, mask=alpha)
        return ground
    return picture


def sixteen_to_eight(values: UInt16[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Scale 0..65535 to 0..255, to nearest: 65535 / 255 = 257 exactly."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_eight_bits(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    if picture.mode in _DEEP:
        values = np.asarray(picture)
        transparent = picture.info.get("transparency")
        deep = np.clip(values, 0, 65535).astype(np.uint16)
        note("16 bits scaled to 8")
        gray = Image.fromarray(sixteen_to_eight(deep))
        if isinstance(transparent, int):
            gray.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
        return gray
    return picture.convert("L") if picture.mode == "1" else picture


def _split_alpha(picture: Image.Image, note: Callable[[str], None]) -> tuple[Image.Image, Image.Image | None]:
    """Split a picture into colors in L, RGB or CMYK, and the alpha channel where there is one."""
    transparency = picture.info.get("transparency")
    if isinstance(transparency, tuple) and max(transparency) > 255:
        note("a 16-bit transparent color was ignored")
        transparency = None
    if picture.mode == "LA":
        return picture.getchannel("L"), picture.getchannel("A")
    if picture.mode in ("RGBA", "PA", "RGBa", "La") or transparency is not None:
        full = picture.convert("RGBA")
        return full.convert("RGB"), full.getchannel("A")
    if picture.mode in _SPACE_OF_MODE:
        return picture, None
    return picture.convert("RGB"), None


def _apply_profile(picture: Image.Image, profile: bytes, note: Callable[[str], None]) -> Image.Image:
    """Convert by the embedded profile to sRGB; unchanged when the profile cannot be used."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        wanted = _SPACE_OF_MODE[picture.mode]
        name = (source.profile.profile_description or "unnamed").strip()
        if space != wanted:
            note(f"color profile ignored: it is for {space}, the picture is {wanted}")
            return picture
        if space == "RGB" and name.lower().startswith("srgb"):
            return picture
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as damage:
        note(f"damaged color profile ignored: {damage}")
        return picture
    printable = "".join(c for c in name if c.isprintable())[:60]
    note(f"colors converted from {printable!r} to sRGB")
    return picture if converted is None else converted
