"""Degradations of photos: lens, sensor, development, age, copies, compression.

S side in pixels. Pictures are sRGB, float32 in [0, 255], unless they are called light (linear).
"""

import io
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from headform.synth import _photo_kernels as kernels
from headform.synth._aged_photos import age, cast_color, desaturate, monochrome
from headform.synth._photo_copies import print_halftone, show_on_screen
from headform.synth.randomization import DegradationRandomization, Range

Picture = Float[np.ndarray, "S S 3"]

_REFERENCE = 256.0  # pixels of the picture in which the configuration gives lengths
_STEPS = 4095  # steps of the tone curve
_NORMAL_NUMBERS = 1 << 18  # 1 MB, which a cache holds
_LEAST_SIDE = 24  # pixels to which a picture is scaled down at least
_BLOTCH_PIXELS = 12  # from knot to knot of the coarse noise


def degrade_photo(
    rng: np.random.Generator, image: Float[np.ndarray, "S S 3"], config: DegradationRandomization
) -> UInt8[np.ndarray, "S S 3"]:
    """Degrade a picture; strength 0 leaves it as it is."""
    return _Photo(rng, config, len(image)).degrade(image)


class _Photo:
    """One photo while it is degraded: its chance, its severity, its size."""

    def __init__(self, rng: np.random.Generator, config: DegradationRandomization, side: int) -> None:
        self._rng, self._config, self._side = rng, config, side
        self._severity = float(rng.random() ** config.severity_power)
        self._pixel = side / _REFERENCE

    def degrade(self, image: Picture) -> UInt8[np.ndarray, "S S 3"]:
        """Degrade the picture."""
        c, side = self._config, self._side
        if self._happens(c.aberration_rate):
            image = self._aberrate(image)
        if self._happens(c.small_rate):
            side = max(int(side * (1 - self._amount(c.small))), min(_LEAST_SIDE, side))
            image = self._resize(image, side, Image.Resampling.BOX, c.box_rate)
        image = self._expose(image)
        if self._happens(c.saturation_rate):
            image = desaturate(image, float(np.exp(self._signed(c.saturation))))
        if self._happens(c.sharpening_rate):
            image = self._sharpen(image)
        image = self._look_of_its_time(image)
        if self._happens(c.jpeg_rate) and side < self._side:
            image = self._compress(image).astype(np.float32)
        if side < self._side:
            image = self._resize(image, self._side, Image.Resampling.BICUBIC, c.bicubic_rate)
        if self._happens(c.print_rate):
            image = print_halftone(self._rng, image, c, self._pixel)
        if self._happens(c.screen_rate):
            image = show_on_screen(self._rng, image, c, self._pixel)
        result = _to_bytes(image)
        if self._happens(c.jpeg_rate):
            result = self._compress(result)
            if self._rng.random() < c.second_jpeg_rate:
                result = self._compress(result)
        return result

    def _happens(self, rate: float) -> bool:
        return bool(self._rng.random() < rate * self._config.strength)

    def _amount(self, bounds: Range) -> float:
        low, high = bounds
        return float(low + (high - low) * self._severity * self._rng.random())

    def _signed(self, bounds: Range) -> float:
        amount = self._amount(bounds)
        return amount if self._rng.random() < 0.5 else -amount

    def _aberrate(self, image: Picture) -> Picture:
        """Move red and blue apart, as a lens does off its axis."""
        angle, shift = self._rng.uniform(0, 2 * np.pi), self._amount(self._config.aberration) * self._pixel
        toward = np.array([np.cos(angle), np.sin(angle)]) * shift
        out = np.empty_like(image)
        kernels.shift_channels(image, np.stack([toward / 2, 0 * toward, -toward / 2]), out)
        return out

    def _resize(self, image: Picture, side: int, usual: Image.Resampling, rate: float) -> Float[np.ndarray, "T T 3"]:
        method = usual if self._rng.random() < rate else Image.Resampling.BILINEAR
        picture = Image.fromarray(_to_bytes(image))
        return np.asarray(picture.resize((side, side), method), np.float32)

    def _expose(self, image: Picture) -> Picture:
        """Take the picture again: light, lens, sensor, tone curve; skipped where none of them does anything."""
        c, rng = self._config, self._rng
        gain, falloff = np.ones(3), 0.0
        if self._happens(c.exposure_rate):
            gain *= 2.0 ** self._signed(c.exposure)
        if self._happens(c.white_balance_rate):
            warm = self._signed(c.white_balance)
            gain *= np.exp([warm / 2, self._signed(c.white_balance) / 3, -warm / 2])
        if self._happens(c.vignetting_rate):
            falloff = self._amount(c.vignetting)
        taps = self._lens_taps(len(image) / _REFERENCE)
        noisy, curved = self._happens(c.noise_rate), self._happens(c.curve_rate)
        if not (noisy or curved or taps or falloff or (gain != 1).any()):
            return image
        middle = rng.uniform(0, len(image), 2).astype(np.float32)
        light, out = np.empty_like(image), np.empty_like(image)
        kernels.to_light(image, _LIGHT, gain.astype(np.float32), middle, np.float32(falloff), light)
        for tap in taps:
            light = _spread(light, *tap)
        shot, read, common, channel, coarse = 0.0, 0.0, 0.0, np.zeros(3), np.zeros((2, 2, 3), np.float32)
        if noisy:
            shot, read = self._amount(c.shot_noise), self._amount(c.read_noise)
            of_channels = rng.uniform(*c.color_noise)
            blue = rng.uniform(*c.blue_noise)
            common, channel = float(np.sqrt(1 - of_channels**2)), of_channels * np.array([(1 + blue) / 2, 1.0, blue])
            knots = len(image) // _BLOTCH_PIXELS + 2
            coarse = rng.standard_normal((knots, knots, 3), np.float32) * np.float32(self._amount(c.blotches))
        slope, exponent = (np.exp(self._signed(c.contrast)), np.exp(self._signed(c.mid_tone))) if curved else (1.0, 1.0)
        normal = _normal_numbers()
        starts = rng.integers(0, len(normal) - 4 * len(image), len(image))
        kernels.expose(
            light, normal, starts, np.float32(shot), np.float32(read), np.float32(common),
            channel.astype(np.float32), coarse, _curve(slope, exponent), out,
        )  # fmt: skip
        if noisy and self._happens(c.smear_rate):
            tolerance = np.float32(self._amount(c.smear))
            for step in (1, 2):
                kernels.smear(out, step, tolerance, light)
                light, out = out, light
        return out

    def _lens_taps(self, pixel: float) -> list["_Taps"]:
        c, taps = self._config, []
        if self._happens(c.defocus_rate):
            taps.append(_disk(self._amount(c.defocus) * pixel))
        if self._happens(c.motion_rate):
            taps.append(_line(self._amount(c.motion) * pixel, self._rng.uniform(0, np.pi)))
        return [t for t in taps if len(t[2]) > 1]

    def _sharpen(self, image: Picture) -> Picture:
        c = self._config
        blurred = _spread(image, *_disk(self._rng.uniform(*c.halo) * len(image) / _REFERENCE))
        return image + np.float32(self._amount(c.sharpening)) * (image - blurred)

    def _look_of_its_time(self, image: Picture) -> Picture:
        c, rng = self._config, self._rng
        old = self._happens(c.old_rate)
        if rng.random() < c.old_monochrome_rate if old else self._happens(c.monochrome_rate):
            image = monochrome(rng, image, c)
        if old:
            return age(rng, image, c, self._pixel)
        if self._happens(c.cast_rate):
            image = cast_color(rng, image, c)
        return image

    def _compress(self, image: Float[np.ndarray, "S S 3"] | UInt8[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "S S 3"]:
        low, high = self._config.jpeg_quality
        quality = high - 1 - int((high - low) * self._severity * self._rng.random())
        buffer = io.BytesIO()
        Image.fromarray(image if image.dtype == np.uint8 else _to_bytes(image)).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))


def _to_bytes(image: Picture) -> UInt8[np.ndarray, "S S 3"]:
    out = np.empty(image.shape, np.uint8)
    kernels.to_bytes(np.ascontiguousarray(image).reshape(-1), out.reshape(-1))
    return out


_Taps = tuple[np.ndarray, np.ndarray, np.ndarray]


def _spread(image: Picture, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> Picture:
    out = np.empty_like(image)
    kernels.spread(image.reshape(len(image), -1), rows, columns, weights, out.reshape(len(image), -1))
    return out


def _disk(radius: float) -> _Taps:
    """Return rows, columns and weights of a disk with a soft edge of one pixel."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _taps(y, x, np.clip(radius + 0.5 - np.hypot(x, y), 0, 1))


def _line(length: float, angle: float) -> _Taps:
    """Return rows, columns and weights of a line through the middle with soft sides."""
    reach = int(np.ceil(length / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return _taps(y, x, np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(beside), 0, 1))


def _taps(y: np.ndarray, x: np.ndarray, weight: np.ndarray) -> _Taps:
    kept = weight > 0
    return y[kept], x[kept], (weight[kept] / weight.sum()).astype(np.float32)


@cache
def _normal_numbers() -> Float[np.ndarray, " N"]:
    """Return the standard normal numbers of which every row of every picture takes a stretch, from a place of its own."""
    return np.random.default_rng(0).standard_normal(_NORMAL_NUMBERS, np.float32)


def _srgb_to_light(value: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


_LIGHT = _srgb_to_light(np.arange(16 * 255 + 2) / (16 * 255)).astype(np.float32)
_ROOT = np.linspace(0, 1, _STEPS + 1) ** 2
_SRGB = np.where(_ROOT <= 0.0031308, 12.92 * _ROOT, 1.055 * np.maximum(_ROOT, 1e-9) ** (1 / 2.4) - 0.055)


def _curve(slope: float, exponent: float) -> Float[np.ndarray, " N"]:
    """Return the tone curve over the root of the light, 0..255: sRGB, an exponent, and an S of a slope at the middle."""
    value = np.asarray(_SRGB**exponent)
    turned = 2 * value - 1
    # between both ends an odd cubic of the slope at the middle, monotone up to a slope of 1.5
    return (255 * (0.5 + 0.5 * turned * (slope + (1 - slope) * turned**2))).astype(np.float32)
