"""Basel 2009 at its true size, decoded as documented; its expressions, cuts and mirror map; what is wrong is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from headform.errors import WeightsError
from headform.geometry.landmarks68 import outer_eye_distance
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import bfm2009
from headform.importers._basel_landmarks import LANDMARKS
from headform.importers.basel_topology import FRONT, FULL, TRIMMED
from tests.importers.basel_files import basel2009, kept, write_cuts, write_expressions

MODEL = "01_MorphableModel.mat"
SOME = np.array([0, 1, 8320, 8321, 26745, 53488, 53489])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], LinearHead]:
    """The file of true size, 199 modes of shape and color, alone in its folder."""
    folder = tmp_path_factory.mktemp("basel2009")
    values = basel2009(199)
    scipy.io.savemat(folder / MODEL, values)
    assert bfm2009.recognizes(folder / MODEL)
    head = bfm2009.read(folder / MODEL)
    (folder / MODEL).unlink()
    return values, head


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    """Two modes."""
    return basel2009(2)


@pytest.fixture(scope="module")
def extras(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    """A folder of companions, away from any model; expressions and their deviations."""
    folder = tmp_path_factory.mktemp("companions")
    write_cuts(folder)
    return folder, *write_expressions(folder)


def read(folder: Path, values: dict[str, Any], *companions: Path, **changes: Any) -> LinearHead:
    scipy.io.savemat(folder / MODEL, values | changes)
    return bfm2009.read(folder / MODEL, companions)


def refusal(folder: Path, values: dict[str, Any], *companions: Path, **changes: Any) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(folder, values, *companions, **changes)
    return caught.value


def test_shape(whole: tuple[dict[str, Any], LinearHead]) -> None:
    """S = shapeMU + shapePC (shapeEV a), micrometers: shapeEV is a standard deviation, not a variance."""
    values, head = whole
    check_head(head)
    assert head.identity.shape == (199, FULL, 3)
    code = np.random.default_rng(0).normal(size=199)
    rows = (3 * SOME[:, None] + np.arange(3)).ravel()
    spread = values["shapeEV"][:, 0].astype(np.float64) * code
    want = values["shapeMU"][rows, 0] + values["shapePC"][rows].astype(np.float64) @ spread
    got = head.vertices(torch.from_numpy(code).float())[SOME].numpy()
    np.testing.assert_allclose(got, want.reshape(-1, 3) * 1e-6, rtol=0, atol=1e-7)
    np.testing.assert_allclose(head.sigma.numpy(), values["shapeEV"][:, 0])


def test_color(whole: tuple[dict[str, Any], LinearHead]) -> None:
    """0 to 255 as displayed; `albedo_of` is linear."""
    values, head = whole
    code = np.random.default_rng(1).normal(size=199) * 0.1
    rows = (3 * SOME[:, None] + np.arange(3)).ravel()
    spread = values["texEV"][:, 0].astype(np.float64) * code
    shown = values["texMU"][rows, 0] + values["texPC"][rows].astype(np.float64) @ spread
    shown = (shown / 255).clip(0, 1)
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    got = head.albedo_of(torch.from_numpy(code).float())[SOME].numpy()
    np.testing.assert_allclose(got, linear.reshape(-1, 3), atol=1e-5)
    assert head.albedo_space == "srgb"


def test_triangles_and_landmarks(whole: tuple[dict[str, Any], LinearHead]) -> None:
    """Clockwise from 1 in the file, counter-clockwise from 0 in the head."""
    values, head = whole
    want = values["tl"].astype(int) - 1
    np.testing.assert_array_equal(head.faces.numpy(), want[:, ::-1])
    assert "the triangles faced inwards and were reversed" in head.provenance.notes
    points = head.landmarks(head.mean).numpy()
    np.testing.assert_array_equal(points, head.mean.numpy()[list(LANDMARKS[FULL])])
    assert outer_eye_distance(points) == pytest.approx(0.09, abs=1e-6)
    assert not head.has_field("expression")
    assert any("no expressions" in note for note in head.provenance.notes)
    assert head.provenance.kind == "bfm2009"


def test_expressions_cut_the_head_to_the_vertices_they_are_of(
    tmp_path: Path, small: dict[str, Any], extras: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    folder, basis, scale = extras
    names = ("Exp_Pca.bin", "std_exp.txt", "BFM_exp_idx.mat")
    for name in names:
        (tmp_path / name).symlink_to(folder / name)
    head = read(tmp_path, small)
    check_head(head)
    assert {s.name for s in head.provenance.sources} == {MODEL, *names}
    assert head.expression.shape == (79, TRIMMED, 3)
    there = kept(FULL, TRIMMED)
    mean = small["shapeMU"].reshape(-1, 3)[there] * 1e-6
    np.testing.assert_allclose(head.mean.numpy(), mean, atol=1e-8)
    got = head.expression[[0, 40, 78]][:, SOME[:5]].numpy()
    want = basis[[0, 40, 78]][:, SOME[:5]] * scale[[0, 40, 78], None, None] * 1e-6
    np.testing.assert_allclose(got, want, rtol=1e-5)
    assert head.landmark_vertices[:, 0].tolist() == list(LANDMARKS[TRIMMED])
    faces = small["tl"].astype(int)[:, ::-1] - 1
    place = np.full(FULL, -1)
    place[there] = np.arange(TRIMMED)
    mapped = place[faces]
    np.testing.assert_array_equal(head.faces.numpy(), mapped[(mapped >= 0).all(1)])
    assert any("0.087 mm" in note for note in head.provenance.notes)  # 50 um in x, y and z

    front = read(tmp_path, small, folder / "BFM_front_idx.mat")
    assert front.expression.shape == (79, FRONT, 3)
    assert front.landmark_vertices[:, 0].tolist() == list(LANDMARKS[FRONT])
    got = front.expression[40].numpy()
    np.testing.assert_array_equal(got, head.expression[40].numpy()[kept(TRIMMED, FRONT)])


def test_companions_that_do_not_suffice(
    tmp_path: Path, small: dict[str, Any], extras: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    """What was named must fit; what lies beside the model is left out."""
    folder = extras[0]
    small = {key: small[key] for key in ("shapeMU", "shapePC", "shapeEV", "tl")}
    error = refusal(tmp_path, small, folder / "Exp_Pca.bin", folder / "std_exp.txt")
    assert error.code == "weights_missing"
    assert "BFM_exp_idx.mat must be given" in str(error)
    error = refusal(tmp_path, small, folder / "BFM_front_idx.mat")
    assert error.code == "model_mismatch"
    assert "53215 vertices, not for 53490" in str(error)
    error = refusal(tmp_path, small, tmp_path / "other.bin")
    assert error.code == "model_kind"
    (tmp_path / "Exp_Pca.bin").symlink_to(folder / "Exp_Pca.bin")
    (tmp_path / "BFM_exp_idx.mat").symlink_to(folder / "BFM_exp_idx.mat")
    head = read(tmp_path, small)
    assert len(head.mean) == FULL
    assert [s.name for s in head.provenance.sources] == [MODEL]
    assert any("Exp_Pca.bin beside the model was left out" in n for n in head.provenance.notes)
    assert any("no colors" in n for n in head.provenance.notes)
    assert not head.has_field("albedo_mean")
    head = read(tmp_path, small, folder / "select_vertex_id.mat")
    assert len(head.mean) == FRONT
    assert head.landmark_vertices[:, 0].tolist() == list(LANDMARKS[FRONT])


def test_expressions_of_another_mesh_or_cut_short(
    tmp_path: Path, small: dict[str, Any], extras: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    folder = extras[0]
    given = [folder / "std_exp.txt", folder / "BFM_exp_idx.mat", tmp_path / "Exp_Pca.bin"]
    write_expressions(tmp_path, 1000)
    (tmp_path / "std_exp.txt").unlink()
    error = refusal(tmp_path, small, *given)
    assert error.code == "model_mismatch"
    assert "1000 vertices" in str(error)
    data = (folder / "Exp_Pca.bin").read_bytes()
    for part in (data[:3], data[:-8]):
        given[2].write_bytes(part)
        assert refusal(tmp_path, small, *given).code == "weights_damaged"
    given[2].write_bytes(data[:400] + np.float32(np.nan).tobytes() + data[404:])
    assert refusal(tmp_path, small, *given).code == "model_not_finite"
    short = tmp_path / "std_exp.txt"
    short.write_text("1 2 3")
    assert refusal(tmp_path, small, short, folder / "Exp_Pca.bin", given[1]).code == "model_shape"
    short.write_text("one")
    assert refusal(tmp_path, small, short, folder / "Exp_Pca.bin", given[1]).code == "weights_damaged"


def test_mirror_map(tmp_path: Path, small: dict[str, Any]) -> None:
    """From 0 or 1, one number for each vertex or pairs; believed where it mirrors the mean head."""
    rng = np.random.default_rng(0)
    half = rng.permutation(FULL)
    mirror = np.empty(FULL, int)
    mirror[half[: FULL // 2]], mirror[half[FULL // 2 :]] = half[FULL // 2 :], half[: FULL // 2]
    mean = small["shapeMU"].reshape(-1, 3).copy()
    image = mean[half[: FULL // 2]] * [-1, 1, 1]
    mean[half[FULL // 2 :]] = image
    changed = {"shapeMU": mean.reshape(-1, 1).astype(np.float32)}
    own = LANDMARKS[FULL]
    changed["shapeMU"].reshape(-1, 3)[[own[36], own[45]]] = [[-45000, 0, 0], [45000, 0, 0]]
    path = tmp_path / "face05_symlist.txt"
    pairs = np.stack([half[: FULL // 2], half[FULL // 2 :]], 1)
    for text in (mirror, mirror + 1, pairs + 1):
        np.savetxt(path, text, "%d")
        head = read(tmp_path, small, **changed)
        np.testing.assert_array_equal(head.mirror.numpy(), mirror)
    head = read(tmp_path, small)  # the same list, another head
    assert not head.has_field("mirror")
    assert any("face05_symlist.txt beside the model was left out" in n for n in head.provenance.notes)
    assert refusal(tmp_path, small, path).code == "model_mismatch"
    path.write_text("1 two")
    assert refusal(tmp_path, small, path).code == "weights_damaged"


def test_segments_are_called_after_what_lies_in_them(tmp_path: Path, small: dict[str, Any]) -> None:
    segments = np.zeros((FULL, 4), np.uint8)
    segments[:, 3] = 1
    for column, point in enumerate((48, 30, 36)):
        segments[LANDMARKS[FULL][point]] = np.eye(4)[column]
    head = read(tmp_path, small, segbin=segments)
    assert {n: int(m.sum()) for n, m in head.regions.items()} == {"nose": 1, "eyes": 1, "mouth": 1}
    assert bool(head.regions["eyes"][LANDMARKS[FULL][36]])


def test_indices_from_0_where_that_is_certain(tmp_path: Path, small: dict[str, Any]) -> None:
    faces = small["tl"] - 1
    assert faces.min() == 0
    head = read(tmp_path, small, tl=faces)
    np.testing.assert_array_equal(head.faces.numpy(), faces.astype(int)[:, ::-1])
    assert any("count from 0" in note for note in head.provenance.notes)


def test_what_is_wrong_is_named(tmp_path: Path, small: dict[str, Any]) -> None:
    without = {key: value for key, value in small.items() if key != "shapeEV"}
    error = refusal(tmp_path, without)
    assert error.code == "model_missing_key"
    assert "`shapeEV`" in str(error)
    assert "shapePC" in str(error)
    assert not bfm2009.recognizes(tmp_path / MODEL)
    assert not bfm2009.recognizes(tmp_path)
    assert not bfm2009.recognizes(tmp_path / "absent")
    broken = small["shapePC"].copy()
    broken[5, 1] = np.nan
    for code, changes in (
        ("model_shape", {"shapeMU": small["shapeMU"][:-3]}),
        ("model_shape", {"shapePC": small["shapePC"][:-3]}),
        ("model_shape", {"shapeEV": small["shapeEV"][:1]}),
        ("model_shape", {"shapePC": "text"}),
        ("model_shape", {"shapeEV": "text"}),
        ("model_shape", {"texEV": {"a": 1.0}}),
        ("model_shape", {"shapeMU": np.array([np.ones(2), "x"], object)}),
        ("model_shape", {"shapeMU": small["shapeMU"] * 1j}),
        ("model_shape", {"texPC": small["texPC"].T}),
        ("model_shape", {"tl": small["tl"][:, :2]}),
        ("model_index", {"tl": small["tl"] + 1}),
        ("model_index", {"tl": small["tl"] + 0.5}),
        ("model_not_finite", {"shapePC": broken}),
        ("model_unit", {"shapeMU": small["shapeMU"] / 1000}),
    ):
        assert refusal(tmp_path, small, **changes).code == code, changes.keys()
    data = (tmp_path / MODEL).read_bytes()
    for share in (0.2, 0.9):
        (tmp_path / MODEL).write_bytes(data[: int(len(data) * share)])
        with pytest.raises(WeightsError) as caught:
            bfm2009.read(tmp_path / MODEL)
        assert caught.value.code == "weights_damaged"
