import numpy as np

from headform.nets.detection._candidates import Candidates


def test_of_doubles_the_surer_one_stays_and_prominence_orders() -> None:
    near = Candidates(np.array([[0, 0, 10, 10.0], [1, 0, 11, 10]]), np.array([0.6, 0.8]), np.zeros((2, 5, 2)))
    far = Candidates(np.array([[50, 50, 80, 80.0]]), np.array([0.5]), np.ones((1, 5, 2)))
    faces = Candidates.joined([near, far]).faces(0.4)
    assert [face.score for face in faces] == [0.5, 0.8]  # 30² · 0.5 > 10² · 0.8
    np.testing.assert_array_equal(faces[1].box, [1, 0, 11, 10])
    both = Candidates.joined([near, far]).faces(0.9)
    assert len(both) == 3


def test_chosen_keeps_rows_together() -> None:
    rng = np.random.default_rng(0)
    all_of_them = Candidates(rng.random((6, 4)), rng.random(6), rng.random((6, 5, 2)))
    some = all_of_them.chosen(all_of_them.scores > 0.5)
    for box, score, points in zip(some.boxes, some.scores, some.points, strict=True):
        row = int(np.flatnonzero(all_of_them.scores == score)[0])
        np.testing.assert_array_equal(box, all_of_them.boxes[row])
        np.testing.assert_array_equal(points, all_of_them.points[row])
