"""Faces in the dark, in fog and against the light are found in tone-mapped copies; other photos never see one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform import images
from headform.errors import FaceError
from headform.nets.detection.detector import load_detector
from headform.nets.landmarks.dense_predictor import DensePredictor
from headform.nets.shipped import load_dense
from headform.pipeline import face_finder
from headform.pipeline.face_finder import FaceFinder
from headform.pipeline.reconstructor import Reconstructor


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=64)


@pytest.fixture(scope="module")
def finder(reconstructor: Reconstructor) -> FaceFinder:
    return FaceFinder(load_detector(), DensePredictor(load_dense()[0], reconstructor.head))


@pytest.fixture(scope="module")
def photo(repository: Path) -> np.ndarray:
    whole = images.read(repository / "examples" / "astronaut.jpg").rgb[:360, 60:420]
    return np.asarray(Image.fromarray(whole).reduce(2))


def eight(values: np.ndarray) -> images.Photo:
    return images.Photo(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def against_the_light(photo: np.ndarray) -> np.ndarray:
    """She at 5 % of her brightness, before a white wall that begins a hand's width around her."""
    rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]]
    head = ((columns - 82) / 62) ** 2 + ((rows - 55) / 80) ** 2 < 1
    near = (head | (rows > 125))[..., None]
    return np.where(near, photo * 0.05, 255.0)


CASES = {
    "dark": lambda v: v * 0.04,
    "flat around gray": lambda v: 128 + (v - 128) * 0.08,
    "flat around white": lambda v: 255 - (255 - v) * 0.08,
    "against the light": against_the_light,
}


@pytest.mark.parametrize("case", CASES)
def test_a_face_that_is_not_found_as_it_is(finder: FaceFinder, photo: np.ndarray, case: str) -> None:
    ((reference,),) = finder.find([images.Photo(photo)])
    assert reference.copy is None
    ((found,),) = finder.find([eight(CASES[case](photo.astype(float)))])
    assert found.tone in ("stretched", "locally equalized")
    assert found.copy is not None
    expected = reference.prediction.points[:68]
    error = np.linalg.norm(found.prediction.points[:68] - expected, axis=1).mean()
    assert error < 0.03 * np.ptp(expected[:, 0])


def test_the_texture_is_the_photos_own(reconstructor: Reconstructor, photo: np.ndarray) -> None:
    (lit,) = reconstructor.reconstruct(photo)
    (dark,) = reconstructor.reconstruct(eight(photo * 0.04))
    assert dark.status == "ok"
    assert len(dark.reasons) == 2
    assert dark.reasons[0].startswith("the face is very dark: ")
    assert dark.reasons[1] == (
        "the face was found and read in a stretched copy of the photo; the texture is the photo's own"
    )
    assert not lit.reasons
    assert dark.photo.max() <= 11
    assert dark.texture is not None
    assert lit.texture is not None
    assert dark.texture.mean() < 0.3 * lit.texture.mean()
    scale = np.ptp(lit.points68[:, 0])
    assert np.linalg.norm(dark.points68 - lit.points68, axis=1).mean() < 0.02 * scale


def test_deep_gray_of_twelve_bits_is_found(reconstructor: Reconstructor, photo: np.ndarray, tmp_path: Path) -> None:
    gray = np.asarray(Image.fromarray(photo).convert("L")).astype(np.uint16)
    Image.fromarray(gray * 16).save(tmp_path / "camera.tif")
    (found,) = reconstructor.reconstruct(tmp_path / "camera.tif")
    assert found.status == "ok"
    assert found.photo.max() > 230


def test_photos_with_a_face_never_see_a_copy(
    finder: FaceFinder, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(rgb: np.ndarray) -> None:
        raise AssertionError("a copy was made")

    monkeypatch.setattr(face_finder, "tone_mapped", never)
    ((found,),) = finder.find([images.Photo(photo)])
    assert (found.copy, found.tone) == (None, "")


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.random.default_rng(0).integers(0, 12, (200, 200, 3)), "the photo is very dark"),
        (np.random.default_rng(1).integers(120, 136, (200, 200, 3)), "the photo has hardly any contrast"),
        (np.full((200, 200, 3), 255), "the photo is over-exposed"),
    ],
)
def test_what_is_wrong_with_a_photo_without_a_face_is_said(finder: FaceFinder, picture: np.ndarray, said: str) -> None:
    (outcome,) = finder.find([eight(picture)])
    assert isinstance(outcome, FaceError)
    assert outcome.code == "no_face"
    assert said in str(outcome)
