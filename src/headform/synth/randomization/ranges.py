"""Types of the ranges from which synthetic faces are drawn, and constants of their colors."""

Range = tuple[float, float]
IntRange = tuple[int, int]
"""Lowest value and one more than the highest."""

GAMMA = 2.2  # exponent of the generator's approximate sRGB curve
