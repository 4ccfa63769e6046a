"""Small made models for tests of what every importer ends in."""

from dataclasses import replace

import numpy as np

from headform.heads.provenance import Provenance
from headform.importers.importing import ImportedModel

SIDE = 9


def mask_model(**changes: object) -> ImportedModel:
    """A bulging 9 x 9 sheet, 90 mm between its outer eye corners, in millimeters, triangles seen from the front."""
    x, y = np.meshgrid(np.linspace(-60, 60, SIDE), np.linspace(-60, 60, SIDE))
    mean = np.stack([x, y, 40 - (x**2 + y**2) / 120], -1).reshape(-1, 3)
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).reshape(-1)
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + SIDE + 1], 1),
            np.stack([corner, corner + SIDE + 1, corner + SIDE], 1),
        ]
    )
    landmarks = np.full(68, -1)
    landmarks[[36, 45, 30]] = [4 * SIDE + 1, 4 * SIDE + 7, 4 * SIDE + 4]  # 90 mm apart; the tip
    rng = np.random.default_rng(0)
    model = ImportedModel(
        name="mask",
        provenance=Provenance("made", "1", license="a test's own"),
        unit="mm",
        mean=mean,
        faces=faces,
        identity=rng.normal(0, 1, (3, SIDE * SIDE, 3)),
        sigma=np.array([3.0, 2.0, 1.0]),
        expression=rng.normal(0, 1, (2, SIDE * SIDE, 3)),
        landmarks=landmarks,
    )
    return replace(model, **changes)
