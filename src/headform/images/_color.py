"""Conversion of any decoded picture to 8-bit sRGB: profiles, CMYK, deep pixels, palettes and alpha.

H rows, W columns.
"""

import io
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from headform.images._depth import floats_to_eight, sixteen_to_eight

BACKGROUND = (255, 255, 255)
"""Color behind transparent pixels: white."""
INVISIBLE_ALPHA = 3
"""Greatest alpha (of 255) of a picture that shows nothing: its colors are used as if it were opaque. Files whose alpha was
never filled in hold 0 or 1 everywhere."""
SAME_LEVELS = 3
"""Greatest change, in levels of 255, that a profile may make to be taken for sRGB; versions of sRGB differ by up to 2."""

_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}


def to_srgb(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Convert to mode RGB in sRGB, composited on `BACKGROUND`.

    Order: depth to 8 bits, palette to colors, the embedded profile to sRGB, then alpha. Without a
    profile the values are taken as sRGB, and CMYK is converted by `255 - (ink + black)`.

    Args:
        picture: A loaded picture of any mode of Pillow.
        note: Called with one clause for each ambiguity that was resolved or ignored.

    Raises:
        ValueError: for a mode that Pillow cannot convert.
    """
    profile = picture.info.get("icc_profile")
    picture, alpha = _split_alpha(_to_eight_bits(picture, note), note)
    if profile:
        picture = _apply_profile(picture, profile, note)
    if picture.mode == "CMYK":
        note("CMYK without a usable profile: converted by plain arithmetic")
    if picture.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB") or picture
    picture = picture.convert("RGB")
    if alpha is not None:
        low, high = alpha.getextrema()
        if isinstance(high, int) and high <= INVISIBLE_ALPHA:
            note("transparent everywhere: the colors are used as if opaque")
        elif (low, high) != (255, 255):
            note("transparent pixels shown on white")
            ground = Image.new("RGB", picture.size, BACKGROUND)
            ground.paste(picture, mask=alpha)
            return ground
    return picture


def _to_eight_bits(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    if picture.mode in _DEEP:
        values = np.asarray(picture)
        transparent = picture.info.get("transparency")
        gray = Image.fromarray(sixteen_to_eight(values, note))
        if isinstance(transparent, int):
            gray.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
        return gray
    if picture.mode == "F":
        return Image.fromarray(floats_to_eight(np.asarray(picture), note))
    return picture.convert("L") if picture.mode == "1" else picture


def _split_alpha(picture: Image.Image, note: Callable[[str], None]) -> tuple[Image.Image, Image.Image | None]:
    """Split a picture into colors in L, RGB, CMYK or LAB, and the alpha channel where there is one."""
    transparency = picture.info.get("transparency")
    if isinstance(transparency, tuple) and max(transparency) > 255:
        note("a 16-bit transparent color was ignored")
        transparency = None
    if picture.mode == "LA":
        return picture.getchannel("L"), picture.getchannel("A")
    if picture.mode == "RGBA":
        return picture.convert("RGB"), picture.getchannel("A")
    if picture.mode == "La":
        return _split_alpha(picture.convert("LA"), note)
    if picture.mode in ("PA", "RGBa") or transparency is not None:
        full = picture.convert("RGBA")
        return full.convert("RGB"), full.getchannel("A")
    if picture.mode in _SPACE_OF_MODE:
        return picture, None
    return picture.convert("RGB"), None


def _apply_profile(picture: Image.Image, profile: bytes, note: Callable[[str], None]) -> Image.Image:
    """Convert by the embedded profile to sRGB; unchanged when the profile cannot be used, or does what sRGB does."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        wanted = _SPACE_OF_MODE[picture.mode]
        if space != wanted:
            note(f"color profile ignored: it is for {space}, the picture is {wanted}")
            return picture
        if _is_srgb(source, picture.mode):
            return picture
        name = (source.profile.profile_description or "unnamed").strip()
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as damage:
        note(f"damaged color profile ignored: {damage}")
        return picture
    printable = "".join(c for c in name if c.isprintable())[:60]
    note(f"colors converted from {printable!r} to sRGB")
    return picture if converted is None else converted


def _is_srgb(profile: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Return whether a profile leaves colors as they are, whatever its description says."""
    if mode not in ("RGB", "L"):
        return False
    probe = Image.fromarray(_probe()) if mode == "RGB" else Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    shown = ImageCms.profileToProfile(probe, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if shown is None:
        return False
    change = np.asarray(shown).astype(int) - np.asarray(probe.convert("RGB"))
    return bool(np.abs(change).max() <= SAME_LEVELS)


def _probe() -> UInt8[np.ndarray, "1 N 3"]:
    """Colors on a grid of 6 levels a channel, and all grays."""
    levels = np.arange(0, 256, 51, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return np.concatenate([grid, grays])[None]
