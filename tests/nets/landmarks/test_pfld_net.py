"""PFLD against its published ONNX file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.nets.shipped import load_pfld


def test_the_network_equals_the_published_one(data_root: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    file = data_root / "nets" / "critics" / "landmarks_68_pfld.onnx"
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(0).uniform(0, 1, (1, 3, 112, 112)).astype(np.float32)
    net, _ = load_pfld()
    with torch.inference_mode():
        points = net(torch.from_numpy(picture))[0].numpy()
    expected = session.run(None, {session.get_inputs()[0].name: picture})[0].reshape(68, 2) * 112
    # the shipped weights are in half precision
    assert np.abs(points - expected).max() < 0.5
