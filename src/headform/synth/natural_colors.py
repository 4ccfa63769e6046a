"""Colors of skin, lips, irises and hair as frequent as in open portraits, by groups without anyone's own values.

Linear RGB. Pigments are absorbances in the model of `headform.synth.skin`. Made by `tools/appearance/portrait_colors`.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from headform.io.json_file import parse_json


@dataclass(frozen=True, eq=False)
class ColorGroups:
    """G groups of similar colors.

    Attributes:
        log_rgb: Mean logarithm.
        log_sd: Standard deviation of the logarithm; the channels vary together.
        share: Part of the people.
        melanin: Mean and standard deviation of the melanin of their skin.
    """

    log_rgb: Float[np.ndarray, "G 3"]
    log_sd: Float[np.ndarray, "G 3"]
    share: Float[np.ndarray, " G"]
    melanin: Float[np.ndarray, "G 2"]

    def draw(self, rng: np.random.Generator, melanin: float) -> Float[np.ndarray, "3"]:
        """Draw a color that goes with a skin of this melanin."""
        mean, deviation = self.melanin.T
        likely = np.log(self.share / deviation) - ((melanin - mean) / deviation) ** 2 / 2
        weight = np.exp(likely - likely.max())
        row = int(rng.choice(len(weight), p=weight / weight.sum()))
        return np.asarray(np.exp(self.log_rgb[row] + self.log_sd[row] * rng.standard_normal()))


@dataclass(frozen=True, eq=False)
class NaturalColors:
    """Statistics of a population.

    Attributes:
        melanin_quantiles: Quantiles at even steps from 0 to 1.
        haemoglobin: Mean and standard deviation.
        haemoglobin_per_melanin: Slope.
        lips_log: Logarithm of the lips' color over the skin's at melanin 0.
        lips_log_per_melanin: Its slope.
        lips_covariance: Its covariance about that line.
        iris: Irises, without the shade of the lids.
        hair: Hair, its gloss included.
    """

    melanin_quantiles: Float[np.ndarray, " Q"]
    haemoglobin: Float[np.ndarray, "2"]
    haemoglobin_per_melanin: float
    lips_log: Float[np.ndarray, "3"]
    lips_log_per_melanin: Float[np.ndarray, "3"]
    lips_covariance: Float[np.ndarray, "3 3"]
    iris: ColorGroups
    hair: ColorGroups

    def draw_pigments(self, rng: np.random.Generator) -> tuple[float, float]:
        """Draw melanin and haemoglobin of a person as frequent as among the portraits, most of which are of light skin."""
        melanin = float(np.interp(rng.random(), np.linspace(0, 1, len(self.melanin_quantiles)), self.melanin_quantiles))
        return melanin, self.draw_haemoglobin(rng, melanin)

    def draw_haemoglobin(self, rng: np.random.Generator, melanin: float) -> float:
        """Draw haemoglobin that goes with a skin of this melanin."""
        mean, deviation = self.haemoglobin
        usual = mean + self.haemoglobin_per_melanin * (melanin - float(np.median(self.melanin_quantiles)))
        return float(max(rng.normal(usual, deviation), 0.05))

    def draw_lips(
        self, rng: np.random.Generator, skin: Float[np.ndarray, "3"], melanin: float
    ) -> Float[np.ndarray, "3"]:
        """Draw the color of the lips of a person with this skin, lipstick as frequent as in the portraits."""
        mean = self.lips_log + self.lips_log_per_melanin * melanin
        return np.clip(skin * np.exp(rng.multivariate_normal(mean, self.lips_covariance)), 0.005, 0.9)


@cache
def load_natural_colors() -> NaturalColors:
    """Read the statistics that ship."""
    data = parse_json((files("headform.synth") / "assets" / "natural_colors.json").read_bytes())
    return NaturalColors(
        melanin_quantiles=np.array(data["melanin_quantiles"]),
        haemoglobin=np.array(data["haemoglobin"]),
        haemoglobin_per_melanin=float(data["haemoglobin_per_melanin"]),
        lips_log=np.array(data["lips_log"]),
        lips_log_per_melanin=np.array(data["lips_log_per_melanin"]),
        lips_covariance=np.array(data["lips_covariance"]),
        iris=_groups(data["iris"]),
        hair=_groups(data["hair"]),
    )


def _groups(rows: list[dict[str, Any]]) -> ColorGroups:
    return ColorGroups(
        np.log([row["rgb"] for row in rows]),
        np.array([row["log_sd"] for row in rows]),
        np.array([row["share"] for row in rows]),
        np.array([row["melanin"] for row in rows]),
    )
