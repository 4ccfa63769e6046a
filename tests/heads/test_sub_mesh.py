"""A head cut down: every part of it against loops over what stays; decoding and cutting change places."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.sub_mesh import cut
from headform.heads.validation import check_head
from headform.importers.importing import linear_head
from tests.heads.made_models import SIDE, mask_model

COUNT = SIDE * SIDE


class WithSkeleton(LinearHead):
    """Stands for models with joints."""


def outer_skin(head: LinearHead) -> np.ndarray:
    """Face and head of the open head, in an order of their own: symmetric, with all landmarks."""
    rows = np.nonzero(head.part.numpy() <= 1)[0]
    return np.random.default_rng(0).permutation(rows)


def test_decoding_and_cutting_change_places(head: LinearHead) -> None:
    kept = outer_skin(head)
    small = cut(head, kept, "outer skin only")
    check_head(small)
    assert small.provenance.notes[-1] == "outer skin only"
    identity, expression, color = torch.randn(100), torch.rand(51), torch.randn(len(head.albedo))
    whole = head.vertices(identity, expression)
    torch.testing.assert_close(small.vertices(identity, expression), whole[kept])
    torch.testing.assert_close(small.albedo_of(color), head.albedo_of(color)[kept])
    torch.testing.assert_close(small.landmarks(whole[kept]), head.landmarks(whole))
    torch.testing.assert_close(whole[kept][small.now7], whole[head.now7])
    torch.testing.assert_close(whole[kept][small.contour], whole[head.contour])
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -1, 2], [1, 0, 0.5], [-2, -0.5, 0]]) * 0.1)
    torch.testing.assert_close(small.rotate_neck(whole[kept], turn), head.rotate_neck(whole, turn)[kept])
    for name, mask in head.regions.items():
        assert torch.equal(small.regions[name], mask[kept])


def test_triangles_texture_and_mirror(head: LinearHead) -> None:
    kept = outer_skin(head)
    small = cut(head, kept)
    number = {int(v): k for k, v in enumerate(kept)}
    want = [
        ([number[int(v)] for v in face], head.uv[uv].tolist())
        for face, uv in zip(head.faces, head.uv_faces, strict=True)
        if all(int(v) in number for v in face)
    ]
    assert small.faces.tolist() == [face for face, _ in want]
    assert small.uv[small.uv_faces].tolist() == [uv for _, uv in want]
    assert len(small.uv) == len(np.unique(small.uv_faces.numpy()))
    assert small.mirror.tolist() == [number[int(head.mirror[v])] for v in kept]


def test_dense_points_stay_with_their_images(head: LinearHead) -> None:
    gone = int(head.dense[100])
    small = cut(head, np.setdiff1d(np.arange(len(head.mean)), [gone]))
    check_head(small)
    rows = np.setdiff1d(np.arange(len(head.mean)), [gone])
    left = {int(v) for v in rows[small.dense.numpy()]}
    image = int(head.dense[head.dense_mirror[100]])
    assert {int(v) for v in head.dense} - left == {gone, image}
    mirrored = head.dense[head.dense_mirror]
    pairs = {int(a): int(b) for a, b in zip(head.dense, mirrored, strict=True)}
    ids = rows[small.dense.numpy()]
    assert [pairs[int(v)] for v in ids] == ids[small.dense_mirror.numpy()].tolist()
    assert not small.has_field("mirror")  # the image of one vertex is gone
    without = cut(head, np.setdiff1d(np.arange(len(head.mean)), head.dense[5:6].numpy()))
    assert not without.has_field("dense")
    assert not without.has_field("dense_mirror")


def test_what_refers_to_a_lost_vertex_becomes_unknown() -> None:
    """Landmarks one by one; a vertex of weight 0 does not matter; jaw candidates by their neighbors."""
    candidates = np.arange(17)[:, None] + np.arange(3) * 20  # row k: k, k + 20, k + 40
    made = linear_head(mask_model(contour=candidates, mirror=np.arange(COUNT)[::-1].copy()))
    vertices = made.landmark_vertices.clone()
    vertices[45] = torch.tensor([43, 0, 0])
    weights = made.landmark_weights.clone()
    weights[36] = torch.tensor([0.5, 0.5, 0.0])
    vertices[36] = torch.tensor([37, 20, 0])
    made = replace(made, landmark_vertices=vertices, landmark_weights=weights)
    assert made.landmark_known.nonzero().ravel().tolist() == [30, 36, 45]
    small = cut(made, np.setdiff1d(np.arange(COUNT), [0, 20]))
    check_head(small)
    assert small.landmark_known.nonzero().ravel().tolist() == [30, 45]
    torch.testing.assert_close(small.landmarks(small.mean)[[30, 45]], made.mean[[40, 43]])
    rows = np.setdiff1d(np.arange(COUNT), [0, 20])
    jaw = rows[small.contour.numpy()]
    assert jaw[0].tolist() == [40, 40, 40]
    assert jaw[1:].tolist() == candidates[1:].tolist()
    assert not small.has_field("mirror")
    bare = cut(made, np.array([1, 2, 10, 11]))
    assert not bare.has_field("landmark_vertices")
    assert not bare.has_field("contour")


def test_texture_of_one_point_for_each_vertex_stays_so() -> None:
    uv = np.random.default_rng(0).uniform(size=(COUNT, 2)).astype(np.float32)
    made = linear_head(mask_model(uv=uv))
    kept = np.arange(3 * SIDE)[::-1].copy()
    small = cut(made, kept)
    np.testing.assert_array_equal(small.uv.numpy(), uv[kept])
    assert torch.equal(small.uv_faces, small.faces)


def test_what_cannot_be_cut() -> None:
    made = linear_head(mask_model())
    for kept in ([0, 0], [-1, 0], [COUNT], []):
        with pytest.raises(WeightsError) as caught:
            cut(made, np.array(kept, np.int64))
        assert caught.value.code == "model_index"
    other = WithSkeleton(**{f.name: getattr(made, f.name) for f in fields(made)})
    with pytest.raises(WeightsError) as caught:
        cut(other, np.arange(5))
    assert caught.value.code == "model_kind"
