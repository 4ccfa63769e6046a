"""The detector on the 49 annotated faces."""

import sys
from pathlib import Path

import numpy as np

from headform.nets.detection.detector import Detector, load_detector

sys.path.insert(0, str(Path(__file__).parent))
from tests.nets.face_photos import load_photos, match, points_error, read


def test_every_annotated_face_is_found(data_root: Path) -> None:
    detector = load_detector()
    assert isinstance(detector, Detector)
    missed, errors = [], []
    for photo in load_photos(data_root):
        faces = detector.detect(photo.rgb)
        prominence = [face.area * face.score for face in faces]
        assert prominence == sorted(prominence, reverse=True)
        for number, points in enumerate(photo.faces):
            face = match(faces, points)
            if face is None:
                missed.append(f"{photo.name}#{number}")
            else:
                errors.append(points_error(face, points))
    assert len(missed) + len(errors) == 49
    assert missed == []
    assert np.mean(errors) < 0.06


def test_the_shipped_photo_has_one_sure_face(repository: Path) -> None:
    photo = read(repository / "examples" / "astronaut.jpg")
    faces = load_detector().detect(photo)
    assert faces[0].score > 0.85
    assert faces[0].points5[0, 0] < faces[0].points5[1, 0]
    assert sum(face.score > 0.75 for face in faces) == 1
