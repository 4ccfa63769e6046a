"""Crops by five points, embedders from files, and the areas and accuracies of pairs."""

import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from benchmarks.verification import CRITIC, DEEPFACE, Faces, embedding_of, pair_cosines, read_pairs
from headform.errors import FaceError, UsageError, WeightsError
from headform.nets.recognition.crops import ARCFACE, FACENET, LIGHT_CNN, CropSpec, arcface_points, eye_mouth_points
from headform.nets.recognition.embedder import TorchEmbedder, best_accuracy, embed_faces, roc_area, unit_rows
from headform.nets.recognition.embedder_files import load_embedder
from headform.nets.recognition.iresnet_net import LAYERS, IResNet
from headform.nets.recognition.light_cnn_net import LightCNN9, LightCNN29v2
from headform.nets.recognition.registry import NETWORKS, fill, load_recognition


def test_a_face_that_lies_as_the_template_is_cut_as_it_is() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    np.testing.assert_array_equal(ARCFACE.crop(rgb, arcface_points()), rgb)


def test_a_turned_and_scaled_face_is_cut_upright() -> None:
    # color is a linear function of the place in the crop, so that resampling is exact
    turn, scale, shift = np.deg2rad(25), 1.7, np.array([90.0, 40.0])
    R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    rows, columns = np.mgrid[0:340, 0:300]
    place = (np.stack([columns, rows], -1) + 0.5 - shift) @ R / scale
    rgb = np.zeros((340, 300, 3), np.uint8)
    rgb[..., :2] = np.clip(np.rint(2 * place), 0, 255)
    crop = ARCFACE.crop(rgb, scale * arcface_points() @ R.T + shift)
    expected = 2 * (np.stack(np.meshgrid(np.arange(112), np.arange(112)), -1) + 0.5)
    inside = np.s_[12:100, 12:100]
    np.testing.assert_allclose(crop[inside][..., :2], expected[inside], atol=1.1)


def test_templates_of_other_sizes() -> None:
    np.testing.assert_allclose(arcface_points(224), 2 * arcface_points(), rtol=1e-12)
    np.testing.assert_allclose(arcface_points()[0], [38.7946, 52.1963])
    points = eye_mouth_points(128, 40.0, 88.0)
    np.testing.assert_allclose(points[:2].mean(0), [64, 40], atol=1e-9)
    np.testing.assert_allclose(points[3:].mean(0), [64, 88], atol=1e-9)
    for network in NETWORKS.values():
        assert ((network.crop.points > 0) & (network.crop.points < network.crop.side)).all()


def test_values_in_each_order_of_channels() -> None:
    crops = np.zeros((1, 2, 2, 3), np.uint8)
    crops[0, 0, 1] = [255, 100, 0]
    points = np.zeros((5, 2))
    rgb = CropSpec(2, points, "rgb", (127.5,), (127.5,)).values(crops)
    assert rgb[0, :, 0, 1].tolist() == pytest.approx([1.0, 100 / 127.5 - 1, -1.0])
    bgr = CropSpec(2, points, "bgr", (1.0, 2.0, 3.0), (1.0, 2.0, 4.0)).values(crops)
    assert bgr[0, :, 0, 1].tolist() == pytest.approx([-1.0, 49.0, 63.0])
    gray = CropSpec(2, points, "gray", (0.0,), (255.0,)).values(crops)
    assert gray.shape == (1, 1, 2, 2)
    assert float(gray[0, 0, 0, 1]) == pytest.approx((0.299 * 255 + 58.7) / 255)


def test_points_that_place_no_crop() -> None:
    rgb = np.zeros((20, 20, 3), np.uint8)
    for points in (np.full((5, 2), 3.0), np.full((5, 2), np.nan)):
        with pytest.raises(FaceError) as caught:
            ARCFACE.crop(rgb, points)
        assert caught.value.code == "points_invalid"


def test_the_area_is_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(0, 1, 90), 1)  # with ties
    same = rng.random(90) < 0.3
    scores[same] += 0.8
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[same] for b in scores[~same]]
    assert roc_area(scores, same) == pytest.approx(np.mean(pairs), abs=1e-12)
    shares = [np.mean((scores >= t) == same) for t in [*scores, np.inf]]
    accuracy, threshold = best_accuracy(scores, same)
    assert accuracy == pytest.approx(max(shares))
    assert np.mean((scores >= threshold) == same) == pytest.approx(accuracy)
    with pytest.raises(ValueError, match="both matching"):
        roc_area(scores, np.ones(90, bool))


class Mean(nn.Module):
    """Answers the mean of each channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def test_unit_vectors_in_batches() -> None:
    embedder = TorchEmbedder("mean", Mean(), CropSpec(8, arcface_points(8), "rgb", (0.0,), (1.0,)))
    crops = np.random.default_rng(0).integers(1, 256, (70, 8, 8, 3), dtype=np.uint8)
    found = embedder.embed(crops)
    mean = crops.astype(float).mean((1, 2))
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean, axis=1)[:, None], rtol=1e-5)
    one = embed_faces(embedder, [crops[0]], [arcface_points(8)])
    np.testing.assert_allclose(one, found[:1], atol=1e-6)
    for bad in (np.zeros((1, 3)), np.full((1, 3), np.nan)):
        with pytest.raises(WeightsError) as caught:
            unit_rows(bad, "net")
        assert caught.value.code == "weights_nan"


def state(net: nn.Module) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        name: 0.02 * torch.randn(t.shape) + (name.endswith("running_var")) if t.is_floating_point() else torch.tensor(0)
        for name, t in net.state_dict().items()
    }


def meta(build: type[nn.Module], *arguments: object) -> nn.Module:
    with torch.device("meta"):
        return build(*arguments)


@pytest.fixture(scope="module")
def light_cnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as published: data-parallel names, the classifier, the layout before torch 1.6."""
    tensors = state(meta(LightCNN29v2)) | {"fc2.weight": torch.zeros(7, 256)}
    path = tmp_path_factory.mktemp("light") / "LightCNN_29Layers_V2_checkpoint.pth.tar"
    value = {"epoch": 5, "state_dict": {f"module.{k}": v for k, v in tensors.items()}, "prec1": 9.5}
    torch.save(value, path, _use_new_zipfile_serialization=False)
    return path


def test_a_published_checkpoint_is_known_by_its_names(light_cnn: Path) -> None:
    embedder = load_embedder(str(light_cnn))
    assert embedder.name.startswith("lightcnn")
    assert embedder.crop is LIGHT_CNN
    crops = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    found = embedder.embed(crops)
    net = LightCNN29v2().eval()
    net.load_state_dict(state(net))
    with torch.no_grad():
        expected = net(LIGHT_CNN.values(crops))
    expected = expected / expected.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(WeightsError, match=r"conv1\.weight is missing \(and \d+ more\)") as caught:
        load_embedder(f"arcface:{light_cnn}")
    assert caught.value.code == "weights_missing_key"


def test_the_smallest_light_cnn_is_known_by_its_names_too(tmp_path: Path) -> None:
    tensors = {f"module.{k}": v.half() for k, v in state(meta(LightCNN9)).items()}
    torch.save({"epoch": 5, "state_dict": tensors | {"module.fc2.weight": torch.zeros(7, 256)}}, tmp_path / "9.pth.tar")
    kind, net = load_recognition(tmp_path / "9.pth.tar")
    assert kind == "lightcnn"
    assert isinstance(net, LightCNN9)
    crops = LIGHT_CNN.values(np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8))
    with torch.no_grad():
        assert net(crops).shape == (1, 256)


def test_iresnet_of_any_size_and_part(tmp_path: Path) -> None:
    tensors = {k: v.half() for k, v in state(meta(IResNet, LAYERS[18])).items() if v.ndim}
    path = tmp_path / "mica.tar"
    torch.save({"arcface": tensors, "flameModel": {"x": torch.ones(1)}}, path)
    embedder = load_embedder(f"arcface:arcface@{path}")
    assert embedder.embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 512)
    safetensors.torch.save_file(tensors, tmp_path / "net.safetensors")
    assert load_embedder(str(tmp_path / "net.safetensors")).crop is ARCFACE
    assert FACENET.side == 160


def test_the_first_tensor_that_does_not_fit_is_named() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    good = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    cases = [
        ({"0.bias": torch.zeros(3)}, "weights_shape", r"0\.bias has shape \(3,\), expected \(2,\)"),
        ({"0.weight": torch.zeros(2, 3).long()}, "weights_dtype", r"0\.weight holds torch\.int64"),
        ({"1.weight": torch.tensor([1, np.inf])}, "weights_nan", r"1\.weight holds"),
        ({"2.bias": torch.zeros(1)}, "weights_missing_key", r"2\.bias is not expected"),
    ]
    for change, code, message in cases:
        with pytest.raises(WeightsError, match=message) as caught:
            fill(net, good | change, "here")
        assert caught.value.code == code
    lacking = {name: t for name, t in good.items() if name != "0.weight"}
    with pytest.raises(WeightsError, match=r"0\.weight is missing") as caught:
        fill(net, lacking, "here")
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, good[name])
    fill(net, {n: t for n, t in good.items() if n != "1.num_batches_tracked"}, "here")


def test_what_is_no_embedder(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.ones(2)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a\.weight") as caught:
        load_embedder(str(tmp_path / "a.pth"))
    assert caught.value.code == "weights_kind"
    for load in (lambda: load_embedder("nose:a.pth"), lambda: load_recognition("a.pth", "nose")):
        with pytest.raises(UsageError) as usage:
            load()
        assert usage.value.code == "embedder_kind"
    with pytest.raises(WeightsError) as caught:
        load_embedder(str(tmp_path / "none.pth"))
    assert caught.value.code == "weights_missing"


def varint(value: int) -> bytes:
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if not value:
            return out


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_file(
    path: Path,
    shape: tuple[int, ...],
    *,
    kind: int = 1,
    operator: str = "Flatten",
    external: bool = False,
) -> Path:
    """A network of one operator, written byte by byte after onnx.proto."""
    dims = b"".join(field(1, field(1, n)) for n in shape)
    inputs = field(1, b"x") + field(2, field(1, field(1, kind) + field(2, dims)))
    outputs = field(1, b"y") + field(2, field(1, field(1, kind)))
    node = field(1, b"x") + field(2, b"y") + field(4, operator.encode())
    graph = field(1, node) + field(2, b"g")
    if external:
        place = field(1, b"location") + field(2, b"../../etc/passwd")
        graph += field(5, field(1, 4) + field(2, 1) + field(8, b"w") + field(13, place) + field(14, 1))
    graph += field(11, inputs) + field(12, outputs)
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 17)))
    return path


def test_onnx_files_that_are_embedders_and_not(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    good = onnx_file(tmp_path / "a.onnx", (1, 3, 112, 112))
    embedder = load_embedder(str(good))
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    x = (crops.transpose(0, 3, 1, 2).reshape(3, -1).astype(float) - 127.5) / 127.5
    np.testing.assert_allclose(embedder.embed(crops), x / np.linalg.norm(x, axis=1, keepdims=True), atol=1e-6)
    raw = load_embedder(f"onnx-raw:{good}").embed(crops)
    x = crops.transpose(0, 3, 1, 2).reshape(3, -1).astype(float)
    np.testing.assert_allclose(raw, x / np.linalg.norm(x, axis=1, keepdims=True), atol=1e-6)
    bgr = load_embedder(f"onnx-bgr:{good}").embed(crops[..., ::-1].copy())
    np.testing.assert_allclose(bgr, embedder.embed(crops), atol=1e-6)
    odd = tmp_path / "odd.onnx"
    odd.write_bytes(good.read_bytes().replace(b"\x0a\x01x", b"\x0a\x01\xce"))  # a name that is no text
    cases = [
        (odd, "weights_mismatch", "UTF-8"),
        (onnx_file(tmp_path / "b.onnx", (1, 3, 128, 128)), "weights_mismatch", "its input is"),
        (onnx_file(tmp_path / "c.onnx", (1, 112, 112, 3)), "weights_mismatch", "its input is"),
        (
            onnx_file(tmp_path / "d.onnx", (1, 3, 112, 112), operator="Relu"),
            "weights_mismatch",
            "output",
        ),
        (onnx_file(tmp_path / "e.onnx", (1, 3, 112, 112), kind=10), "weights_mismatch", "type"),
        (
            onnx_file(tmp_path / "f.onnx", (1, 3, 112, 112), operator="Evil"),
            "weights_damaged",
            "usable",
        ),
        (
            onnx_file(tmp_path / "g.onnx", (1, 3, 112, 112), external=True),
            "weights_damaged",
            "other",
        ),
    ]
    (tmp_path / "h.onnx").write_bytes(good.read_bytes()[:40])
    cases.append((tmp_path / "h.onnx", "weights_damaged", "usable"))
    for path, code, message in cases:
        with pytest.raises(WeightsError, match=message) as caught:
            load_embedder(f"onnx:{path}")
        assert caught.value.code == code, path


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = onnx_file(tmp_path / "a.onnx", (1, 3, 112, 112))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"headform\[onnx\]"):
        load_embedder(str(path))


def test_people_are_told_apart(data_root: Path) -> None:
    pytest.importorskip("onnxruntime")
    photos = read_pairs(data_root / DEEPFACE)
    vectors = embedding_of(load_embedder(str(data_root / CRITIC)), Faces())(photos.names)
    assert photos.pairs is not None
    scores, same = pair_cosines(vectors, photos.pairs)
    assert (same.sum(), len(same)) == (38, 300)
    # measured 1.0000, 1.0000, and 0.541 against 0.412
    assert roc_area(scores, same) > 0.999
    assert best_accuracy(scores, same)[0] > 0.99
    assert scores[same].min() > 0.48
    assert scores[~same].max() < 0.47
