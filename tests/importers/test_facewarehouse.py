"""FaceWarehouse from tensor, shape.bs and OBJ files: one model whichever it is, with principal components by another way."""

import struct
from pathlib import Path

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import facewarehouse
from tests.importers.made_surface import surface, wave

VERTICES, QUADS, IDENTITIES = 11510, 11400, 3


def shapes(number: int, vertices: int = VERTICES) -> np.ndarray:
    """47 shapes of one identity, in decimeters, float32."""
    mean, _ = surface(vertices, 4)
    own = 0.05 * wave(1, 3 * vertices, number).reshape(vertices, 3) * (1 + number)
    moves = 0.02 * wave(47, 3 * vertices, 9).reshape(47, vertices, 3)
    moves[0] = 0
    return (mean / 100 + own + moves * (1 + 0.1 * number)).astype(np.float32)


def bs(values: np.ndarray, faces: int = 11540) -> bytes:
    return struct.pack("<iii", 46, values.shape[1], faces) + values.astype("<f4").tobytes()


def quads(vertices: int, count: int) -> np.ndarray:
    """Quads of which the first fan triangles face outwards."""
    faces = surface(vertices, count)[1]
    return np.concatenate([faces, faces[:, 2:]], 1)


def obj(points: np.ndarray, polygons: np.ndarray) -> str:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points.tolist()]
    return "\n".join(lines + ["f " + " ".join(str(k + 1) for k in q) for q in polygons.tolist()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three Testers with shape.bs, a mesh for the first, and both tensors."""
    root = tmp_path_factory.mktemp("fw")
    people = [shapes(k) for k in range(IDENTITIES)]
    for k, values in enumerate(people):
        place = root / f"Tester_{9 + k}/Blendshape"
        place.mkdir(parents=True)
        (place / "shape.bs").write_bytes(bs(values))
    mesh = obj(people[0][0], quads(VERTICES, QUADS))
    (root / "Tester_9/Blendshape/shape_0.obj").write_text(mesh)
    (root / "shape_0.obj").write_text(obj(people[0][0], quads(VERTICES, 50)))
    (root / "Tester_12").mkdir()
    (root / "raw_tensor.bin").write_bytes(b"".join(v.tobytes() for v in people))
    np.save(root / "tensor.npy", np.array(people[:2]).reshape(2, 47, -1).astype(np.float64))
    return root


def refusal(path: Path, *with_: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        facewarehouse.read(path, with_)
    return caught.value


@pytest.fixture(scope="module")
def head(folder: Path) -> LinearHead:
    return facewarehouse.read(folder)


def test_mean_modes_and_expressions(head: LinearHead) -> None:
    check_head(head)
    people = np.array([shapes(k) for k in range(IDENTITIES)]).astype(np.float64)
    mean = people[:, 0].mean(0)
    np.testing.assert_allclose(head.mean, mean / 10, atol=1e-7)
    moves = (people[:, 1:] - people[:, :1]).mean(0)
    np.testing.assert_allclose(head.expression, moves / 10, atol=1e-7)
    assert head.expression_names[0] == "shape_1"
    assert len(head.expression_names) == 46
    _, values, rows = np.linalg.svd((people[:, 0] - mean).reshape(IDENTITIES, -1), full_matrices=False)
    sigma = values[:2] / np.sqrt(IDENTITIES - 1)
    np.testing.assert_allclose(head.sigma, sigma, rtol=1e-5)
    modes = head.identity.reshape(2, -1).numpy()
    expected = rows[:2] * sigma[:, None] / 10
    sign = np.sign((modes * expected).sum(1, keepdims=True))
    np.testing.assert_allclose(modes, sign * expected, atol=1e-7)
    notes = " ".join(head.provenance.notes)
    assert "dm by the height" in notes
    assert "Tester_12" in notes
    assert "bilinear data made linear" in notes
    assert [source.name for source in head.provenance.sources] == ["shape.bs"] * 3 + ["shape_0.obj"]


def test_quads_become_triangles(head: LinearHead) -> None:
    corners = quads(VERTICES, QUADS)
    assert head.faces.shape == (2 * QUADS, 3)
    expected = np.stack([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]], 1).reshape(-1, 3)
    turned = any("reversed" in note for note in head.provenance.notes)
    np.testing.assert_array_equal(head.faces, expected[:, ::-1] if turned else expected)


def test_the_tensor_says_the_same(folder: Path, head: LinearHead) -> None:
    assert facewarehouse.recognizes(folder)
    assert facewarehouse.recognizes(folder / "raw_tensor.bin")
    assert facewarehouse.recognizes(folder / "tensor.npy")
    other = facewarehouse.read(folder / "raw_tensor.bin")
    for name in ("mean", "identity", "expression", "sigma"):
        np.testing.assert_array_equal(getattr(other, name), getattr(head, name))
    two = facewarehouse.read(folder / "tensor.npy", (folder / "shape_0.obj",))
    people = np.array([shapes(k)[0] for k in range(2)]).astype(np.float64)
    np.testing.assert_allclose(two.mean, people.mean(0) / 10, atol=1e-7)
    assert two.identity.shape == (1, VERTICES, 3)
    difference = (people[1] - people[0]) / 2 * np.sqrt(2) / 10
    length = np.abs((two.identity[0].numpy() * difference).sum())
    assert length == pytest.approx((difference**2).sum(), rel=1e-5)


def test_one_identity_and_meshes(tmp_path: Path) -> None:
    values = shapes(1, 40)
    place = tmp_path / "Blendshape"
    place.mkdir()
    polygons = quads(40, 30)
    for k in range(47):
        (place / f"shape_{k}.obj").write_text(obj(values[k], polygons))
    assert facewarehouse.recognizes(tmp_path)
    head = facewarehouse.read(tmp_path)
    check_head(head)
    assert head.identity.shape == (0, 40, 3)
    np.testing.assert_allclose(head.expression, (values[1:] - values[0]) / 10, atol=1e-7)
    (place / "shape.bs").write_bytes(bs(values) + b"polygons")
    other = facewarehouse.read(place / "shape.bs")
    np.testing.assert_allclose(other.mean, head.mean, atol=1e-8)
    (place / "shape_46.obj").write_text(obj(values[0, :39], polygons[:1] * 0 + [0, 1, 2, 3]))
    (place / "shape.bs").unlink()
    assert refusal(tmp_path).code == "model_mismatch"


def test_what_is_wrong(tmp_path: Path) -> None:
    values = shapes(0, 40)
    path = tmp_path / "shape.bs"
    path.write_bytes(bs(values))
    assert refusal(path).code == "model_missing_key"  # no triangles anywhere
    mesh = tmp_path / "any.obj"
    for text, code in (
        (obj(values[0, :39], quads(39, 5)), "model_mismatch"),
        (obj(values[0], quads(40, 5) + 40), "model_index"),
        ("v 1 2 nan\nf 1 1 1\n", "model_not_finite"),
        ("v 1 2\n", "weights_damaged"),
    ):
        mesh.write_text(text)
        assert refusal(path, mesh).code == code
    assert refusal(path, tmp_path / "absent.obj").code == "weights_missing"
    mesh.write_text(obj(values[0], quads(40, 5)))
    assert refusal(path, mesh, path).code == "model_kind"
    data = bs(values)
    for broken in (
        data[:5],
        data[:-4],
        struct.pack("<iii", 45, 40, 30) + data[12:],
        struct.pack("<iii", 46, 2**31 - 1, 30) + data[12:],
        struct.pack("<iii", 46, -1, 30) + data[12:],
    ):
        path.write_bytes(broken)
        assert not facewarehouse.recognizes(path)
        assert refusal(path, mesh).code == "weights_damaged"
    values[3, 2, 1] = np.nan
    path.write_bytes(bs(values))
    assert refusal(path, mesh).code == "model_not_finite"
    tensor = tmp_path / "t.bin"
    tensor.write_bytes(b"\0" * 1000)
    assert refusal(tensor, mesh).code == "weights_damaged"
    assert refusal(tmp_path / "absent.bin", mesh).code == "weights_missing"
    assert refusal(tmp_path, mesh).code == "model_not_finite"  # the folder of the shape.bs above
    path.unlink()
    assert refusal(tmp_path, mesh).code == "model_kind"
    assert not facewarehouse.recognizes(tmp_path)
