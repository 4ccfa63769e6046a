"""Tests of the size of heads, read and changed in their coefficients."""

import numpy as np
import pytest
import torch

from headform.geometry.shape_errors import shape_errors
from headform.heads import load_open
from headform.heads.head_size import HeadSize


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    return 0.5 * np.random.default_rng(0).standard_normal((4, len(load_open().identity)))


def test_the_mean_head_has_ratio_one_and_size_is_that_of_the_face(people) -> None:
    head = load_open()
    size = HeadSize(head)
    assert size.log_ratio(np.zeros(len(head.identity))) == pytest.approx(0, abs=1e-12)
    face = head.regions["face"]

    def measured(vertices: torch.Tensor) -> torch.Tensor:
        points = vertices[..., face, :].double()
        return (points - points.mean(-2, keepdim=True)).square().sum((-2, -1)).sqrt()

    want = torch.log(measured(head.vertices(torch.from_numpy(people).float())) / measured(head.mean))
    np.testing.assert_allclose(size.log_ratio(people), want, atol=1e-6)


def test_rescaled_heads_have_the_wanted_size_and_the_same_shape(people) -> None:
    head = load_open()
    size = HeadSize(head)
    wanted = np.array([0.03, -0.03, 0.0, 0.01])
    found = size.rescaled(people, wanted)
    np.testing.assert_allclose(size.log_ratio(found) - size.log_ratio(people), wanted, atol=0.03 * np.abs(wanted).max())
    np.testing.assert_array_equal(found[2], people[2])
    face = head.regions["face"]
    before, after = (head.vertices(torch.from_numpy(each).float())[:, face] for each in (people, found))
    errors = shape_errors(after, before)
    assert errors.aligned.max() < 0.15
    assert errors.metrical[:2].min() > 1.3  # millimeters: 3 % of a face
