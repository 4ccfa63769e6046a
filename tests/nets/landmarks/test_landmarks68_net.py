"""face-api's network against its published file, read and run a second way: by NumPy, one output at a time."""

import json
from pathlib import Path

import numpy as np
import torch

from headform.nets.shipped import load_landmarks68


def read_published(folder: Path) -> dict[str, np.ndarray]:
    name = "face_landmark_68_model"
    manifest = json.loads((folder / f"{name}-weights_manifest.json").read_text())
    data = (folder / f"{name}.bin").read_bytes()
    tensors, place = {}, 0
    for entry in manifest[0]["weights"]:
        count = int(np.prod(entry["shape"]))
        codes = np.frombuffer(data[place : place + count], np.uint8).reshape(entry["shape"])
        place += count
        tensors[entry["name"]] = codes * float(entry["quantization"]["scale"]) + entry["quantization"]["min"]
    assert place == len(data)
    return tensors


def windows(x: np.ndarray, stride: int) -> np.ndarray:
    """3 x 3 windows (rows, columns, 3, 3, channels) with TensorFlow's "same" padding."""
    side = x.shape[0]
    out = -(-side // stride)
    total = max((out - 1) * stride + 3 - side, 0)
    before = total // 2
    padded = np.pad(x, ((before, total - before), (before, total - before), (0, 0)))
    at = np.arange(out) * stride
    return np.stack([[padded[r : r + 3, c : c + 3] for c in at] for r in at])


def separable(x: np.ndarray, w: dict[str, np.ndarray], name: str, stride: int) -> np.ndarray:
    deep = (windows(x, stride) * w[f"{name}/depthwise_filter"][..., 0]).sum((2, 3))
    return deep @ w[f"{name}/pointwise_filter"][0, 0] + w[f"{name}/bias"]


def run(x: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    x = (x - np.array([122.782, 117.001, 104.298])) / 255
    for k in range(4):
        name = f"dense{k}"
        if k == 0:
            first = np.einsum("rcijs,ijso->rco", windows(x, 2), w[f"{name}/conv0/filters"])
            first = first + w[f"{name}/conv0/bias"]
        else:
            first = separable(x, w, f"{name}/conv0", 2)
        parts = [np.maximum(first, 0)]
        for j in (1, 2, 3):
            parts.append(separable(np.maximum(sum(parts), 0), w, f"{name}/conv{j}", 1))
        x = np.maximum(sum(parts), 0)
    return (x.mean((0, 1)) @ w["fc/weights"] + w["fc/bias"]).reshape(68, 2) * 112


def test_the_network_equals_the_published_one(data_root: Path) -> None:
    weights = read_published(data_root / "nets" / "faceapi")
    picture = np.random.default_rng(0).uniform(0, 255, (112, 112, 3))
    expected = run(picture, weights)
    net, _ = load_landmarks68()
    with torch.inference_mode():
        found = net(torch.from_numpy(picture).permute(2, 0, 1)[None].float())[0].numpy()
    # the shipped weights are in half precision
    assert np.abs(found - expected).max() < 0.5
