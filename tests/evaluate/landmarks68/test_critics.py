"""The evaluation against an outside oracle: numbers measured before by other code."""

import importlib
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")


@pytest.fixture(scope="module")
def critics(repository):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository))
        yield importlib.import_module("benchmarks.critics")
        for name in [n for n in sys.modules if n.partition(".")[0] == "benchmarks"]:
            del sys.modules[name]


@pytest.mark.parametrize("upright", [False, True])
def test_a_crop_maps_back_to_where_it_came_from(critics, upright):
    """A photo whose colors are its coordinates: each crop pixel says where it was taken."""
    height, width = 240, 250
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)  # value = center - 0.5
    turn = Rotation.from_euler("z", 20, degrees=True).as_matrix()[:2, :2]
    points = np.random.default_rng(0).uniform(-30, 30, (68, 2))
    points[36:42], points[42:48] = [-20, 0], [20, 0]
    points = points @ turn.T + [120, 110]
    crop, back = critics.crop_square(rgb, points, 64, 1.5, upright)
    v, u = np.mgrid[:64, :64] + 0.5
    places = np.stack([u.ravel(), v.ravel()], -1) @ back[:, :2].T + back[:, 2]
    np.testing.assert_allclose(crop.reshape(-1, 3)[:, :2] + 0.5, places, atol=1.01)
    eyes = np.linalg.solve(back[:, :2], (points[[36, 42]] - back[:, 2]).T).T
    if upright:
        assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    else:
        assert abs(eyes[0, 1] - eyes[1, 1]) > 5


def test_the_critics_come_near_what_others_measured(critics, data_root):
    """3.79, 3.71 and 4.27 per cent; their crops are not known to the pixel, so 0.3 are allowed."""
    means = {name: t.summary().mean * 100 for name, t in critics.judge_critics(data_root).items()}
    assert means["MediaPipe 478"] == pytest.approx(3.79, abs=0.1)
    assert means["MediaPipe 468"] == pytest.approx(4.27, abs=0.3)
    assert means["PFLD"] == pytest.approx(3.71, abs=0.3)
