"""The predictor of refined textures: what the networks answer to one photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.errors import InputError, UsageError, WeightsError
from headform.heads import load_open
from headform.mesh.hierarchy import build_hierarchy
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet, MobileFaceNetConfig
from headform.nets.texture_net import TextureNet, TextureNetConfig, linear_from_signal, refiner_signal
from headform.nets.texture_predictor import TexturePredictor

from .blobs import ball

VERTICES, FACES = ball(120)
FIVE = np.array([[20, 25], [44, 25], [32, 38], [23, 48], [41, 48]], np.float64)


def test_it_is_the_networks_answer() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    config = TextureNetConfig(channels=7, embedding="recognizer", embedding_size=16, unlit=True)
    net = TextureNet(config, build_hierarchy(VERTICES, FACES, factors=(2, 2, 2, 2)))
    embedder = FaceEmbedder("recognizer", MobileFaceNet(MobileFaceNetConfig(embedding=16)), IMAGENET_112)
    predictor = TexturePredictor(net, embedder)
    count = predictor.vertices
    assert count == len(VERTICES)
    photo = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    coarse, projected, shading = rng.random((3, count, 3))
    seen = rng.random(count)
    found = predictor.refine(predictor.decode(photo, FIVE), coarse, projected, seen, shading)
    assert (found.shape, found.dtype) == ((count, 3), np.float32)
    one = [torch.from_numpy(a).float()[None] for a in (coarse, projected, seen, shading)]
    with torch.no_grad():
        wanted = linear_from_signal(net(embedder(photo[None], FIVE[None]), refiner_signal(config, *one)))[0]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-6)
    with pytest.raises(InputError):
        predictor.refine(predictor.decode(photo, FIVE), coarse[1:], projected[1:], seen[1:], shading[1:])
    with pytest.raises(UsageError):
        TexturePredictor(net, FaceEmbedder("recognizer", MobileFaceNet(), IMAGENET_112))
    head = load_open()
    with pytest.raises(WeightsError, match=rf"of {count} vertices, the head open has {len(head.mean)}\b") as caught:
        predictor.check_mesh(head)
    assert caught.value.code == "model_mismatch"


def test_networks_are_matched_by_the_mesh_not_by_its_size() -> None:
    head = load_open()
    found = TexturePredictor.load(None, head)
    assert found is not None
    found.check_mesh(replace(head, mean=head.mean + 0.001))  # another shape of the same mesh
    other = replace(head, faces=head.faces.flip(0))
    assert TexturePredictor.load(None, other) is None
    with pytest.raises(WeightsError, match="joined by other triangles"):
        found.check_mesh(other)
