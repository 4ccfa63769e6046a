"""Mean and spread per coordinate, against NumPy on the whole table."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from headform.data import MeshDataset, coordinate_statistics
from headform.data.mesh_dataset import STD_FLOOR
from headform.errors import InputError


@dataclass
class Table:
    """Meshes that are all in memory."""

    rows: torch.Tensor
    name: str = "table"
    license: str = "none"
    faces: np.ndarray = field(default_factory=lambda: np.array([[0, 1, 2]]))

    @property
    def count(self) -> int:
        return len(self.rows)

    def vertices(self, indices: np.ndarray) -> torch.Tensor:
        return self.rows[torch.from_numpy(indices)]


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(0)
    # far from the origin: a sum of plain squares in float32 would lose the spread
    rows = 500.0 + rng.normal(0, 1, (37, 3, 3)) * rng.uniform(0.5, 2, (3, 3))
    return Table(torch.from_numpy(rows.astype(np.float32)))


def test_equals_numpy(table: Table) -> None:
    assert isinstance(table, MeshDataset)
    got = coordinate_statistics(table, batch=5)
    rows = table.rows.numpy().astype(np.float64)
    np.testing.assert_allclose(got.mean, rows.mean(0), rtol=1e-14)
    np.testing.assert_allclose(got.std, rows.std(0), rtol=1e-9)
    assert got.count == 37


def test_looks_at_the_given_part_only(table: Table) -> None:
    part = np.array([3, 9, 20, 11])
    rows = table.rows.numpy().astype(np.float64)
    np.testing.assert_allclose(coordinate_statistics(table, part).mean, rows[part].mean(0))
    spread = coordinate_statistics(table, most=4)
    np.testing.assert_allclose(spread.mean, rows[[0, 12, 24, 36]].mean(0))


def test_a_coordinate_that_stands_still_gets_the_floor(table: Table) -> None:
    table.rows[:, 1, 2] = 4.0
    got = coordinate_statistics(table)
    others = np.square(table.rows.numpy().astype(np.float64).std(0)).mean()
    assert got.std[1, 2] == pytest.approx(STD_FLOOR * np.sqrt(others), rel=1e-6)


def test_needs_two_different_meshes(table: Table) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        coordinate_statistics(table, np.array([5]))
    with pytest.raises(ValueError, match="equal"):
        coordinate_statistics(table, np.array([5, 5, 5]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("mesh", [0, 7])
def test_what_is_no_number_is_named(table: Table, mesh: int, bad: float) -> None:
    table.rows[mesh, 1, 2] = bad
    with pytest.raises(InputError) as caught:
        coordinate_statistics(table)
    assert (caught.value.code, caught.value.location) == ("mesh_not_finite", "table")
