"""The scheme of the 68 iBUG points: which is which, and which lies opposite.

Sagonas et al. 2013, "300 Faces in-the-Wild Challenge". "Right" and "left" are the subject's.
"""

import numpy as np

JAW = slice(0, 17)
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
INNER_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
"""Points of the upper and the lower inner lip that lie above each other."""

MIRROR68 = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31), *range(35, 30, -1),  # nose
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,  # eyes
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,  # outer lips
        64, 63, 62, 61, 60, 67, 66, 65,  # inner lips
    ]
)  # fmt: skip
"""The point on the other side of each of iBUG's 68 points."""
