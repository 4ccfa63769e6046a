"""YuNet's network against its published ONNX file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.nets.shipped import load_yunet


@pytest.mark.parametrize("size", [(64, 96), (320, 256)])
def test_the_network_equals_the_published_one(data_root: Path, size: tuple[int, int]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    file = data_root / "nets" / "yunet" / "yunet_n_dynamic.onnx"
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 3, *size)).astype(np.float32)
    net, card = load_yunet()
    assert card["kind"] == "face detector"
    with torch.inference_mode():
        found = net(torch.from_numpy(pictures))
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(None, {"input": pictures}), strict=True))
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].numpy(), value, rtol=1e-4, atol=2e-5)
