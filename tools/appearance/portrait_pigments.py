"""Melanin and haemoglobin of people, from colors whose brightness and white are those of a photograph.

P people. Colors are logarithms of linear RGB.

A photograph shows log skin = log base - melanin M - haemoglobin H + exposure (`headform.synth.skin`), in a white that is
the photographer's. The sets are brought to a common white by their median hue; the rest is solved with priors.
"""

import numpy as np
from jaxtyping import Float

from headform.synth.skin import BASE, HAEMOGLOBIN, MELANIN

REFERENCE = "london"
"""Set of one studio with even, neutral light: its white is believed."""
WHITE_SD = {"london": 0.04, "canada": 0.05, "congress": 0.10}
"""Standard deviation of a photograph's white about its set's, log, per channel."""
LIMITS = ((0.15, 0.1), (2.0, 0.6))
"""Least and greatest melanin and haemoglobin that are believed: beyond, it was the photograph's tint."""
PRIOR = ((0.55, 0.6), (0.30, 0.12))
"""Mean and standard deviation of melanin and of haemoglobin."""
EXPOSURE_SD = {"london": 0.1, "canada": 0.12, "congress": 0.3}
"""Standard deviation of the exposure about its set's: the first two were taken in one studio each."""


def pigments(tone: Float[np.ndarray, "P 3"], source: np.ndarray) -> Float[np.ndarray, "P 2"]:
    """Estimate melanin and haemoglobin of each person.

    Args:
        tone: (P, 3) logarithm of the skin's color in a photograph.
        source: (P,) name of the set of each.
    """
    matrix = np.column_stack([-MELANIN, -HAEMOGLOBIN, np.ones(3)])
    reference = np.median(_hue(tone[source == REFERENCE]), axis=0)
    found = np.empty((len(tone), 2))
    for name in np.unique(source):
        rows = source == name
        mean, deviation = np.array((*PRIOR, (0.0, EXPOSURE_SD[str(name)]))).T
        precision = matrix.T @ matrix / WHITE_SD[str(name)] ** 2 + np.diag(deviation**-2.0)
        white = tone[rows] - (np.median(_hue(tone[rows]), axis=0) - reference)
        usual = np.log(BASE) + matrix[:, :2] @ mean[:2]
        white = white - np.median(white.mean(1)) + usual.mean()  # the set's exposure
        right = (white - np.log(BASE)) @ matrix / WHITE_SD[str(name)] ** 2 + mean / deviation**2
        found[rows] = np.linalg.solve(precision, right.T).T[:, :2]
    return np.clip(found, *LIMITS)


def _hue(tone: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, "P 3"]:
    return np.asarray(tone - tone.mean(axis=1, keepdims=True))
