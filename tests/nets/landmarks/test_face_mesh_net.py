"""MediaPipe's network against its published file, and its block against sums written out."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.nets.landmarks.face_mesh_net import FaceMeshConfig, FaceMeshNet
from headform.nets.shipped import load_face_mesh


def test_the_network_equals_the_published_one(data_root: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    file = data_root / "nets" / "critics" / "face_landmarks_detector.onnx"
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(0).uniform(0, 1, (1, 3, 256, 256)).astype(np.float16)
    net, _ = load_face_mesh()
    with torch.inference_mode():
        points, presence = net(torch.from_numpy(picture.astype(np.float32)))
    expected, logit, _ = session.run(None, {session.get_inputs()[0].name: picture})
    # the published file computes in half precision: 1/16 pixel at 128 and more
    assert np.abs(points.numpy().ravel() - expected.astype(float).ravel()).max() < 0.13
    assert abs(float(presence[0]) - float(logit.ravel()[0])) < 0.1


def test_a_halving_block_equals_sums_written_out() -> None:
    torch.manual_seed(1)
    sizes = FaceMeshConfig(channels=(4, 6), middle=(2, 3), blocks=0, points=5)
    block = FaceMeshNet(sizes).blocks[0]
    x = torch.randn(1, 4, 6, 8)
    with torch.inference_mode():
        found = block(x)[0].numpy()
    w = {k: v.detach().double().numpy() for k, v in block.state_dict().items()}
    y = x[0].double().numpy()

    def slope(z: np.ndarray, a: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, z * a[:, None, None])

    narrow = np.zeros((3, 3, 4))
    for o in range(3):
        for i in range(3):
            for j in range(4):
                window = y[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                narrow[o, i, j] = (window * w["narrow.weight"][o]).sum() + w["narrow.bias"][o]
    narrow = slope(narrow, w["slope_in.weight"])
    padded = np.pad(narrow, ((0, 0), (1, 1), (1, 1)))
    middle = np.zeros_like(narrow)
    for c in range(3):
        for i in range(3):
            for j in range(4):
                part = padded[c, i : i + 3, j : j + 3]
                middle[c, i, j] = (part * w["filter.weight"][c, 0]).sum() + w["filter.bias"][c]
    wide = np.einsum("oc,cij->oij", w["widen.weight"][:, :, 0, 0], middle)
    wide += w["widen.bias"][:, None, None]
    pooled = y.reshape(4, 3, 2, 4, 2).max((2, 4))
    wide[:4] += pooled
    np.testing.assert_allclose(found, slope(wide, w["slope_out.weight"]), atol=1e-5)
