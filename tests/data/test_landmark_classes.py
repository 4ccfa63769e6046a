"""Classes of landmarks: eyes and lips where all of their points are trusted."""

import numpy as np

from headform.data.landmark_classes import classes_of_landmarks
from headform.geometry.face_classes import EYES, LIPS, MOUTH_INSIDE, UNKNOWN


def test_landmarks_draw_only_what_is_trusted() -> None:
    points = np.full((68, 2), 50.0)
    for first, x in ((36, 30.0), (42, 60.0)):
        points[first : first + 6] = np.array([(0, 0), (4, -3), (8, -3), (12, 0), (8, 3), (4, 3)]) + (x, 40)
    ring = np.linspace(np.pi, -np.pi, 13)[:-1]
    points[48:60] = np.column_stack([50 + 12 * np.cos(ring), 70 - 6 * np.sin(ring)])
    ring = np.linspace(np.pi, -np.pi, 9)[:-1]
    points[60:68] = np.column_stack([50 + 9 * np.cos(ring), 70 - 3 * np.sin(ring)])
    trusted = np.ones(68, bool)
    found = classes_of_landmarks(points, trusted, 100)
    assert [found[40, 36], found[40, 66], found[70, 50], found[74, 50]] == [EYES, EYES, MOUTH_INSIDE, LIPS]
    trusted[[37, 62]] = False
    found = classes_of_landmarks(points, trusted, 100)
    assert [found[40, 36], found[40, 66], found[70, 50]] == [UNKNOWN, EYES, UNKNOWN]
