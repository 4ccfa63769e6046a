"""Hierarchies as tensors and files: what is read is what was written, and nothing damaged passes."""

import numpy as np
import pytest
import safetensors.numpy
import torch

from headform.errors import InputError, ResourceError, WeightsError
from headform.mesh import hierarchy_file
from headform.mesh.hierarchy import MeshHierarchy, build_hierarchy, topology_hash
from headform.mesh.hierarchy_file import (
    cached_hierarchy,
    load_hierarchy,
    save_hierarchy,
)
from tests.mesh.surfaces import face_sheet


@pytest.fixture(scope="module")
def mesh():
    return face_sheet(12, 15)


@pytest.fixture(scope="module")
def built(mesh):
    return build_hierarchy(*mesh, (4, 4), edge_weight="per_triangle")


def same(a, b, tolerance=0.0):
    assert (a.counts, a.edge_weight, a.topology) == (b.counts, b.edge_weight, b.topology)
    for name in ("faces", "kept", "up_vertices"):
        for one, other in zip(getattr(a, name), getattr(b, name), strict=True):
            assert one.dtype == other.dtype == np.int64
            np.testing.assert_array_equal(one, other)
    for one, other in zip(a.up_weights, b.up_weights, strict=True):
        assert other.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
    for one, other in zip(a.laplacians, b.laplacians, strict=True):
        assert abs(one - other).max() == 0.0


def test_a_file_loses_nothing(built, tmp_path) -> None:
    save_hierarchy(tmp_path / "h.safetensors", built)
    same(built, load_hierarchy(tmp_path / "h.safetensors"))
    save_hierarchy(tmp_path / "again.safetensors", built)
    assert (tmp_path / "h.safetensors").read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def test_tensors_are_compact(built) -> None:
    tensors = built.to_tensors()
    assert {t.dtype for n, t in tensors.items() if n.startswith("up_weights")} == {np.dtype("f4")}
    same(built, MeshHierarchy.from_tensors(tensors), tolerance=6e-8)
    same(
        built,
        MeshHierarchy.from_tensors({n: torch.from_numpy(t) for n, t in tensors.items()}),
        tolerance=6e-8,
    )


def changed(tensors, name, change):
    array = tensors[name].copy()
    return tensors | {name: change(array)}


def put(index, value):
    def change(array):
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("faces.1", put((0, 0), 45), "faces.1 has an index outside 0 to 44"),
        ("faces.2", put((0, 0), -1), "faces.2 has an index outside"),
        ("faces.0", lambda a: a[:0], "faces.0 is empty"),
        ("faces.0", lambda a: a[:, :2], "faces.0 has shape"),
        ("faces.0", lambda a: a.astype(np.float32), "faces.0 holds float32"),
        ("kept.0", lambda a: a[::-1].copy(), "kept.0 is not ascending"),
        ("kept.0", lambda a: a[:-1], "kept.0 has shape"),
        ("kept.1", put(-1, 45), "kept.1 has an index outside"),
        ("up_vertices.0", put((0, 2), 45), "up_vertices.0 has an index outside"),
        ("up_weights.1", lambda a: a[1:], "up_weights.1 has shape"),
        ("up_weights.1", lambda a: a * np.float32(0.999), "rows that are not barycentric weights"),
        ("up_weights.1", put((3,), [2.0, -1.0, 0.0]), "rows that are not barycentric weights"),
        ("up_weights.1", put((3, 0), np.nan), "rows that are not barycentric weights"),
        ("up_weights.1", lambda a: (a * 100).astype(int), "holds int64"),
        ("up_vertices.0", lambda a: (a + 1) % 45, "moves a vertex that is kept"),
        ("up_weights.0", lambda a: a[:, ::-1].copy(), "moves a vertex that is kept"),
        ("counts", put(0, 181), "has shape"),
        ("counts", lambda a: a[:1], "counts must be a list"),
        ("counts", put(1, 0), "counts must be a list"),
        ("counts", lambda a: a[:-1], "is not expected"),
        ("edge_weight", put(0, 2), "edge_weight is an unknown convention"),
        ("edge_weight", lambda a: a.astype(float), "edge_weight is an unknown convention"),
    ],
)
def test_damaged_tensors_are_refused(built, name, change, says) -> None:
    with pytest.raises(WeightsError, match=says) as caught:
        MeshHierarchy.from_tensors(changed(built.to_tensors(), name, change))
    assert caught.value.code == "hierarchy_damaged"


def test_missing_and_foreign_tensors_are_refused(built) -> None:
    tensors = built.to_tensors()
    for name in tensors:
        with pytest.raises(WeightsError, match=f"{name} is missing"):
            MeshHierarchy.from_tensors({n: t for n, t in tensors.items() if n != name})
    with pytest.raises(WeightsError, match="notes is not expected"):
        MeshHierarchy.from_tensors(tensors | {"notes": np.zeros(1)})


def test_any_flipped_byte_is_found(built, tmp_path) -> None:
    path = tmp_path / "h.safetensors"
    save_hierarchy(path, built)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in [0, 9, *rng.integers(0, len(data), 40).tolist(), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with pytest.raises(WeightsError) as caught:
            load_hierarchy(path)
        assert caught.value.code == "hierarchy_damaged"
    path.write_bytes(data[:-8])
    with pytest.raises(WeightsError, match="build the hierarchy again"):
        load_hierarchy(path)
    path.write_bytes(safetensors.numpy.save(built.to_tensors()))
    with pytest.raises(WeightsError, match="does not match its digest"):
        load_hierarchy(path)


def test_absent_files_and_folders(built, tmp_path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_hierarchy(tmp_path / "none")
    assert caught.value.code == "weights_missing"
    with pytest.raises(ResourceError):
        save_hierarchy(tmp_path / "no" / "folder", built)


def counting(monkeypatch):
    calls = []

    def build(*args, **options):
        calls.append(options)
        return build_hierarchy(*args, **options)

    monkeypatch.setattr(hierarchy_file, "build_hierarchy", build)
    return calls


def test_the_cache_builds_once_and_again_when_damaged(mesh, tmp_path, monkeypatch) -> None:
    calls = counting(monkeypatch)
    folder = tmp_path / "deep" / "down"
    first = cached_hierarchy(*mesh, (4, 4), folder=folder)
    same(first, cached_hierarchy(*mesh, (4, 4), folder=folder))
    assert len(calls) == 1
    (path,) = folder.iterdir()
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    same(first, cached_hierarchy(*mesh, (4, 4), folder=folder))
    assert len(calls) == 2
    assert path.read_bytes() == good


def test_whatever_matters_has_its_own_place(mesh, tmp_path, monkeypatch) -> None:
    calls = counting(monkeypatch)
    vertices, faces = mesh
    nobody = np.zeros(len(vertices), bool)
    moved = vertices.copy()
    moved[7, 2] += 1e-9
    asked = [
        ((vertices, faces, (4, 4)), {}),
        ((vertices, faces, (4, 3)), {}),
        ((moved, faces, (4, 4)), {}),
        ((vertices, np.roll(faces, 1, axis=0), (4, 4)), {}),
        ((vertices, faces, (4, 4)), {"edge_weight": "per_triangle"}),
        ((vertices, faces, (4, 4)), {"rule": "symmetric"}),
        ((vertices, faces, (4, 4)), {"rule": "symmetric", "keep": nobody}),
        ((vertices, faces, (4, 4)), {"rule": "symmetric", "keep": np.arange(180) == 3}),
        ((vertices, faces, (4, 4)), {"rule": "symmetric", "keep": nobody, "keep_levels": 1}),
        ((vertices, faces, (4, 4)), {"rule": "symmetric", "mirror": np.arange(180)}),
    ]
    for args, options in asked:
        cached_hierarchy(*args, **options, folder=tmp_path)
    assert len(calls) == len(asked) == len(list(tmp_path.iterdir()))
    monkeypatch.setattr(hierarchy_file, "_ALGORITHM", 0)
    cached_hierarchy(*mesh, (4, 4), folder=tmp_path)
    assert len(calls) == len(asked) + 1, "another algorithm, another file"


def test_where_nothing_can_be_written_it_is_built(mesh, tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert cached_hierarchy(*mesh, (4,), folder=tmp_path / "file" / "x").counts == (180, 45)
    with pytest.raises(InputError):
        cached_hierarchy(mesh[0], mesh[1] + 1, (4,), folder=tmp_path)


def test_without_a_home_it_is_built(mesh, monkeypatch) -> None:
    monkeypatch.setattr(hierarchy_file, "cache_root", lambda: None)
    assert cached_hierarchy(*mesh, (4,)).counts == (180, 45)


def test_the_hash_is_of_the_triangles(mesh, built) -> None:
    _, faces = mesh
    assert built.topology == topology_hash(faces.astype(np.int32), 180)
    assert len({topology_hash(faces, 181), topology_hash(faces[1:], 180), built.topology}) == 3
