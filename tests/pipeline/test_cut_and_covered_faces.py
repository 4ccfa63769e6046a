"""Faces that the picture's edge cuts, or that something covers, with the weights that ship."""

import json
from pathlib import Path

import numpy as np
import pytest

from headform.export.writers import encode_landmarks
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=256)


@pytest.fixture(scope="module")
def whole(reconstructor: Reconstructor, repository: Path) -> Reconstruction:
    return reconstructor.reconstruct(repository / "examples" / "astronaut.jpg")[0]


def cut(whole: Reconstruction, side: str) -> tuple[np.ndarray, set[int]]:
    """Cut the photo at the nose's bottom, through the eyes, or at 60 % of the face's width; return also what is gone."""
    photo, points = whole.photo, whole.points68
    low, high = points.min(0), points.max(0)
    if side == "below":
        y = int(points[33, 1])
        return photo[:y], set(np.flatnonzero(points[:, 1] > y).tolist())
    if side == "above":
        y = int(points[36:48, 1].mean())
        return photo[y:], set(np.flatnonzero(points[:, 1] < y).tolist())
    if side == "right":
        x = int(low[0] + 0.6 * (high - low)[0])
        return photo[:, :x], set(np.flatnonzero(points[:, 0] > x).tolist())
    x = int(high[0] - 0.6 * (high - low)[0])
    return photo[:, x:], set(np.flatnonzero(points[:, 0] < x).tolist())


PARTS_GONE = {"below": ["mouth"], "above": ["right eye", "left eye"], "right": ["left eye"], "left": ["right eye"]}


@pytest.mark.parametrize("side", sorted(PARTS_GONE))
def test_a_face_cut_by_the_edge_is_not_called_ok(
    reconstructor: Reconstructor, whole: Reconstruction, side: str
) -> None:
    photo, gone = cut(whole, side)
    (result,) = reconstructor.reconstruct(np.ascontiguousarray(photo))
    assert result.status == "low_confidence"
    assert result.confidence < 0.5 * whole.confidence
    found = {k for k, state in enumerate(result.states68) if state == "outside"}
    assert len(found ^ gone) <= 8, "but for points beside the edge"
    reason = result.reasons[0]
    assert f"{len(found)} of the 68 points" in reason
    assert "outside the picture" in reason
    for part in PARTS_GONE[side]:
        assert part in reason
    assert json.loads(encode_landmarks(result))["state68"] == list(result.states68)


def test_a_face_that_is_seen_whole_has_no_reason(whole: Reconstruction) -> None:
    assert whole.status == "ok"
    assert whole.reasons == ()
    assert set(whole.states68) == {"seen"}
