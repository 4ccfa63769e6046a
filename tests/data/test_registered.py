"""Folders of registered meshes: read, checked, scaled, aligned."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.data import MeshDataset, RegisteredMeshes, npz_meshes, read_registered
from headform.errors import InputError
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh

FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


def tetrahedra(count: int = 4, size: float = 200.0) -> np.ndarray:
    """Irregular ones, about `size` long."""
    base = np.array([[0, 0, 0], [1, 0, 0], [0.2, 0.8, 0], [0.1, 0.3, 0.6]]) * size
    return base + np.random.default_rng(0).normal(0, 0.02 * size, (count, 4, 3))


def write(folder: Path, rows: np.ndarray, faces: np.ndarray = FACES) -> Path:
    """Meshes under names that are not in the order of writing, in all three formats."""
    for number, vertices in reversed(list(enumerate(rows))):
        mesh = TriangleMesh(vertices, faces)
        path = folder / f"face_{number:02d}"
        if number % 3 == 0:
            obj.write(path.with_suffix(".obj"), mesh)
        elif number % 3 == 1:
            ply.write(path.with_suffix(".ply"), mesh)
        else:
            np.savez(path.with_suffix(".npz"), vertices=vertices, faces=faces)
    (folder / "readme.txt").write_text("not a mesh")
    return folder


def refusal(source: Path, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        read_registered(source, **options)
    return caught.value


def test_reads_all_formats_in_order_of_names_in_meters(tmp_path: Path) -> None:
    rows = tetrahedra()
    got = read_registered(write(tmp_path, rows), name="four", license="ours")
    assert isinstance(got, MeshDataset)
    assert (got.name, got.license, got.count, got.unit) == ("four", "ours", 4, "mm")
    assert got.files == ("face_00.obj", "face_01.ply", "face_02.npz", "face_03.obj")
    np.testing.assert_array_equal(got.faces, FACES)
    np.testing.assert_allclose(got.vertices(np.array([2, 0])), rows[[2, 0]] / 1000, rtol=1e-6)


@pytest.mark.parametrize(("size", "unit"), [(0.2, "m"), (20.0, "cm"), (200.0, "mm")])
def test_tells_the_unit(tmp_path: Path, size: float, unit: str) -> None:
    got = read_registered(write(tmp_path, tetrahedra(size=size)))
    assert got.unit == unit
    assert np.ptp(got.table[0].numpy(), axis=0).max() == pytest.approx(0.2, rel=0.1)


def test_a_unit_that_cannot_be_told_must_be_named(tmp_path: Path) -> None:
    write(tmp_path, tetrahedra(size=3.0))
    error = refusal(tmp_path)
    assert error.code == "mesh_unit"
    assert "name the unit" in str(error)
    got = read_registered(tmp_path, unit="cm")
    np.testing.assert_allclose(got.table, tetrahedra(size=3.0) / 100, rtol=1e-5)


def test_mixed_units_are_found(tmp_path: Path) -> None:
    rows = tetrahedra()
    rows[2] /= 10
    error = refusal(write(tmp_path, rows))
    assert (error.code, error.location) == ("mesh_unit", "'face_02.npz'")


def test_one_npz_of_many(tmp_path: Path) -> None:
    rows = tetrahedra()
    np.savez_compressed(tmp_path / "all.npz", vertices=rows, faces=FACES.astype(np.int32))
    got = read_registered(tmp_path / "all.npz")
    assert got.files == ("all.npz[0]", "all.npz[1]", "all.npz[2]", "all.npz[3]")
    np.testing.assert_allclose(got.table, rows / 1000, rtol=1e-6)


def test_other_topology_is_named(tmp_path: Path) -> None:
    write(tmp_path, tetrahedra())
    extra = np.concatenate([tetrahedra()[0], [[0, 0, 0]]])
    path = tmp_path / "face_09.obj"
    obj.write(path, TriangleMesh(extra, FACES))
    error = refusal(tmp_path)
    assert (error.code, error.location) == ("mesh_topology", "'face_09.obj'")
    assert "5 vertices, but 'face_00.obj' has 4" in error.message
    obj.write(path, TriangleMesh(tetrahedra()[0], FACES[:3]))
    assert "3 triangles, but 'face_00.obj' has 4" in refusal(tmp_path).message
    obj.write(path, TriangleMesh(tetrahedra()[0], FACES[[0, 2, 1, 3]]))
    assert "triangle 1 is [0, 3, 1], but [0, 2, 3] in" in refusal(tmp_path).message
    assert "(2 of 4 differ)" in refusal(tmp_path).message


def test_broken_files_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent").code == "no_meshes"
    assert refusal(tmp_path).code == "no_meshes"
    bad = tetrahedra(1)
    bad[0, 2, 1] = np.nan
    path = tmp_path / "a.npz"
    np.savez(path, vertices=bad, faces=FACES)
    assert (refusal(path).code, refusal(path).location) == ("mesh_not_finite", "'a.npz', vertex 2")
    np.savez(path, vertices=tetrahedra(1), faces=FACES + 1)
    assert refusal(path).code == "mesh_index"
    np.savez(path, vertices=tetrahedra(1))
    assert "no array `faces`" in refusal(path).message
    np.savez(path, vertices=tetrahedra(1)[..., :2], faces=FACES)
    assert "(1, 4, 2)" in refusal(path).message
    np.savez(path, vertices=np.array([{}]), faces=FACES)
    assert "Python objects" in refusal(path).message
    path.write_bytes(b"PK no zip")
    assert refusal(path).code == "mesh_format"


def test_an_npz_that_lies_about_its_size_takes_no_memory(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 4, 3)}
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("vertices.npy", buffer.getvalue() + bytes(48))
    assert refusal(tmp_path).code == "mesh_format"


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    """Broken streams and headers: neither zlib's nor the parser's own errors come through."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, vertices=tetrahedra(), faces=FACES)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            npz_meshes.read(path)
        except InputError:
            refused += 1
    assert refused > len(whole) / 6, "most places matter; none may raise anything else"
    saved = io.BytesIO()
    np.save(saved, tetrahedra())
    header = saved.getvalue()
    for old, new in (
        (b"}", b"{"),
        (b"(4", b"(0"),
        (b", 'shape'", b",, 'shape"),
        (b"'descr'", b"'de\ncr'"),
    ):
        assert old in header
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("vertices.npy", header.replace(old, new, 1))
        assert refusal(path).code == "mesh_format"


def test_fortran_order_is_kept(tmp_path: Path) -> None:
    rows = tetrahedra()
    np.savez(tmp_path / "a.npz", vertices=np.asfortranarray(rows), faces=np.asfortranarray(FACES))
    got = read_registered(tmp_path)
    np.testing.assert_allclose(got.table, rows / 1000, rtol=1e-6)
    np.testing.assert_array_equal(got.faces, FACES)


def test_aligned_undoes_rigid_moves(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    base = tetrahedra(1)[0]
    moved = [r.apply(base) + rng.normal(0, 90, 3) for r in Rotation.random(5, rng)]
    np.savez(tmp_path / "a.npz", vertices=np.stack(moved), faces=FACES)
    data = read_registered(tmp_path)
    got = data.aligned()
    np.testing.assert_allclose(got.table, np.tile(moved[0] / 1000, (5, 1, 1)), atol=1e-6)


def test_aligned_is_rigid_and_nearer_to_the_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    turns = Rotation.from_rotvec(rng.normal(0, 0.2, (6, 3)))
    rows = np.stack([r.apply(v) for r, v in zip(turns, tetrahedra(6), strict=True)])
    np.savez(tmp_path / "a.npz", vertices=rows, faces=FACES)
    data = read_registered(tmp_path)
    got = data.aligned(np.array([0, 1, 2, 3]))

    def sides(table) -> np.ndarray:
        return np.linalg.norm(table[:, :, None] - table[:, None], axis=-1)

    np.testing.assert_allclose(sides(got.table.numpy()), sides(data.table.numpy()), atol=1e-6)
    before, after = (t.table[:4].std(0, correction=0).square().sum() for t in (data, got))
    assert after < 0.3 * before
    # a stationary point: no small turn of one reference mesh brings it nearer to the mean
    rest = got.table[:4].double().numpy()
    mean = rest.mean(0)
    for row in rest:
        centered = row - row.mean(0)
        torque = np.cross(centered, mean - mean.mean(0)).sum(0)
        assert np.abs(torque).max() < 1e-6 * np.square(centered).sum()


def test_meshmonk(data_root: Path) -> None:
    folder = data_root / "scans" / "meshmonk"
    got = read_registered(folder / "simpop_all.npz")
    assert (got.count, got.unit, got.table.shape[1], len(got.faces)) == (45, "mm", 7160, 14050)
    single = read_registered(folder / "SIMPOP_10.obj")
    np.testing.assert_array_equal(single.faces, got.faces)
    np.testing.assert_allclose(single.table[0], got.table[9], atol=1e-6)


@pytest.mark.parametrize("flat", [lambda v: v[:1], lambda v: v[:2], lambda v: v * 0 + 100.0])
def test_aligned_names_a_mesh_without_a_direction(tmp_path: Path, flat) -> None:
    rows = np.stack([flat(v) for v in tetrahedra(3)])
    if rows.shape[1] == 4:
        rows[[0, 2]] = tetrahedra(2)  # the second alone coincides
    faces = np.minimum(FACES, rows.shape[1] - 1)
    table = torch.from_numpy((rows / 1000).astype(np.float32))
    data = RegisteredMeshes("a", "none", faces, table, ("a.obj", "b.obj", "c.obj"), "mm")
    with pytest.raises(InputError, match="b.obj" if rows.shape[1] == 4 else "a.obj") as caught:
        data.aligned()
    assert caught.value.code == "mesh_degenerate"
