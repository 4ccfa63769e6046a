"""The mesh autoencoder that ships: made for the head that ships, as good as its card says, a code that tells heads apart."""

import numpy as np
import torch

from headform.data import SampledHeads
from headform.heads import load_open
from headform.nets.shipped import load_mesh_autoencoder


def test_it_belongs_to_the_open_head_and_keeps_what_its_card_says() -> None:
    net, card = load_mesh_autoencoder()
    head = load_open()
    assert card["meshes"]["head_sha256"] == head.sha256
    np.testing.assert_array_equal(net.hierarchy.faces[0], head.faces.numpy())
    held_out = SampledHeads.from_facts(head, card["meshes"] | {"split": "test", "count": 24})
    vertices = held_out.vertices(np.arange(24))
    with torch.no_grad():
        off = 1000 * torch.linalg.vector_norm(net(vertices) - vertices, dim=-1)
    mean_head = 1000 * torch.linalg.vector_norm(vertices - head.mean, dim=-1)
    assert abs(float(off.mean()) - card["metrics"]["mean_mm"]) < 0.15
    assert float(off.mean()) < 0.35 * float(mean_head.mean())


def test_two_looks_of_one_head_are_more_alike_than_two_heads() -> None:
    net, _ = load_mesh_autoencoder()
    head = load_open()
    codes = SampledHeads(head, 16, 5, split="test", posed=("expression",)).codes
    identity = torch.from_numpy(codes.identity)
    expression = torch.from_numpy(codes.expression)
    with torch.no_grad():
        one = net.encode_linear(head.vertices(identity, expression))
        two = net.encode_linear(head.vertices(identity, expression.roll(1, 0)))
    alike = torch.nn.functional.normalize(one, dim=1) @ torch.nn.functional.normalize(two, dim=1).T
    assert (alike.argmax(1) == torch.arange(16)).float().mean() > 0.8
