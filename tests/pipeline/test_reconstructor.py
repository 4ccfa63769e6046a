"""The whole road on the photo that ships, with the weights that ship."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headform import images
from headform.errors import FaceError, InputError, UsageError, WeightsError
from headform.fit.plain_skin import face_skin
from headform.geometry.landmarks68 import MIRROR68
from headform.geometry.rotation import rotation_from_rotvec
from headform.nets.landmarks.dense_predictor import DensePrediction, average
from headform.pipeline._mask import mask_in_photo
from headform.pipeline.confidence import assess_confidence, expected_error
from headform.pipeline.landmarks68 import points68
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor
from headform.pipeline.unseen import Unseen


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=256)


@pytest.fixture(scope="module")
def astronaut(reconstructor: Reconstructor, repository: Path) -> Reconstruction:
    return reconstructor.reconstruct(repository / "examples" / "astronaut.jpg")[0]


def test_the_astronaut_is_found_and_fitted(astronaut: Reconstruction) -> None:
    result = astronaut
    assert result.status == "ok"
    assert result.confidence > 0.8
    # the irises of this photo, by eye on an enlargement: (203, 101) and (246, 104) of 512
    pupils = result.vertices.astype(np.float64)[result.head.dense.numpy()[-2:]]
    irises = result.camera.project(pupils)[:, :2]
    np.testing.assert_allclose(irises, [[203.3, 101.2], [246.1, 103.5]], atol=2.0)
    eyes = result.points68[36:42].mean(0), result.points68[42:48].mean(0)
    width = float(np.ptp(result.points68[:, 0]))
    right, left = sorted(eyes, key=lambda p: p[0])
    assert np.linalg.norm(right - [203.3, 101.2]) < 0.03 * width
    assert np.linalg.norm(left - [246.1, 103.5]) < 0.03 * width
    # the head projects onto the points
    seen = result.camera.project(result.vertices.astype(np.float64)[result.head.dense.numpy()])
    error = np.linalg.norm(seen[:68, :2] - result.dense[:68], axis=1)
    assert np.median(error) < 0.02 * width
    smile = result.expression[list(result.head.expression_names).index("mouthSmileLeft")]
    assert smile > 0.2, "she smiles"
    assert np.isfinite(result.vertices).all()
    assert np.abs(result.identity).max() <= 3.0


def test_a_network_refines_the_skin_of_the_model(astronaut: Reconstruction) -> None:
    head, refined = astronaut.head, astronaut.refined_albedo
    assert refined is not None
    assert (refined.shape, refined.dtype) == ((len(head.mean), 3), np.float32)
    assert refined.min() >= 0
    assert refined.max() <= 1
    coarse = head.albedo_of(torch.from_numpy(np.asarray(astronaut.albedo_code)).float()).numpy()
    skin = face_skin(head)
    np.testing.assert_allclose(np.median(refined[skin], axis=0), np.median(coarse[skin], axis=0), rtol=0.25)
    assert np.abs(refined - coarse)[skin].mean() > 0.01
    lips, around = head.regions["lips"].numpy(), head.regions["chin"].numpy()
    redness = refined[:, 0] / refined[:, 1].clip(min=0.01)
    assert np.median(redness[lips]) > np.median(redness[around])


def test_the_texture_is_hers(astronaut: Reconstruction) -> None:
    assert astronaut.texture is not None
    assert astronaut.texture.shape == (256, 256, 3)
    assert astronaut.albedo_texture is not None
    # skin, not background: the cheeks' texels are redder than they are blue
    uv = astronaut.head.uv.numpy()
    face = astronaut.head.regions["cheeks"].numpy()[astronaut.head.faces.numpy()].all(1)
    at = uv[astronaut.head.uv_faces.numpy()[face]].mean(1)
    texels = astronaut.texture[((1 - at[:, 1]) * 255).astype(int), (at[:, 0] * 255).astype(int)]
    assert (texels[:, 0].astype(int) - texels[:, 2] > 10).mean() > 0.9


def test_a_mirrored_photo_gives_the_mirrored_points(reconstructor: Reconstructor, astronaut: Reconstruction) -> None:
    mirrored = reconstructor.reconstruct(np.ascontiguousarray(astronaut.photo[:, ::-1]))[0]
    order = astronaut.head.dense_mirror.numpy()[:68]
    width = astronaut.image_size[0]
    back = mirrored.points68[order].copy()
    back[:, 0] = width - back[:, 0]
    scale = float(np.ptp(astronaut.points68[:, 0]))
    assert np.linalg.norm(back - astronaut.points68, axis=1).mean() < 0.02 * scale


@pytest.mark.parametrize("degrees", [-135, -90, -45, 30, 75, 90, 180])
def test_a_photo_on_its_side_or_askew(reconstructor: Reconstructor, astronaut: Reconstruction, degrees: int) -> None:
    askew = Image.fromarray(astronaut.photo).rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array(astronaut.photo.shape[1::-1]) / 2
    expected = (astronaut.points68 - middle) @ turn.T + np.array(askew.size) / 2
    found = reconstructor.reconstruct(np.asarray(askew))[0].points68
    scale = float(np.ptp(astronaut.points68[:, 0]))
    assert np.linalg.norm(found - expected, axis=1).mean() < 0.015 * scale


@pytest.mark.parametrize(("shrink", "brightness"), [(5, 1.0), (7, 1.0), (1, 0.1), (4, 0.2)])
def test_small_and_dark_faces(
    reconstructor: Reconstructor, astronaut: Reconstruction, shrink: int, brightness: float
) -> None:
    photo = Image.fromarray(astronaut.photo).reduce(shrink)
    picture = (np.asarray(photo) * brightness).astype(np.uint8)
    found = reconstructor.reconstruct(picture)[0].points68 * shrink
    scale = float(np.ptp(astronaut.points68[:, 0]))
    assert np.linalg.norm(found - astronaut.points68, axis=1).mean() < 0.06 * scale


def test_the_dense_network_alone(repository: Path, astronaut: Reconstruction) -> None:
    alone = Reconstructor.load(landmarks_net="own", texture_size=0)
    result = alone.reconstruct(repository / "examples" / "astronaut.jpg")[0]
    scale = float(np.ptp(astronaut.points68[:, 0]))
    apart = np.linalg.norm(result.points68 - astronaut.points68, axis=1).mean()
    assert 0.001 * scale < apart < 0.06 * scale


def test_all_faces_of_two_photos_side_by_side(reconstructor: Reconstructor, astronaut: Reconstruction) -> None:
    small = np.asarray(Image.fromarray(astronaut.photo).resize((256, 256)))
    both = np.zeros((astronaut.photo.shape[0], astronaut.photo.shape[1] + 256, 3), np.uint8)
    both[:, :-256] = astronaut.photo
    both[:256, -256:] = small
    found = reconstructor.reconstruct(both, people="all")
    assert len(found) == 2
    assert np.ptp(found[0].points68[:, 0]) > np.ptp(found[1].points68[:, 0]), "largest first"


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_no_face_is_said(reconstructor: Reconstructor, kind: str) -> None:
    rng = np.random.default_rng(0)
    picture = np.full((200, 200, 3), 128, np.uint8)
    if kind == "noise":
        picture = rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    with pytest.raises(FaceError) as caught:
        reconstructor.reconstruct(picture)
    assert caught.value.code == "no_face"


def test_bad_pictures_and_heads_are_refused(reconstructor: Reconstructor, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        reconstructor.reconstruct(tmp_path / "missing.jpg")
    with pytest.raises(InputError):
        reconstructor.reconstruct(np.full((64, 64, 3), np.nan))
    with pytest.raises(WeightsError):
        Reconstructor.load(head=tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError):
        Reconstructor.load(dense=tmp_path / "nothing.safetensors")
    with pytest.raises((UsageError, WeightsError)):
        Reconstructor.load(detector=tmp_path / "nothing.onnx")


def _prediction(spread: float) -> DensePrediction:
    points = np.random.default_rng(0).uniform(0, 100, (336, 2))
    return DensePrediction(
        points=points,
        sigma=np.full(336, spread),
        expression=np.zeros(51),
        rotation=np.diag([1.0, -1.0, -1.0]),
        gaze=np.zeros(2),
        mask=np.ones((64, 64), np.float32),
        crop=np.array([[1.0, 0, 0], [0, 1.0, 0]]),
    )


def test_confidence_falls_with_sigma_and_misfit() -> None:
    sure = assess_confidence(_prediction(1.0), 1.0, 0.0)
    assert sure.confidence > 0.9
    assert sure.status == "ok"
    assert not sure.reasons
    unsure = assess_confidence(_prediction(8.0), 1.0, 0.0)
    assert unsure.confidence < 0.2
    assert unsure.status == "low_confidence"
    assert "uncertain" in unsure.reasons[0]
    torn = assess_confidence(_prediction(1.0), 1.0, 0.08)
    assert torn.confidence < sure.confidence / 1.9
    assert "disagree" in torn.reasons[0]
    misfit = assess_confidence(_prediction(1.0), 5.0, 0.0)
    assert misfit.confidence == pytest.approx(sure.confidence / 2)
    assert len(misfit.reasons) == 1


def test_confidence_falls_with_the_share_that_is_not_seen() -> None:
    confidences = []
    for count in (0, 4, 10, 17, 34, 60):
        unseen = Unseen(("outside",) * count + ("seen",) * (68 - count))
        found = assess_confidence(_prediction(1.0), 1.0, 0.0, unseen)
        assert found.status == ("ok" if count < 17 else "low_confidence")
        assert len(found.reasons) == (count > 0)
        confidences.append(found.confidence)
    assert (np.diff(confidences) < 0).all()
    assert confidences[-1] < 0.2, "eight points in nine are guesses"


def test_clues_that_are_each_bearable_are_too_much_together() -> None:
    unseen = Unseen(("covered",) * 12 + ("seen",) * 56)
    found = assess_confidence(_prediction(4.5), 1.0, 0.033, unseen)
    assert found.status == "low_confidence"
    assert found.confidence < 0.15
    assert "expected error" in found.reasons[-1]
    assert assess_confidence(_prediction(2.0), 1.0, 0.015, unseen).status == "ok"


def test_the_expected_error_grows_with_each_clue() -> None:
    some = expected_error(0.02, 0.01, 0.1)
    assert some < min(expected_error(0.03, 0.01, 0.1), expected_error(0.02, 0.02, 0.1), expected_error(0.02, 0.01, 0.2))
    assert 0.005 < expected_error(0.019, 0.0077, 0.0) < 0.015, "a whole portrait"
    assert np.isfinite(expected_error(0.05, 0.05, 1.0))
    alone = expected_error(0.02, 0.0, 0.1)
    assert 0.5 * some < alone < 2 * some, "without a committee the members' distance is the usual one"


def test_average_weighs_by_inverse_variance() -> None:
    a = _prediction(1.0)
    b = replace(a, points=a.points + 5, sigma=np.full(336, 2.0))
    both = average([a, b])
    np.testing.assert_allclose(both.points, a.points + 1.0)
    np.testing.assert_allclose(both.sigma, 1.5)
    np.testing.assert_allclose(both.rotation, a.rotation, atol=1e-12)


def test_the_mask_lies_where_its_crop_was() -> None:
    prediction = replace(_prediction(1.0), crop=np.array([[0.5, 0, -20.0], [0, 0.5, -10.0]]))
    mask = mask_in_photo(prediction, (400, 300))
    rows, columns = np.nonzero(mask > 0.5)
    middle = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
    np.testing.assert_allclose(middle, (168, 148), atol=1.5)  # crop pixel 64 is photo (168, 148)
    assert mask[:, :38].max() == 0
    assert mask.max() == 1


def test_points_of_a_perfect_prediction_are_the_heads_own(astronaut: Reconstruction) -> None:
    """With the network equal to the fit, the middle of both is the fit, offset included."""
    head, camera, vertices = astronaut.head, astronaut.camera, astronaut.vertices
    dense = camera.project(vertices.astype(np.float64)[head.dense.numpy()])[:, :2]
    prediction = replace(_prediction(1.0), points=dense)
    found = points68(head, prediction, vertices, camera)
    marked = camera.project(head.landmarks(torch.from_numpy(vertices)).numpy().astype(np.float64))
    np.testing.assert_allclose(found[17:], marked[17:, :2], atol=1e-4)
    # the jaw only ever moves outwards, along the face's own horizontal
    side = camera.R[:2, 0] / np.linalg.norm(camera.R[:2, 0])
    moved = (found[:17] - marked[:17, :2]) @ side
    assert (moved[:8] <= 1e-6).all()
    assert (moved[9:] >= -1e-6).all()


def test_many_photos_at_once_are_reconstructed_as_one_by_one(
    reconstructor: Reconstructor, astronaut: Reconstruction, tmp_path: Path
) -> None:
    """Another photo beside it changes nothing; a photo without a face and one that is missing are errors in their places."""
    mirrored = np.ascontiguousarray(astronaut.photo[:, ::-1])
    blank = np.full((200, 200, 3), 128, np.uint8)
    given = [astronaut.photo, blank, mirrored, tmp_path / "missing.jpg"]
    first, second, third, last = reconstructor.reconstruct_many(given, on_error="return")
    assert isinstance(second, FaceError)
    assert isinstance(last, InputError)
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert len(first) == len(third) == 1
    alone = reconstructor.reconstruct(astronaut.photo)[0]
    np.testing.assert_allclose(first[0].points68, alone.points68, atol=0.02)
    np.testing.assert_allclose(first[0].vertices, alone.vertices, atol=1e-4)
    np.testing.assert_allclose(first[0].identity, alone.identity, atol=2e-2)
    width = astronaut.photo.shape[1]
    np.testing.assert_allclose(width - third[0].points68[MIRROR68, 0], alone.points68[:, 0], atol=1.5)
    with pytest.raises(FaceError, match="no face"):
        reconstructor.reconstruct_many(given[:3])
    assert reconstructor.reconstruct_many([]) == []
    unchecked = inspect.unwrap(Reconstructor.reconstruct_many)  # as where no annotations are checked
    for folder in (tmp_path, str(tmp_path)):
        with pytest.raises(UsageError, match="expected a list of photos"):
            unchecked(reconstructor, folder)


def test_edited_coefficients_move_the_head(astronaut: Reconstruction) -> None:
    smile = astronaut.expression.copy()
    names = list(astronaut.head.expression_names)
    same = astronaut.with_coefficients()
    np.testing.assert_allclose(same.vertices, astronaut.vertices, atol=1e-6)
    np.testing.assert_allclose(same.neutral, astronaut.neutral, atol=1e-6)
    smile[names.index("jawOpen")] = 1.0
    opened = astronaut.with_coefficients(expression=smile)
    chin = astronaut.head.landmark_vertices[8, 0]
    assert opened.vertices[chin, 1] < astronaut.vertices[chin, 1] - 0.01
    np.testing.assert_array_equal(opened.neutral, same.neutral)
    other = astronaut.with_coefficients(identity=-astronaut.identity)
    assert np.abs(other.neutral - astronaut.neutral).max() > 1e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_networks_on_a_gpu_read_the_same(astronaut: Reconstruction) -> None:
    result = Reconstructor.load(device="cuda").reconstruct(astronaut.photo)[0]
    np.testing.assert_allclose(result.points68, astronaut.points68, atol=0.1)


def test_photos_may_be_given_read(reconstructor: Reconstructor, repository: Path) -> None:
    photo = images.read(repository / "examples" / "astronaut.jpg")
    (result,) = reconstructor.reconstruct(photo)
    assert result.photo_name == photo.name
    assert set(result.timings) >= {"read", "detect", "landmarks", "identity", "fit", "texture"}


def test_the_code_of_a_result_decodes_to_its_vertices(astronaut: Reconstruction) -> None:
    code = astronaut.coefficients()
    assert code.pack().shape == (244,)
    neutral = astronaut.head.vertices(code["identity"].float())
    np.testing.assert_allclose(neutral.numpy(), astronaut.neutral, atol=1e-6)
    np.testing.assert_allclose(code["pose"][3:6].numpy(), astronaut.camera.t)
    turn = rotation_from_rotvec(code["pose"][:3].numpy())
    np.testing.assert_allclose(turn, astronaut.camera.R, atol=1e-9)


def test_no_iris_is_baked_on_the_lids(reconstructor: Reconstructor, astronaut: Reconstruction) -> None:
    head = astronaut.head
    lid = np.zeros(len(head.mean), bool)
    for side in ("Left", "Right"):
        shape = head.expression[head.expression_names.index(f"eyeBlink{side}")].numpy()
        lid |= shape[:, 1] < -0.003  # comes down by more than three millimeters
    lid &= head.part.numpy() == 0

    def luminance(result: Reconstruction, chosen: np.ndarray) -> np.ndarray:
        """Of the texture in the middle of faces that look forward; the lids' undersides lie in shadow."""
        assert result.texture is not None
        faces = head.faces.numpy()
        corners = result.vertices[faces].astype(float)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        forward = normals[:, 2] > 0.2 * np.linalg.norm(normals, axis=1)
        inside = chosen[faces].all(1) & forward
        uv = head.uv.numpy()[head.uv_faces.numpy()[inside]].mean(1)
        side = result.texture.shape[0]
        rows, columns = ((1 - uv[:, 1]) * side).astype(int), (uv[:, 0] * side).astype(int)
        return result.texture[rows, columns].astype(float).mean(1)

    cheeks = np.median(luminance(astronaut, head.regions["cheeks"].numpy()))
    assert luminance(astronaut, lid).min() > 0.33 * cheeks
    # the dense network alone sets the lids too low: the parsed eyes keep the iris off them
    alone = Reconstructor.load(landmarks_net="own", texture_size=256).reconstruct(astronaut.photo)[0]
    assert luminance(alone, lid).min() > 0.33 * cheeks
