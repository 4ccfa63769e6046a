"""One head from several photos of a person."""

from pathlib import Path

import numpy as np
import pytest

from headform.errors import FaceError
from headform.images import from_array, read
from headform.pipeline.reconstructor import Reconstructor
from headform.pipeline.same_person import identity_of_person


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=0)


@pytest.fixture(scope="module")
def astronaut(repository: Path) -> np.ndarray:
    return read(repository / "examples" / "astronaut.jpg").rgb


def test_every_photo_is_fitted_with_one_identity(reconstructor: Reconstructor, astronaut: np.ndarray) -> None:
    darker = (astronaut * 0.7).astype(np.uint8)
    photos = [from_array(astronaut), from_array(np.ascontiguousarray(darker[:, 20:]))]
    blank = from_array(np.full((200, 200, 3), 128, np.uint8))
    identity = identity_of_person(reconstructor, [photos[0], blank, photos[1]])
    # what the network says of both photos together; the blank one is passed over
    predictor = reconstructor.identity_predictor
    assert predictor is not None
    guides = [reconstructor.find(photo)[0].prediction.points[:68] for photo in photos]
    together = predictor.predict_person([photo.rgb for photo in photos], guides)
    np.testing.assert_allclose(identity, together, atol=1e-4)
    alone = predictor.predict([photo.rgb for photo in photos], guides)
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    results = [reconstructor.reconstruct(photo, identity=identity)[0] for photo in photos]
    for result in results:
        np.testing.assert_allclose(result.identity, identity, atol=1e-3)
    np.testing.assert_allclose(results[0].neutral, results[1].neutral, atol=1e-6)


def test_surroundings_of_a_face_are_enough(reconstructor: Reconstructor, astronaut: np.ndarray) -> None:
    predictor = reconstructor.identity_predictor
    assert predictor is not None
    photo = from_array(astronaut)
    points = reconstructor.find(photo)[0].prediction.points[:68]
    whole = predictor.predict([photo.rgb], [points])[0]
    np.testing.assert_allclose(identity_of_person(reconstructor, [photo]), whole, atol=1e-4)


def test_photos_without_a_face(reconstructor: Reconstructor) -> None:
    with pytest.raises(FaceError, match="none of the photos"):
        identity_of_person(reconstructor, [from_array(np.full((200, 200, 3), 90, np.uint8))])
