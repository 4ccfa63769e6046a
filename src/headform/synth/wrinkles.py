"""Wrinkles: folds of age, and those that an expression makes, drawn into a person's skin map.

G groups, E expressions, N texels, T side of a map. The maps say how much darker or brighter skin in a fold is; see
`headform.synth.appearance`.
"""

import typing

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from headform.kernels.jit import njit
from headform.synth.appearance import load_appearance
from headform.synth.randomization import WrinkleRandomization

_PLAIN, _FULL = 128, 127.0
"""Value of skin without wrinkles, and difference of the deepest from it."""
_SRGB = 1 / 2.2  # a factor of linear light as one of sRGB values
_DARKEST, _BRIGHTEST = 0.15, 4.15  # least share of the light that is left in a fold, and most
_STEPS = 4001  # of the table of factors


class Wrinkles:
    """Painter of wrinkles on the open head's atlas.

    Args:
        expression_names: Names of the head's expressions, in their order.
    """

    def __init__(self, expression_names: tuple[str, ...]) -> None:
        groups = load_appearance().wrinkles.values()
        maps = np.stack([g.map for g in groups]).reshape(len(groups), -1)
        self._texels: Int[np.ndarray, " N"] = np.flatnonzero((maps != _PLAIN).any(0))
        shade = (maps[:, self._texels].astype(np.float32) - _PLAIN) / np.float32(_FULL)
        self._shade = np.ascontiguousarray(shade.T, np.float32)
        self._factor = (np.linspace(_DARKEST, _BRIGHTEST, _STEPS) ** _SRGB).astype(np.float32)
        self._drivers = [
            np.array([k for k, name in enumerate(expression_names) if name.startswith(tuple(g.drivers))], np.int64)
            if g.drivers
            else np.zeros(0, np.int64)
            for g in groups
        ]

    def sample(
        self, rng: np.random.Generator, expression: Float[np.ndarray, " E"], config: WrinkleRandomization
    ) -> Float32[np.ndarray, " G"]:
        """Draw the depth of each group of one person, 0 to about 1.

        Args:
            rng: Source of chance.
            expression: Weights of the head's expressions.
            config: Ranges.
        """
        age = rng.uniform() ** config.age_power
        lasting = age * rng.uniform(*config.lasting, len(self._drivers))
        folding = rng.uniform(*config.folding) * (config.youth + (1 - config.youth) * age)
        folded = np.array([expression[own].max(initial=0.0) for own in self._drivers])
        return (lasting + folding * folded).astype(np.float32)

    def draw(
        self,
        skin: UInt8[np.ndarray, "T T 3"],
        depth: Float32[np.ndarray, " G"],
        out: UInt8[np.ndarray, "T T 3"] | None = None,
    ) -> UInt8[np.ndarray, "T T 3"]:
        """Return a copy of a skin map (sRGB) with wrinkles of these depths, in `out` if that is given."""
        out = np.empty_like(skin) if out is None else out
        np.copyto(out, skin)
        _fold(out.reshape(-1, 3), self._texels, self._shade, depth, self._factor)
        return out


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def _fold(skin, texels, shade, depth, factor):
    """Darken and brighten texels of a map (T * T, 3) in place.

    texels (N,); shade (N, G) of each group of wrinkles; depth (G,); factor (M,) of sRGB values, over even steps of light.
    """
    one, low, last = np.float32(1), np.float32(_DARKEST), np.float32(factor.shape[0] - 1.001)
    steps = np.float32((_STEPS - 1) / (_BRIGHTEST - _DARKEST))
    for n in range(texels.shape[0]):
        light = one
        for g in range(depth.shape[0]):
            light += depth[g] * shade[n, g]
        at = min(max((light - low) * steps, np.float32(0)), last)
        whole = np.int32(at)
        own = factor[whole] + (at - np.float32(whole)) * (factor[whole + 1] - factor[whole])
        t = texels[n]
        for c in range(3):
            # the table errs by less than a thousandth, which must not cut a whole level
            skin[t, c] = np.uint8(min(np.float32(skin[t, c]) * own + np.float32(0.001), np.float32(255)))
