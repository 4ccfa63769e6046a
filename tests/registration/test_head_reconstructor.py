"""Heads of other models from a photo: the open head's own face must come back; what a model lacks is noted."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import UsageError, WeightsError
from headform.export.writers import FORMATS, encode_all, encode_parameters
from headform.images.transfer import srgb_from_linear
from headform.io.mesh import ply
from headform.nets.basel_alignment import FACE5_DM, alignment_points
from headform.nets.basel_regressor_net import BaselRegressor
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor
from headform.registration.head_reconstructor import HeadReconstructor
from tests.registration.other_heads import basel_face, face_only, without_uv


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=0)


@pytest.fixture(scope="module")
def astronaut(reconstructor: Reconstructor, repository: Path) -> Reconstruction:
    return reconstructor.reconstruct(repository / "examples" / "astronaut.jpg")[0]


@pytest.fixture(scope="module")
def surrey(reconstructor: Reconstructor, astronaut: Reconstruction) -> Reconstruction:
    refined = replace(astronaut, refined_albedo=np.zeros((len(astronaut.head.mean), 3), np.float32))
    return HeadReconstructor(face_only(), reconstructor, texture_size=128).refit(refined)


def test_the_open_heads_own_face_comes_back(surrey: Reconstruction, astronaut: Reconstruction) -> None:
    seven = surrey.vertices[surrey.head.now7].astype(np.float64)
    truth = astronaut.vertices[astronaut.head.now7].astype(np.float64)
    size = np.ptp(astronaut.points68[:, 0])
    off = surrey.camera.project(seven)[:, :2] - astronaut.camera.project(truth)[:, :2]
    assert np.linalg.norm(off, axis=1).max() < 0.02 * size
    # 30 of 100 modes explain most of the shape: seven points to 2 mm, up to the placement of the head
    centered = (seven - seven.mean(0)) - (truth - truth.mean(0))
    assert np.linalg.norm(centered, axis=1).max() < 0.003
    smile = list(surrey.head.expression_names).index("mouthSmileLeft")
    assert surrey.expression[smile] > 0.2, "she smiles"
    assert ((surrey.expression >= 0) & (surrey.expression <= 1)).all()


def test_the_texture_is_her_photo(surrey: Reconstruction, astronaut: Reconstruction) -> None:
    assert surrey.refined_albedo is None, "that of the open head is of another mesh"
    assert surrey.texture is not None
    assert surrey.colors is None
    # the tip of the nose: same color in the photo and in the atlas
    x, y = astronaut.points68[30].astype(int)
    seen = astronaut.photo[y - 2 : y + 3, x - 2 : x + 3].mean((0, 1))
    row = int(surrey.head.landmark_vertices[30, 0])
    corner = surrey.head.uv_faces.numpy()[surrey.head.faces.numpy() == row][0]
    u, v = surrey.head.uv[corner].numpy()
    side = len(surrey.texture)
    texel = surrey.texture[int((1 - v) * side), int(u * side)].astype(float)
    assert np.abs(texel - seen).max() < 40


def test_only_what_the_model_knows_is_written(surrey: Reconstruction, tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(encode_parameters(surrey))
    written = np.load(tmp_path / "p.npz")
    assert {"identity", "expression", "light", "K", "landmarks68", "vertices"} <= set(written)
    assert not {"gaze", "albedo", "dense", "dense_sigma"} & set(written)
    assert len(written["identity"]) == 30
    assert any("no colors of its own" in note for note in surrey.notes)
    assert set(encode_all(surrey, FORMATS)) == {
        "parameters.npz", "landmarks.json", "head.glb", "head.obj", "head.mtl", "texture.png", "head.ply",
        "overlay.png", "report.html", "albedo.png", "texture_lit.png", "render.png", "render_on_photo.png",
    }  # fmt: skip


def test_without_texture_coordinates_vertices_are_colored(
    reconstructor: Reconstructor, astronaut: Reconstruction
) -> None:
    model = HeadReconstructor(without_uv(face_only()), reconstructor)
    assert any("no texture coordinates" in note for note in model.notes)
    found = model.refit(astronaut)
    assert found.texture is None
    assert found.colors is not None
    files = encode_all(found, ("glb", "obj", "ply"))
    assert b"COLOR_0" in files["head.glb"]
    assert b"baseColorTexture" not in files["head.glb"]
    assert set(files) & {"head.mtl", "texture.png"} == set()
    colors = ply.decode(files["head.ply"]).colors
    assert colors is not None
    x, y = astronaut.points68[30].astype(int)
    seen = astronaut.photo[y - 2 : y + 3, x - 2 : x + 3].mean((0, 1)) / 255
    assert np.abs(colors[int(found.head.landmark_vertices[30, 0])] - seen).max() < 0.15


def test_a_model_without_expressions_is_noted(reconstructor: Reconstructor, astronaut: Reconstruction) -> None:
    head = without_uv(face_only("lsfm"))
    head = replace(head, expression=torch.zeros(0, len(head.mean), 3), expression_names=())
    model = HeadReconstructor(head, reconstructor)
    assert any("no expressions" in note for note in model.notes)
    found = model.refit(astronaut)
    np.testing.assert_array_equal(found.neutral, found.vertices)
    assert b"expression" not in encode_all(found, ())["parameters.npz"]


def test_expressions_that_are_components_are_one_target(
    reconstructor: Reconstructor, astronaut: Reconstruction
) -> None:
    head = without_uv(face_only("bfm2017"))
    head = replace(head, expression=head.expression[:10] / 4, expression_names=head.expression_names[:10])
    found = HeadReconstructor(head, reconstructor).refit(astronaut)
    assert (found.expression < 0).any(), "components have no sign"
    assert b'"targetNames":["expression"]' in encode_all(found, ("glb",))["head.glb"]


def test_a_model_without_landmarks_is_refused(reconstructor: Reconstructor) -> None:
    head = replace(face_only(), now7=torch.zeros(0, dtype=torch.int64))
    with pytest.raises(WeightsError, match=r"--landmarks FILE") as caught:
        HeadReconstructor(head, reconstructor)
    assert caught.value.code == "head_lacks"


def test_a_result_without_readings_is_refused(
    reconstructor: Reconstructor, astronaut: Reconstruction, surrey: Reconstruction
) -> None:
    model = HeadReconstructor(face_only(), reconstructor, texture_size=64)
    for wrong in (replace(astronaut, evidence=None), surrey):
        with pytest.raises(UsageError) as caught:
            model.refit(wrong)
        assert caught.value.code == "evidence_missing"


def test_a_models_own_colors_are_fitted(
    reconstructor: Reconstructor, astronaut: Reconstruction, tmp_path: Path
) -> None:
    whole = heads.load_open()
    kept = np.flatnonzero(whole.regions["face"].numpy() & (whole.part.numpy() == 0))
    mean, modes = srgb_from_linear(whole.albedo_mean[kept]), 0.5 * whole.albedo[:6, kept]
    head = without_uv(face_only("bfm2017", albedo_mean=mean, albedo=modes, albedo_space="srgb"))
    model = HeadReconstructor(head, reconstructor)
    assert not any("colors of its own" in note for note in model.notes)
    found = model.refit(astronaut)
    assert found.albedo_code.shape == (6,)
    assert np.abs(found.albedo_code).max() > 0.05
    (tmp_path / "p.npz").write_bytes(encode_parameters(found))
    assert np.load(tmp_path / "p.npz")["albedo"].shape == (6,)


def test_a_regressors_code_is_the_reconstruction(reconstructor: Reconstructor, astronaut: Reconstruction) -> None:
    head = basel_face()
    code = torch.zeros(257)
    code[0], code[144], code[256] = 0.7, -1.2, 0.5
    # the open head's frame has another origin: its mean eyes, nose and mouth are put where the published ones lie
    five = alignment_points(head.landmarks(head.mean).numpy()[:, :2])
    code[254:256] = torch.from_numpy((FACE5_DM[:, :2] - 10 * five).mean(0))
    with torch.device("meta"):
        net = BaselRegressor().eval()
    net.forward = lambda crops: code[None]  # type: ignore[method-assign]
    net.to_empty(device="cpu")
    model = HeadReconstructor(head, reconstructor, regressor=net)
    found = model.refit(astronaut)
    np.testing.assert_allclose(found.identity, code[:80], atol=1e-6)
    np.testing.assert_allclose(found.albedo_code, code[144:224], atol=1e-6)
    assert any("the regressor's" in note for note in found.notes)
    seen = alignment_points(
        found.camera.project(head.landmarks(torch.from_numpy(found.vertices)).double().numpy())[:, :2]
    )
    away = np.linalg.norm(seen - alignment_points(astronaut.points68), axis=1)
    assert away.max() < 0.12 * np.ptp(astronaut.points68[:, 0]), "in the photo, not in the crop"
    assert found.colors is not None
    assert "albedo" in np.load(BytesIO(encode_parameters(found)))
    with pytest.raises(UsageError, match="Basel front"):
        HeadReconstructor(face_only(), reconstructor, regressor=net)
