"""Wrinkles: folds of age, and those that an expression makes, drawn into a person's skin map.

G groups, E expressions, N texels, T side of a map. The maps say how much darker or brighter skin in a fold is; see
`headform.synth.appearance`.
"""

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from headform.synth.appearance import load_appearance
from headform.synth.randomization import WrinkleRandomization

_PLAIN, _FULL = 128, 127.0
"""Value of skin without wrinkles, and difference of the deepest from it."""
_SRGB = 1 / 2.2  # a factor of linear light as one of sRGB values
_DARKEST = 0.15  # least share of the light that is left in a fold


class Wrinkles:
    """Painter of wrinkles on the open head's atlas.

    Args:
        expression_names: Names of the head's expressions, in their order.
    """

    def __init__(self, expression_names: tuple[str, ...]) -> None:
        groups = load_appearance().wrinkles.values()
        maps = np.stack([g.map for g in groups]).reshape(len(groups), -1)
        self._texels: Int[np.ndarray, " N"] = np.flatnonzero((maps != _PLAIN).any(0))
        self._shade = ((maps[:, self._texels].astype(np.float32) - _PLAIN) / np.float32(_FULL)).astype(np.float32)
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

    def draw(self, skin: UInt8[np.ndarray, "T T 3"], depth: Float32[np.ndarray, " G"]) -> UInt8[np.ndarray, "T T 3"]:
        """Return a copy of a skin map (sRGB) with wrinkles of these depths."""
        factor = np.maximum(1 + depth @ self._shade, _DARKEST) ** np.float32(_SRGB)
        out = skin.copy()
        flat = out.reshape(-1, 3)
        flat[self._texels] = np.minimum(flat[self._texels] * factor[:, None], 255)
        return out
