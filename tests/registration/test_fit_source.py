"""What heads are fitted to: units, landmarks, pictures, reconstructions, refusals."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from headform import heads
from headform.errors import InputError, MeshWarning, WeightsError
from headform.export import parameters
from headform.heads.coefficients import FLAME, layout_of
from headform.heads.linear import LinearHead
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.fit_source import (
    head_source,
    parameters_source,
    read_landmarks,
    read_mesh,
    scan_source,
)
from headform.registration.scan_landmarks import ScanLandmarker
from tests.heads.flame.flame_heads import tiny_flame
from tests.io.mesh.test_ply import meshlab
from tests.mesh.surfaces import face_sheet

UV = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


def landmarks(scale: float) -> np.ndarray:
    points = np.full((68, 3), np.nan)
    points[36], points[45] = [-0.044 * scale, 0, 0], [0.044 * scale, 0, 0]
    return points


def look() -> TriangleMesh:
    return TriangleMesh(*face_sheet(5, 5))


@pytest.mark.parametrize(("unit", "per_meter"), [("m", 1), ("dm", 10), ("cm", 100), ("mm", 1e3), ("um", 1e6)])
def test_the_unit_is_told_by_the_eyes(unit, per_meter):
    source = scan_source("scan", look(), landmarks(per_meter))
    assert source.unit == unit
    assert source.meters == pytest.approx(1 / per_meter)
    assert source.is_scan
    assert scan_source("scan", look(), landmarks(per_meter), unit=unit).meters == source.meters


def test_an_unknown_unit_is_scaled_to_a_head_and_a_wrong_one_refused():
    source = scan_source("scan", look(), landmarks(3.5))
    assert source.unit == ""
    assert source.meters * 2 * 0.044 * 3.5 == pytest.approx(0.089)
    with pytest.raises(InputError, match="outer eye corners are 88 m apart") as caught:
        scan_source("scan", look(), landmarks(1000.0), unit="m")
    assert caught.value.code == "mesh_unit"
    with pytest.raises(InputError) as caught:
        scan_source("scan", look(), np.full((68, 3), np.nan))
    assert caught.value.code == "landmarks_count"


def test_seven_fifty_one_or_sixty_eight_landmarks(tmp_path):
    path = tmp_path / "seven.txt"
    rows = np.arange(21.0).reshape(7, 3)
    np.savetxt(path, rows)
    seven = read_landmarks(path)
    np.testing.assert_array_equal(seven[[36, 39, 42, 45, 33, 48, 54]], rows)
    assert np.isfinite(seven).all(1).sum() == 7
    np.savetxt(path, np.arange(204.0).reshape(68, 3), delimiter=",")
    np.testing.assert_array_equal(read_landmarks(path), np.arange(204.0).reshape(68, 3))
    np.savetxt(path, np.arange(153.0).reshape(51, 3))
    inner = read_landmarks(path)
    np.testing.assert_array_equal(inner[17:], np.arange(153.0).reshape(51, 3))
    assert np.isnan(inner[:17]).all()
    np.savetxt(path, np.ones((5, 3)))
    with pytest.raises(InputError, match="5 points") as caught:
        read_landmarks(path)
    assert caught.value.code == "landmarks_count"


def textured(tmp_path) -> TriangleMesh:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    mesh = TriangleMesh(vertices, faces, UV, faces)
    (tmp_path / "scan.obj").write_bytes(obj.encode(mesh))
    (tmp_path / "scan.ply").write_bytes(ply.encode(mesh))
    return mesh


def picture(path, color, side=64) -> None:
    Image.new("RGB", (side, side), color).save(path)


def test_meshes_and_their_pictures(tmp_path):
    textured(tmp_path)
    found, digest = read_mesh(tmp_path / "scan.obj")
    assert (found.texture, found.uv, found.colored) == (None, None, False)
    assert len(digest) == 64
    picture(tmp_path / "scan.png", (1, 2, 3))
    beside, _ = read_mesh(tmp_path / "scan.obj")
    assert tuple(beside.texture[0, 0]) == (1, 2, 3)
    picture(tmp_path / "other.png", (9, 9, 9))
    named, _ = read_mesh(tmp_path / "scan.obj", tmp_path / "other.png")
    assert tuple(named.texture[0, 0]) == (9, 9, 9)
    np.testing.assert_array_equal(named.uv, UV)
    (tmp_path / "ply_inside.obj").write_bytes((tmp_path / "scan.ply").read_bytes())
    assert len(read_mesh(tmp_path / "ply_inside.obj")[0].faces) == 2


@pytest.mark.parametrize("content", ["small", "damaged"])
def test_a_picture_beside_the_mesh_that_cannot_be_used_is_passed_over(tmp_path, content):
    textured(tmp_path)
    picture(tmp_path / "scan.png", (1, 2, 3), side=4)
    if content == "damaged":
        (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.warns(MeshWarning, match="picture beside it is not used"):
        found, _ = read_mesh(tmp_path / "scan.obj")
    assert (found.texture, found.uv) == (None, None)


def test_the_picture_that_a_ply_file_names(tmp_path):
    picture(tmp_path / "skin one.png", (9, 8, 7))
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "scan.ply"
    path.write_bytes(meshlab("binary_little_endian", numbers=(0, 0, 0), pictures=("../skin one.png",)))
    assert read_mesh(path)[0].texture is None, "it may not name files of other folders"
    picture(tmp_path / "in" / "skin one.png", (1, 1, 1))
    found, _ = read_mesh(path)
    assert tuple(found.texture[0, 0]) == (1, 1, 1)
    assert found.uv_faces.shape == (4, 3)
    for name in ("absent.png", "..", "a/.."):
        path.write_bytes(meshlab("ascii", numbers=(0, 0, 0), pictures=(name,)))
        assert read_mesh(path)[0].texture is None, name
    path.write_bytes(meshlab("ascii"))
    with pytest.warns(MeshWarning, match="in 2 pictures"):
        assert read_mesh(path)[0].texture is None


def test_bad_meshes(tmp_path):
    textured(tmp_path)
    picture(tmp_path / "other.png", (9, 9, 9))
    with pytest.raises(InputError) as caught:
        read_mesh(tmp_path / "scan.ply", tmp_path / "other.png")
    assert caught.value.code == "mesh_untextured"
    points = tmp_path / "points.obj"
    points.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    with pytest.raises(InputError, match="no faces") as caught:
        read_mesh(points)
    assert caught.value.code == "mesh_empty"
    points.write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    with pytest.raises(InputError) as caught:
        read_mesh(points)
    assert caught.value.code == "mesh_degenerate"


@pytest.mark.parametrize("copies", [1, 4000])
def test_a_mesh_of_one_triangle_is_refused_at_once(copies):
    """It was drawn from 48 sides, or searched for ever."""
    vertices = np.array([[0.0, 0, 0], [100, 0, 0], [0, 100, 0]])
    mesh = TriangleMesh(vertices, np.array([[0, 1, 2]] * copies))
    with pytest.raises(InputError) as caught:
        scan_source("scan", mesh, landmarks(1000))
    assert caught.value.code == "mesh_degenerate"
    with pytest.raises(InputError) as caught:
        ScanLandmarker.find(None, mesh, name="scan")  # before any network is asked
    assert caught.value.code == "mesh_degenerate"


def test_a_head_and_its_code(head):
    layout = layout_of(head)
    code = layout.sample(generator=torch.Generator().manual_seed(2))
    source = head_source(head, code, code_origin="seed 2")
    np.testing.assert_allclose(source.mesh.vertices, head.vertices(code["identity"]).double().numpy(), atol=1e-7)
    assert (source.unit, source.is_scan, source.origin["code"]) == ("m", False, "seed 2")
    assert np.isfinite(source.landmarks).all()
    mean = head_source(head)
    np.testing.assert_array_equal(mean.mesh.vertices, head.mean.double().numpy())
    np.testing.assert_allclose(mean.landmarks, head.landmarks(head.mean, offset=False).numpy(), atol=1e-7)


def write_parameters(path, head: LinearHead, **changed) -> None:
    arrays = {
        "vertices": head.mean.numpy() + np.float32(0.001),
        "head_name": np.array(head.name),
        "head_sha256": np.array(head.sha256),
        **changed,
    }
    path.write_bytes(parameters.encode(arrays))


def test_a_reconstruction(head, tmp_path):
    path = tmp_path / "anna" / "parameters.npz"
    path.parent.mkdir()
    write_parameters(path, head)
    source = parameters_source(path)
    assert source.name == "anna"
    np.testing.assert_allclose(source.mesh.vertices, head.mean.numpy() + 0.001, atol=1e-7)
    np.testing.assert_allclose(source.landmarks, head.landmarks(head.mean, offset=False).numpy() + 0.001, atol=1e-6)
    write_parameters(path, head, head_sha256=np.array("0" * 64))
    with pytest.raises(WeightsError, match="was made with") as caught:
        parameters_source(path)
    assert caught.value.code == "model_mismatch"
    write_parameters(path, head, vertices=np.zeros((4, 3), np.float32))
    with pytest.raises(InputError) as wrong:
        parameters_source(path)
    assert wrong.value.code == "parameters_format"
    path.write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(WeightsError):
        parameters_source(path)
    store = io.BytesIO()
    np.savez(store, vertices=np.array([object()]), head_name="", head_sha256="")
    path.write_bytes(store.getvalue())
    with pytest.raises(WeightsError) as unsafe:
        parameters_source(path)
    assert unsafe.value.code == "unsafe_pickle"


def test_a_head_without_landmarks_is_no_source(head):
    bare = replace(
        head,
        landmark_vertices=torch.zeros(0, 3, dtype=torch.int64),
        landmark_weights=torch.zeros(0, 3),
        landmark_offset=torch.zeros(0, 3),
    )
    with pytest.raises(WeightsError) as caught:
        head_source(bare)
    assert caught.value.code == "head_lacks"


def test_a_posed_flame_head_is_a_source_as_it_is_posed():
    small = replace(tiny_flame(), landmark_offset=torch.zeros(68, 3))
    code = FLAME.split(torch.randn(FLAME.size, generator=torch.Generator().manual_seed(1)))
    source = head_source(small, code)
    posed = small.decode(code)
    np.testing.assert_allclose(source.mesh.vertices, posed.vertices.numpy(), atol=1e-7)
    np.testing.assert_allclose(source.landmarks, small.landmarks3d(posed).numpy(), atol=1e-6)
    shut = small.vertices(code["shape"][:4], code["expression"][:3])
    assert (posed.vertices - shut).abs().max() > 0.01
    bare = layout_of(small).sample(generator=torch.Generator().manual_seed(2))
    plain = small.vertices(bare["identity"], bare["expression"]).numpy()
    np.testing.assert_allclose(head_source(small, bare).mesh.vertices, plain, atol=1e-7)
