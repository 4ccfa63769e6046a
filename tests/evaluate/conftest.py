"""A head so small that its errors can be worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from headform.heads.linear import LinearHead


def small_head(offset: np.ndarray | None = None) -> LinearHead:
    """68 landmarks on a curved sheet, 12 cm wide, in mirror pairs by construction; 3 modes.

    Mode 0 is pure growth, which a similarity removes; modes 1 and 2 move single vertices.
    """
    rng = np.random.default_rng(5)
    xy = rng.uniform(-0.06, 0.06, (68, 2))
    mean = np.column_stack([xy, 0.05 - 6 * (xy**2).sum(1)])
    identity = np.zeros((3, 68, 3))
    identity[0] = 0.05 * mean
    identity[1, 3, 2] = 0.004
    identity[2, 7, 0] = 0.004

    def real(values: object) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.float32)

    def whole(values: object) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.int64)

    every = np.arange(68)
    face = torch.ones(68, dtype=torch.bool)
    face[60:] = False
    return LinearHead(
        name="sheet",
        sha256="cd" * 32,
        license="a test's own sheet",
        mean=real(mean),
        identity=real(identity),
        expression=real(np.zeros((1, 68, 3))),
        expression_names=("jawOpen",),
        faces=whole([[0, 1, 2]]),
        mirror=whole(every),
        part=torch.zeros(68, dtype=torch.uint8),
        regions={"face": face},
        uv=real(np.zeros((3, 2))),
        uv_faces=whole([[0, 1, 2]]),
        landmark_vertices=whole(np.repeat(every[:, None], 3, 1)),
        landmark_weights=real(np.tile([1.0, 0, 0], (68, 1))),
        landmark_offset=real(np.zeros((68, 3)) if offset is None else offset),
        contour=whole(every[:17, None]),
        now7=whole(every[:7]),
        dense=whole(every),
        dense_mirror=whole(every),
        albedo_mean=torch.full((68, 3), 0.4),
        albedo=torch.zeros(1, 68, 3),
        neck_weight=torch.ones(68),
        neck_pivot=real([0.0, -0.08, -0.02]),
    )


@pytest.fixture(scope="session")
def sheet() -> LinearHead:
    return small_head()


@pytest.fixture(scope="session")
def sheet_with_offset() -> Callable[[np.ndarray], LinearHead]:
    return small_head
