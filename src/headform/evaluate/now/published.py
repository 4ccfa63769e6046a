"""Published errors on NoW, to stand beside measured ones.

Millimeters over all scan vertices of the test set's 1,702 images, as Xu et al. 2024 ("3D Face Reconstruction Using A
Spectral-Based Graph Convolution Encoder", table 1) print them. Numbers on the validation set are not comparable: DECA has a
mean of 1.46 mm there and of 1.38 mm on the test set.
"""

from dataclasses import dataclass

Errors = tuple[float, float, float]
"""Median, mean and standard deviation, millimeters."""

SOURCE = "Xu et al. 2024, table 1, NoW's test set"


@dataclass(frozen=True)
class PublishedErrors:
    """Row of a published table.

    Attributes:
        method: Name as printed.
        plain: Errors after a similarity was fitted (non-metrical).
        metrical: Errors after a rigid motion; None where none are printed.
    """

    method: str
    plain: Errors
    metrical: Errors | None


TABLE_1 = (
    PublishedErrors("PRNet", (1.50, 1.98, 1.88), None),
    PublishedErrors("Deep3DFaceRecon", (1.23, 1.54, 1.29), (2.26, 2.90, 2.51)),
    PublishedErrors("RingNet", (1.21, 1.53, 1.31), (1.50, 1.98, 1.77)),
    PublishedErrors("DECA", (1.09, 1.38, 1.18), (1.35, 1.80, 1.64)),
    PublishedErrors("FOCUS", (1.04, 1.30, 1.10), (1.41, 1.85, 1.70)),
    PublishedErrors("AlbedoGAN", (0.98, 1.21, 0.99), None),
    PublishedErrors("MICA, retrained by Xu et al.", (0.98, 1.21, 1.00), (1.25, 1.51, 1.30)),
    PublishedErrors("Xu et al.", (0.93, 1.15, 0.96), (1.14, 1.45, 1.23)),
)
"""Rows in the order of the table."""
