import sys
from pathlib import Path

import numpy as np
import pytest

from headform.errors import UsageError, WeightsError
from headform.nets.yunet import STRIDES, YuNetDetector, decode


@pytest.fixture(scope="module")
def network(data_root: Path) -> Path:
    pytest.importorskip("onnxruntime")
    return data_root / "nets" / "yunet" / "yunet_n_dynamic.onnx"


def test_decoding_equals_a_loop_over_cells() -> None:
    rng = np.random.default_rng(0)
    width, height = 96, 64
    values: dict[str, np.ndarray] = {}
    expected = []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        sizes = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
        part = {k: rng.random((rows * columns, n), np.float32) for k, n in sizes.items()}
        values |= {f"{kind}_{stride}": value for kind, value in part.items()}
        for row in range(rows):
            for column in range(columns):
                n = row * columns + column
                x, y, w, h = part["bbox"][n].astype(float)
                x, y = (column + x) * stride, (row + y) * stride
                w, h = np.exp(w) * stride, np.exp(h) * stride
                k = part["kps"][n].astype(float)
                points = [
                    [(column + k[2 * i]) * stride, (row + k[2 * i + 1]) * stride] for i in range(5)
                ]
                score = np.sqrt(float(part["cls"][n, 0]) * float(part["obj"][n, 0]))
                expected.append(([x - w / 2, y - h / 2, x + w / 2, y + h / 2], points, score))
    boxes, points5, scores = decode(values, width)
    np.testing.assert_allclose(boxes, [e[0] for e in expected], rtol=1e-12)
    np.testing.assert_allclose(points5, [e[1] for e in expected], rtol=1e-12)
    np.testing.assert_allclose(scores, [e[2] for e in expected], rtol=1e-12)


def test_no_face_in_noise(network: Path) -> None:
    detector = YuNetDetector(network)
    noise = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(noise[:5]) == []


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"headform\[onnx\]") as caught:
        YuNetDetector(path)
    assert caught.value.code == "onnx_missing"


def code_of(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        YuNetDetector(path)
    assert path.name in str(caught.value)
    return caught.value.code


def test_files_that_are_something_else(network: Path, tmp_path: Path, data_root: Path) -> None:
    assert code_of(tmp_path / "none.onnx") == "weights_missing"
    assert code_of(tmp_path) == "weights_missing"
    path = tmp_path / "net.onnx"
    data = network.read_bytes()
    for content in (b"", b"GIF89a", data[: len(data) // 2]):
        path.write_bytes(content)
        assert code_of(path) == "weights_damaged"
    path.write_bytes(data + b"\x0a\x08location\x12\x0f../../etc/passwd")
    assert code_of(path) == "weights_damaged"
    other = data_root / "nets" / "critics" / "landmarks_68_pfld.onnx"
    assert code_of(other) == "weights_mismatch"
