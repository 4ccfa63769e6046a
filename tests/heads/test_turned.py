"""Turning the head on its neck, against loops, limits and finite differences."""

from dataclasses import replace

import numpy as np
import torch

from headform.geometry.head_angles import rotation_from_euler
from headform.heads import load_open


def test_each_vertex_goes_its_share_of_the_way() -> None:
    head = load_open()
    angles = torch.tensor([[0.5, -0.2, 0.1], [-0.3, 0.3, 0.2]])
    rotation = rotation_from_euler(*angles.unbind(1))
    got = head.rotate_neck(head.mean.expand(2, -1, -1), rotation)
    pivot = head.neck_pivot.double().numpy()
    for item in range(2):
        for vertex in np.random.default_rng(0).integers(0, len(head.mean), 40):
            v = head.mean[vertex].double().numpy()
            w = float(head.neck_weight[vertex])
            turned = rotation[item].double().numpy() @ (v - pivot) + pivot
            wanted = (1 - w) * v + w * turned
            np.testing.assert_allclose(got[item, vertex].numpy(), wanted, atol=1e-6)


def test_skull_stays_rigid_and_the_shoulders_stay() -> None:
    head = load_open()
    got = head.rotate_neck(head.mean, rotation_from_euler(*torch.tensor([0.6, 0.2, 0.1])))
    skull = (head.neck_weight == 1).nonzero()[:, 0][::40]
    foot = head.neck_weight == 0
    assert len(skull) > 50
    assert int(foot.sum()) > 10
    before, after = ((points[skull, None] - points[skull]).norm(dim=-1) for points in (head.mean, got))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    torch.testing.assert_close(got[foot], head.mean[foot], rtol=0, atol=0)
    nose = head.landmark_vertices[30, 0]
    assert float(got[nose, 0] - head.mean[nose, 0]) > 0.03  # positive yaw: to the subject's left


def test_gradients() -> None:
    head = replace(load_open()).to(dtype=torch.float64)
    order = head.neck_weight.argsort()
    chosen = order[torch.linspace(0, len(order) - 1, 5).long()]

    def turn(vertices: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        whole = head.mean.expand(2, -1, -1).index_copy(1, chosen, vertices)
        return head.rotate_neck(whole, rotation_from_euler(*angles.unbind(-1)))[:, chosen]

    vertices = head.mean[chosen].expand(2, -1, -1).clone().requires_grad_()
    angles = torch.tensor([[0.0, 0.0, 0.0], [0.4, -0.2, 0.1]]).double().requires_grad_()
    assert torch.autograd.gradcheck(turn, (vertices, angles))
