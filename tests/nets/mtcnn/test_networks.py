"""The three networks against loops over pixels, on random weights in the published layout."""

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.nets.mtcnn.networks import OutputNet, ProposalNet, RefineNet, fill

SHAPES = {
    ProposalNet: [
        *[(3, 3, 3, 10), (10,), (1, 1, 10), (3, 3, 10, 16), (16,), (1, 1, 16)],
        *[(3, 3, 16, 32), (32,), (1, 1, 32), (1, 1, 32, 4), (4,), (1, 1, 32, 2), (2,)],
    ],
    RefineNet: [
        *[(3, 3, 3, 28), (28,), (1, 1, 28), (3, 3, 28, 48), (48,), (1, 1, 48)],
        *[(2, 2, 48, 64), (64,), (1, 1, 64), (576, 128), (128,), (128,)],
        *[(128, 4), (4,), (128, 2), (2,)],
    ],
    OutputNet: [
        *[(3, 3, 3, 32), (32,), (1, 1, 32), (3, 3, 32, 64), (64,), (1, 1, 64)],
        *[(3, 3, 64, 64), (64,), (1, 1, 64), (2, 2, 64, 128), (128,), (1, 1, 128)],
        *[(1152, 256), (256,), (256,), (256, 4), (4,), (256, 10), (10,), (256, 2), (2,)],
    ],
}


def random_arrays(kind: type) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    arrays = []
    for shape in SHAPES[kind]:
        spread = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) in (2, 4) else 0.3
        arrays.append(rng.normal(0, spread, shape).astype(np.float32))
    return arrays


def conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(H, W, in) by a kernel (height, width, in, out)."""
    k = kernel.shape[0]
    out = np.zeros((x.shape[0] - k + 1, x.shape[1] - k + 1, kernel.shape[3]))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            window = x[row : row + k, column : column + k]
            out[row, column] = np.tensordot(window, kernel, 3) + bias
    return out


def slope(x: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, x * slopes.reshape(-1))


def pool(x: np.ndarray, side: int) -> np.ndarray:
    """Stride 2; the last window may be cut."""
    out = [-(-(n - side) // 2) + 1 for n in x.shape[:2]]
    pooled = np.zeros((*out, x.shape[2]))
    for row in range(out[0]):
        for column in range(out[1]):
            window = x[2 * row : 2 * row + side, 2 * column : 2 * column + side]
            pooled[row, column] = window.max((0, 1))
    return pooled


def chance(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores[..., 1]) / np.exp(scores).sum(-1)


def dense_order(x: np.ndarray) -> np.ndarray:
    """Column by column, and down each column, all channels of a pixel."""
    return np.concatenate([x[row, col] for col in range(x.shape[1]) for row in range(x.shape[0])])


def slow_proposal(a: list[np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = pool(slope(conv(x, a[0], a[1]), a[2]), 2)
    x = slope(conv(slope(conv(x, a[3], a[4]), a[5]), a[6], a[7]), a[8])
    return chance(conv(x, a[11], a[12])), conv(x, a[9], a[10])


def slow_refine(a: list[np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = pool(slope(conv(x, a[0], a[1]), a[2]), 3)
    x = pool(slope(conv(x, a[3], a[4]), a[5]), 3)
    y = slope(dense_order(slope(conv(x, a[6], a[7]), a[8])) @ a[9] + a[10], a[11])
    return chance(y @ a[14] + a[15]), y @ a[12] + a[13]


def slow_output(a: list[np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = pool(slope(conv(x, a[0], a[1]), a[2]), 3)
    x = pool(slope(conv(x, a[3], a[4]), a[5]), 3)
    x = pool(slope(conv(x, a[6], a[7]), a[8]), 2)
    y = slope(dense_order(slope(conv(x, a[9], a[10]), a[11])) @ a[12] + a[13], a[14])
    points = y @ a[17] + a[18]
    return chance(y @ a[19] + a[20]), y @ a[15] + a[16], np.stack([points[:5], points[5:]], 1)


@pytest.mark.parametrize(
    ("kind", "slow", "size"),
    [
        (ProposalNet, slow_proposal, (17, 22)),
        (ProposalNet, slow_proposal, (12, 12)),
        (RefineNet, slow_refine, (24, 24)),
        (OutputNet, slow_output, (48, 48)),
    ],
)
def test_networks_equal_loops(kind, slow, size) -> None:  # type: ignore[no-untyped-def]
    arrays = random_arrays(kind)
    net = kind()
    fill(net, arrays, "random")
    picture = np.random.default_rng(5).normal(size=(*size, 3)).astype(np.float32)
    found = net(torch.from_numpy(picture).permute(2, 0, 1)[None])
    expected = list(slow([array.astype(np.float64) for array in arrays], picture.astype(float)))
    if kind is ProposalNet:
        expected[1] = expected[1].transpose(2, 0, 1)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one[0].numpy(), other, rtol=2e-4, atol=2e-5)


def test_wrong_arrays_are_refused() -> None:
    arrays = random_arrays(RefineNet)
    with pytest.raises(WeightsError, match="15 arrays, expected 16"):
        fill(RefineNet(), arrays[:-1], "rnet")
    arrays[9] = arrays[9][:-1]
    with pytest.raises(WeightsError, match=r"dense.0.weight has shape \(128, 575\)") as caught:
        fill(RefineNet(), arrays, "rnet")
    assert caught.value.code == "weights_mismatch"
