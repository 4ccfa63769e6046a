"""Registered subjects: MICA's folders and anyone's, found by the people's labels; what does not fit is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.data.subject_meshes import SubjectMeshes
from headform.errors import InputError
from headform.heads.coefficients import CoefficientLayout, Coefficients
from headform.heads.coefficients_file import save_coefficients
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead
from tests.export.conftest import make_head
from tests.heads.flame.flame_heads import tiny_flame


@pytest.fixture
def flame() -> FlameHead:
    return tiny_flame()


def write_parameters(folder: Path, betas: np.ndarray, **more: np.ndarray) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "m_0.npz", betas=betas, pose=np.ones(15), **more)


def write_obj(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices] + ["f {} {} {}".format(*f) for f in faces + 1]
    path.write_text("\n".join(rows) + "\n")


def test_parameters_give_the_neutral_shape(tmp_path: Path, flame: FlameHead) -> None:
    betas = np.random.default_rng(0).normal(size=400)
    write_parameters(tmp_path / "FaceWarehouse/FLAME_parameters/Tester_007", betas)
    meshes = SubjectMeshes(tmp_path, "facewarehouse", flame)
    found = meshes.of("Tester_7")
    assert found is not None
    np.testing.assert_allclose(found.coefficients["identity"], betas[:4].astype(np.float32))
    wanted = flame.vertices(torch.from_numpy(betas[:4].astype(np.float32))).numpy()
    np.testing.assert_array_equal(found.vertices, wanted)
    assert any("identity modes" in note for note in meshes.notes)
    assert meshes.of("Tester_8") is None
    assert meshes.unused(("Tester_8",)) == ["Tester_007"]
    assert meshes.unused(("Tester_7",)) == []


def test_without_a_head_coefficients_are_kept(tmp_path: Path) -> None:
    write_parameters(tmp_path / "FLAME_parameters/F1001", np.linspace(-1, 1, 400))
    meshes = SubjectMeshes(tmp_path, "stirling")
    found = meshes.of("F1001")
    assert found is not None
    assert found.coefficients["identity"].shape == (300,)
    assert found.vertices is None
    assert any("--head" in note for note in meshes.notes)


@pytest.mark.parametrize(
    ("kind", "label", "subject"),
    [
        ("facewarehouse", "FW_12", "Tester_12"),
        ("lyhm", "33", "00033"),
        ("florence", "subject_01", "subject_1"),
        ("stirling", "f1001_N", "F1001"),
        ("folder", "Anna", "anna"),
    ],
)
def test_labels_of_one_person_are_joined(tmp_path: Path, kind: str, label: str, subject: str) -> None:
    write_parameters(tmp_path / "FLAME_parameters" / label, np.ones(300))
    assert SubjectMeshes(tmp_path, kind).of(subject) is not None  # type: ignore[arg-type]


def test_labels_that_are_alike_are_not_used(tmp_path: Path) -> None:
    for label in ("A_1", "B_1"):
        write_parameters(tmp_path / "FLAME_parameters" / label, np.ones(300))
    meshes = SubjectMeshes(tmp_path, "lyhm")
    assert meshes.of("00001") is None
    assert any("alike" in note and "B_1" in note for note in meshes.notes)


@pytest.mark.parametrize("betas", [np.full(400, np.nan), np.full(400, 500.0), np.zeros(0)])
def test_absurd_parameters_are_named(tmp_path: Path, betas: np.ndarray) -> None:
    write_parameters(tmp_path / "FLAME_parameters/1", betas)
    meshes = SubjectMeshes(tmp_path, "lyhm")
    assert meshes.of("1") is None
    assert any("identity in standard deviations" in note for note in meshes.notes)


def test_damaged_and_foreign_files_are_named(tmp_path: Path, flame: FlameHead) -> None:
    (tmp_path / "FLAME_parameters/1").mkdir(parents=True)
    (tmp_path / "FLAME_parameters/1/a.npz").write_bytes(b"PK no archive")
    write_parameters(tmp_path / "FLAME_parameters/2", np.zeros(3), other=np.zeros(3))
    np.savez(tmp_path / "FLAME_parameters/2/m_0.npz", weights=np.zeros(3))
    np.savez(tmp_path / "FLAME_parameters/3.npz", betas=np.zeros(3))
    meshes = SubjectMeshes(tmp_path, "lyhm", flame)
    assert [meshes.of(subject) for subject in "12"] == [None, None]
    assert [note.split(":")[0] for note in meshes.notes] == ["1", "2"]
    with pytest.raises(InputError) as error:
        SubjectMeshes(tmp_path / "FLAME_parameters/1/nothing", "lyhm")
    assert error.value.code == "dataset_missing"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as error:
        SubjectMeshes(tmp_path / "empty", "lyhm")
    assert error.value.code == "registrations_missing"


def test_parameters_of_flame_need_its_head(tmp_path: Path) -> None:
    write_parameters(tmp_path / "FLAME_parameters/1", np.ones(400))
    meshes = SubjectMeshes(tmp_path, "lyhm", make_head())
    assert meshes.of("1") is None
    assert any("FLAME" in note for note in meshes.notes)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1000.0])
def test_meshes_come_in_any_unit_and_place(tmp_path: Path, flame: LinearHead, scale: float) -> None:
    identity = torch.tensor([0.5, -0.2, 0.1, 0.0])
    shape = flame.vertices(identity).double().numpy()
    turn = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    write_obj(tmp_path / "registrations/00004/x.obj", scale * (shape @ turn.T + [0.4, 1.5, 0.1]), flame.faces.numpy())
    meshes = SubjectMeshes(tmp_path, "lyhm", flame)
    found = meshes.of("4")
    assert found is not None
    assert found.coefficients == {}
    assert found.vertices is not None
    # moved and turned onto the mean, not scaled: distances are those of the scan
    lengths = [np.linalg.norm(v[0] - v[1:], axis=1) for v in (found.vertices, shape)]
    np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-5)
    assert np.linalg.norm(found.vertices - shape, axis=1).mean() < 0.01
    assert any("keep the expression" in note for note in meshes.notes)


def test_own_folders_are_read(tmp_path: Path, flame: LinearHead) -> None:
    write_obj(tmp_path / "anna.obj", flame.mean.numpy(), flame.faces.numpy())
    write_obj(tmp_path / "ben/mesh.obj", flame.mean.numpy(), flame.faces.numpy())
    meshes = SubjectMeshes(tmp_path, "folder", flame)
    for subject in ("anna", "ben"):
        found = meshes.of(subject)
        assert found is not None
        np.testing.assert_allclose(found.vertices, flame.mean.numpy(), atol=1e-6)


def test_the_expression_is_taken_off_our_own_registrations(tmp_path: Path, flame: LinearHead) -> None:
    layout = CoefficientLayout("tiny", (("identity", 4), ("expression", 3)), ("identity",))
    identity, expression = torch.tensor([0.5, -1.0, 0.0, 2.0]), torch.tensor([1.0, 0.0, -0.5])
    moved = torch.from_numpy(np.random.default_rng(0).normal(0, 1e-3, (37, 3)).astype(np.float32))
    scan = flame.vertices(identity, expression) + moved
    for name in ("registered", "registered_head"):
        write_obj(tmp_path / f"anna/{name}.obj", scan.numpy() * (1 if "_" in name else 1000), flame.faces.numpy())
    code = Coefficients(layout, {"identity": identity, "expression": expression})
    save_coefficients(tmp_path / "anna/coefficients.safetensors", code, flame)
    found = SubjectMeshes(tmp_path, "folder", flame).of("anna")
    assert found is not None
    np.testing.assert_allclose(found.vertices, (flame.vertices(identity) + moved).numpy(), atol=1e-6)
    np.testing.assert_array_equal(found.coefficients["identity"], identity.numpy())
    (tmp_path / "anna/coefficients.safetensors").unlink()
    meshes = SubjectMeshes(tmp_path, "folder", flame)
    assert meshes.of("anna") is None
    assert "coefficients.safetensors" in meshes.notes[-1]


def test_meshes_that_do_not_fit_are_named(tmp_path: Path, flame: LinearHead) -> None:
    mean, faces = flame.mean.numpy(), flame.faces.numpy()
    write_obj(tmp_path / "few.obj", mean[:20], faces[(faces < 20).all(1)])
    write_obj(tmp_path / "shuffled.obj", mean[np.random.default_rng(0).permutation(len(mean))], faces)
    write_obj(tmp_path / "odd.obj", mean * 3, faces)
    meshes = SubjectMeshes(tmp_path, "folder", flame)
    for subject, words in (("few", "20 vertices"), ("shuffled", "another order"), ("odd", "no unit")):
        assert meshes.of(subject) is None
        assert words in meshes.notes[-1]
