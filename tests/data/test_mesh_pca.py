"""Principal components against NumPy's SVD, Eckart and Young's bound, and data of known rank."""

import numpy as np
import pytest
import torch

from headform.data import RegisteredMeshes
from headform.data import mesh_pca as pca
from headform.data.mesh_pca import fit_pca


def dataset(rows: np.ndarray) -> RegisteredMeshes:
    table = torch.from_numpy(rows.astype(np.float32))
    return RegisteredMeshes("rows", "ours", np.array([[0, 1, 2]]), table, ("",) * len(rows), "m")


def decaying(count: int = 60, vertices: int = 20, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3 * vertices, 3 * vertices)))
    scale = 0.05 * 0.85 ** np.arange(3 * vertices)
    return (rng.normal(size=(count, 3 * vertices)) * scale @ turn).reshape(count, -1, 3) + 0.3


def squared(model, rows: torch.Tensor) -> float:
    return float((model(rows) - rows).square().sum())


@pytest.fixture(params=["exact", "streamed"])
def method(request, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "streamed":
        monkeypatch.setattr(pca, "GRAM_MOST", 10)
        monkeypatch.setattr(pca, "_BATCH", 7)
    return request.param


def test_equals_numpy_svd(method: str) -> None:
    data = dataset(decaying())
    got = fit_pca(data, 6, tolerance=1e-13)
    x = data.table.double().numpy().reshape(60, -1)
    _, s, vt = np.linalg.svd(x - x.mean(0), full_matrices=False)
    np.testing.assert_allclose(got.mean.flatten(), x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(got.variance, s[:6] ** 2 / 60, rtol=1e-9)
    assert got.total_variance == pytest.approx((s**2).sum() / 60, rel=1e-12)
    np.testing.assert_allclose(np.abs(got.components.numpy() @ vt[:6].T), np.eye(6), atol=1e-5)
    np.testing.assert_allclose((got.components @ got.components.T).numpy(), np.eye(6), atol=1e-12)


def test_loss_is_the_variance_left_out_and_no_other_subspace_does_better(method: str) -> None:
    data = dataset(decaying())
    got = fit_pca(data, 8, tolerance=1e-12)
    rows = data.table.double()
    for count in (0, 3, 8):
        left = got.total_variance - float(got.variance[:count].sum())
        assert squared(got.model(count), rows) == pytest.approx(60 * left, rel=1e-6)
    best = squared(got.model(8), rows)
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-1, 10.0):
        noise = torch.from_numpy(rng.normal(0, size, got.components.shape))
        other = torch.linalg.qr((got.components + noise).T).Q.T
        rival = pca.MeshPca(got.mean, other, got.variance, 1.0, 1, 0.0)
        assert squared(rival.model(8), rows) > best


def test_data_of_rank_five_needs_five(method: str) -> None:
    rng = np.random.default_rng(3)
    shapes = rng.normal(size=(5, 45))
    data = dataset((rng.normal(size=(40, 5)) @ shapes).reshape(40, 15, 3))
    got = fit_pca(data, 5)
    held = torch.from_numpy(rng.normal(size=(3, 5)) @ shapes).unflatten(1, (15, 3))
    assert float((got.model(5)(held) - held).abs().max()) < 1e-4
    assert squared(got.model(4), data.table) > 1.0


def test_is_a_projection_in_the_dtype_of_its_input() -> None:
    got = fit_pca(dataset(decaying()), 5)
    other = torch.from_numpy(decaying(4, seed=9).astype(np.float32))
    once = got.model(5)(other)
    assert once.dtype == torch.float32
    torch.testing.assert_close(got.model(5)(once), once, rtol=0, atol=1e-6)


def test_fits_the_given_part_only() -> None:
    data = dataset(decaying())
    part = np.array([4, 8, 15, 16, 23, 42])
    alone = fit_pca(dataset(data.table.numpy()[part]), 3)
    got = fit_pca(data, 3, part)
    torch.testing.assert_close(got.mean, alone.mean)
    torch.testing.assert_close(got.variance, alone.variance)


def test_refuses_what_has_no_components() -> None:
    data = dataset(decaying())
    for count in (0, 60, 61):
        with pytest.raises(ValueError, match="components"):
            fit_pca(data, count)
    with pytest.raises(ValueError, match="not 4"):
        fit_pca(data, 3).model(4)
    with pytest.raises(ValueError, match="equal"):
        fit_pca(dataset(np.ones((5, 4, 3))), 2)


def test_says_when_it_does_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "GRAM_MOST", 10)
    monkeypatch.setattr(pca, "_MOST_PASSES", 2)
    with pytest.raises(RuntimeError, match="2 passes"):
        fit_pca(dataset(decaying()), 6, tolerance=1e-15)
