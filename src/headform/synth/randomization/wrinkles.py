"""Randomization of wrinkles."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range


@dataclass(frozen=True)
class WrinkleRandomization:
    """Depth of wrinkles: share of the light that is missing in the deepest."""

    age_power: float = 1.2  # age, 0 to 1, is a uniform number to this power
    lasting: Range = (0.0, 0.4)  # at age 1, of each group
    folding: Range = (0.1, 0.5)  # of the folds of a full expression, at age 1
    youth: float = 0.45  # share of that at age 0
