import numpy as np

from headform import heads
from headform.fit.head_points import SurfacePoints, point_model


def test_rows_equal_decoded_heads() -> None:
    head = heads.load_open()
    rng = np.random.default_rng(0)
    skin = np.flatnonzero((head.part.numpy()[head.faces.numpy()] == 0).all(1))
    corners = head.faces.numpy()[rng.choice(skin, 30)]
    weights = rng.dirichlet(np.ones(3), 30)
    model = point_model(head, SurfacePoints(corners, weights))
    assert model.num_identity == len(head.identity)
    assert len(model.mean) == len(head.dense) + 30
    identity = rng.normal(size=len(head.identity))
    expression = rng.uniform(0, 1, len(head.expression))
    basis = np.concatenate([head.identity.numpy(), head.expression.numpy()]).astype(float)
    code = np.concatenate([identity, expression])
    vertices = head.mean.numpy() + np.tensordot(code, basis, 1)
    expected = np.einsum("pk,pkc->pc", weights, vertices[corners])
    np.testing.assert_allclose(model.positions(code)[-30:], expected, atol=1e-6)
    dense = head.dense.numpy()
    still = head.part.numpy()[dense] < 7  # eyeballs do not feel expressions here
    found = model.positions(code)[: len(dense)][still]
    np.testing.assert_allclose(found, vertices[dense[still]], atol=1e-6)
