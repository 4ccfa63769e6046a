"""Convert the published networks that ship inside headform to safetensors with a model card.

    python -m tools.convert_networks NETS

NETS holds `yunet/yunet_n_dynamic.onnx` (libfacedetection.train), `baselines/face_landmarks_detector.onnx` (MediaPipe),
`baselines/landmarks_68_pfld.onnx` (FaceONNX), `critics/mobilefacenet.onnx` (foamliu) and `faceapi/face_landmark_68_model`
(vladmandic/face-api). Needs the package onnx. The networks are written in `headform.nets`; here their arrays are put into
them, layer by layer in the order in which the file runs them.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from headform.io.model_file import save_model
from headform.nets.detection.yunet_net import YuNet, YuNetConfig
from headform.nets.landmarks.face_mesh_net import FaceMeshConfig, FaceMeshNet
from headform.nets.landmarks.landmarks68_net import Landmarks68Config, Landmarks68Net
from headform.nets.landmarks.pfld_net import PfldConfig, PfldNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import SHIPPED
from headform.train.export_weights import source_commit

ASSETS = Path(__file__).resolve().parents[1] / "src" / "headform" / "nets" / "assets"

Arrays = list[list[np.ndarray]]


def onnx_arrays(path: Path, kinds: Sequence[str]) -> Arrays:
    """The constants of each node of some kinds, in the order of the graph."""
    graph = onnx.load(path).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    return [
        [np.array(constants[name], np.float32) for name in node.input if name in constants]
        for node in graph.node
        if node.op_type in kinds
    ]


def fill(layers: Sequence[nn.Module], arrays: Arrays) -> None:
    """Copy arrays into layers, one list a layer; shapes agree up to axes of length 1."""
    for layer, values in zip(layers, arrays, strict=True):
        parameters = list(layer.parameters(recurse=False))
        for parameter, value in zip(parameters, values, strict=True):
            parameter.data.copy_(torch.from_numpy(value).reshape(parameter.shape))


def layers_of(module: nn.Module, *kinds: type[nn.Module]) -> list[nn.Module]:
    """Layers of some kinds in the order in which they were made."""
    return [layer for layer in module.modules() if isinstance(layer, kinds)]


def yunet(path: Path) -> YuNet:
    """YuNet from its ONNX file; the neck runs from the coarsest level to the finest."""
    net = YuNet(YuNetConfig())
    parts = [net.stem, net.stages, *reversed(list(net.lateral)), net.shared]
    parts += [net.heads[name] for name in ("cls", "bbox", "obj", "kps")]
    fill(
        [layer for part in parts for layer in layers_of(part, nn.Conv2d)],
        onnx_arrays(path, ("Conv",)),
    )
    return net


def face_mesh(path: Path) -> FaceMeshNet:
    """MediaPipe's network from its ONNX file; its output for the tongue is left out."""
    net = FaceMeshNet(FaceMeshConfig())
    *body, _, face, points = onnx_arrays(path, ("Conv", "PRelu"))
    fill(layers_of(net, nn.Conv2d, nn.PReLU), [*body, points, face])
    return net


def pfld(path: Path) -> PfldNet:
    """PFLD from its ONNX file."""
    net = PfldNet(PfldConfig())
    fill(layers_of(net, nn.Conv2d, nn.Linear), onnx_arrays(path, ("Conv", "Gemm")))
    return net


def mobilefacenet(path: Path) -> MobileFaceNet:
    """MobileFaceNet from its ONNX file."""
    net = MobileFaceNet()
    fill(layers_of(net, nn.Conv2d), onnx_arrays(path, ("Conv",)))
    return net


def landmarks68(path: Path) -> Landmarks68Net:
    """face-api's network from its manifest and the quantized arrays beside it."""
    manifest = json.loads((path / "face_landmark_68_model-weights_manifest.json").read_text())
    data = (path / "face_landmark_68_model.bin").read_bytes()
    arrays: list[np.ndarray] = []
    place = 0
    for entry in manifest[0]["weights"]:
        count, quantized = int(np.prod(entry["shape"])), entry["quantization"]
        whole = np.frombuffer(data, quantized["dtype"], count, place)
        place += whole.nbytes
        value = whole.astype(np.float32) * quantized["scale"] + quantized["min"]
        arrays.append(_torch_order(value.reshape(entry["shape"]), entry["name"]))
    net = Landmarks68Net(Landmarks68Config())
    rows = iter(arrays)
    for layer in layers_of(net, nn.Conv2d, nn.Linear):
        fill([layer], [[next(rows) for _ in layer.parameters(recurse=False)]])
    return net


def _torch_order(array: np.ndarray, name: str) -> np.ndarray:
    """TensorFlow's (height, width, in, out) or (height, width, channel, 1), or (in, out), as torch has it."""
    if array.ndim == 4:
        array = array.transpose((2, 3, 0, 1) if "depthwise" in name else (3, 2, 0, 1))
    return np.ascontiguousarray(array.T if array.ndim == 2 else array)


def card_of(net: nn.Module, sources: Sequence[Path], **said: Any) -> dict[str, Any]:
    """The model card of a converted network."""
    return {
        "kind": SHIPPED[type(net)].kind,
        "command": "python -m tools.convert_networks NETS",
        "commit": source_commit(),
        "images_seen": None,
        "minutes": None,
        "seed": None,
        "metrics": {},
        "config": {"net": asdict(net.config)},  # type: ignore[call-overload]
        "source_sha256": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sources},
    } | said


def main(nets: Path) -> None:
    """Convert all five."""
    file = nets / "yunet" / "yunet_n_dynamic.onnx"
    detector = yunet(file)
    said = {
        "name": "YuNet (yunet_n)",
        "source": "https://github.com/ShiqiYu/libfacedetection.train, commit 0047ac24afb1a50a0c6105001c89d1b5b805dbf1",
        "license": "Apache-2.0 style, of libfacedetection.train; text in NOTICE",
        "data": "trained by its publishers on WIDER FACE",
    }
    save_model(ASSETS / SHIPPED[YuNet].file, detector.state_dict(), card_of(detector, [file], **said), half=False)
    file = nets / "critics" / "face_landmarks_detector.onnx"
    mesh = face_mesh(file)
    said = {
        "name": "MediaPipe face landmarks (478 points)",
        "source": "https://github.com/google-ai-edge/mediapipe; ONNX of its published weights",
        "license": "Apache-2.0, Copyright The MediaPipe Authors; text in NOTICE",
        "data": "trained by its publishers on their own photos",
    }
    save_model(ASSETS / SHIPPED[FaceMeshNet].file, mesh.state_dict(), card_of(mesh, [file], **said))
    file = nets / "critics" / "landmarks_68_pfld.onnx"
    points = pfld(file)
    said = {
        "name": "PFLD of FaceONNX (landmarks_68_pfld)",
        "source": "https://github.com/FaceONNX/FaceONNX",
        "license": "MIT, Copyright (c) 2020-2023 Valery Asiryan; text in NOTICE",
        "data": "trained by its publishers; like all of its family probably on 300-W",
    }
    save_model(ASSETS / SHIPPED[PfldNet].file, points.state_dict(), card_of(points, [file], **said))
    file = nets / "critics" / "mobilefacenet.onnx"
    recognizer = mobilefacenet(file)
    said = {
        "name": "MobileFaceNet of foamliu",
        "source": "https://github.com/foamliu/MobileFaceNet; ONNX of its published weights",
        "license": "MIT, Copyright (c) 2019 foamliu; text in NOTICE",
        "data": "trained by its publisher on MS-Celeb-1M, as cleaned by insightface",
    }
    save_model(ASSETS / SHIPPED[MobileFaceNet].file, recognizer.state_dict(), card_of(recognizer, [file], **said))
    folder = nets / "faceapi"
    files = [folder / f"face_landmark_68_model{end}" for end in ("-weights_manifest.json", ".bin")]
    faceapi = landmarks68(folder)
    said = {
        "name": "face-api face_landmark_68_model",
        "source": "npm package @vladmandic/face-api 1.7.15, folder model",
        "license": "MIT, Copyright (c) Vladimir Mandic; text in NOTICE",
        "data": "trained by its publishers on their own labeled photos",
    }
    save_model(ASSETS / SHIPPED[Landmarks68Net].file, faceapi.state_dict(), card_of(faceapi, files, **said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
