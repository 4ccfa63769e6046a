"""Faces that the picture's edge cuts, or that something covers, with the weights that ship."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from headform.export.writers import encode_landmarks
from headform.fit.plain_skin import face_skin
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


def covered(whole: Reconstruction, kind: str) -> np.ndarray:
    """Draw a mask, a bar over the eyes or a wall over a half onto the photo, in a color that no skin has."""
    picture = Image.fromarray(whole.photo)
    pen, points = ImageDraw.Draw(picture), whole.points68
    if kind == "mask":
        outline = [*points[1:16], points[15], points[29], points[1]]
        pen.polygon([(float(x), float(y)) for x, y in outline], fill=(120, 175, 220))
    elif kind == "eyes":
        (x0, y0), (x1, y1) = points[[0, 17, 36, 41]].min(0), points[[16, 26, 45, 46]].max(0)
        pen.rectangle((x0, y0 + 4, x1, y1 + 6), fill=(10, 10, 10))
    else:
        pen.rectangle((points[30, 0] - 200, 0, points[30, 0] - 3, 512), fill=(60, 140, 70))
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("kind", "parts"), [("mask", ["mouth", "jaw"]), ("eyes", ["right eye", "left eye"]), ("half", ["jaw"])]
)
def test_a_covered_face_is_not_called_ok_and_does_not_wear_the_cover(
    reconstructor: Reconstructor, whole: Reconstruction, kind: str, parts: list[str]
) -> None:
    photo = covered(whole, kind)
    (result,) = reconstructor.reconstruct(photo)
    assert result.status == "low_confidence"
    assert result.confidence < 0.6 * whole.confidence
    (reason,) = [reason for reason in result.reasons if "are covered" in reason]
    for part in parts:
        assert part in reason
    if kind == "mask":
        assert result.states68[57] == "covered"
        assert {result.states68[k] for k in (37, 38, 43, 44)} == {"seen"}, "upper lids"
    # everywhere on the face, skin is redder than blue and green: none of the cover's color was baked or taken for light
    assert result.albedo_texture is not None
    skin = face_skin(result.head)[result.head.faces.numpy()].all(1)
    at = result.head.uv.numpy()[result.head.uv_faces.numpy()[skin]].mean(1)
    rgb = result.albedo_texture[((1 - at[:, 1]) * 255).astype(int), (at[:, 0] * 255).astype(int)].astype(int)
    assert (rgb[:, 0] > rgb[:, 1:].max(1)).mean() > 0.97
    assert (rgb.sum(1) > 60).mean() > 0.97
