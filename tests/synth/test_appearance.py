"""The shipped asset of synthetic faces: sound, bound to the open head, and refused where damaged."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from headform.errors import WeightsError
from headform.heads import load_open
from headform.heads.linear import PARTS, LinearHead
from headform.io.safetensors_bytes import load_arrays
from headform.registration.surface import SurfaceIndex
from headform.synth.appearance import HAIR_LEVEL, Appearance, PieceAsset, decode_appearance, load_appearance

ASSET = Path(__file__).resolve().parents[2] / "src/headform/synth/assets/appearance.safetensors"


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return load_open()


@pytest.fixture(scope="module")
def appearance() -> Appearance:
    return load_appearance()


def pieces(appearance: Appearance) -> list[PieceAsset]:
    groups = (appearance.hair, appearance.lashes, appearance.hats)
    return [*(p for g in groups for p in g.values()), appearance.shoulders, appearance.shirt]


def test_the_file_is_small_and_the_card_is_its_own() -> None:
    data = ASSET.read_bytes()
    card = json.loads(ASSET.with_suffix(".json").read_text())
    assert len(data) < 5e6
    assert card["bytes"] == len(data)
    assert card["sha256"] == hashlib.sha256(data).hexdigest()


def test_everything_is_there(appearance: Appearance) -> None:
    counts = [len(getattr(appearance, k)) for k in ("hair", "brows", "lashes", "eyes", "skins", "panoramas")]
    assert counts == [10, 12, 4, 9, 14, 18]


def test_weights_belong_to_the_head_and_sum_to_one(appearance: Appearance, head: LinearHead) -> None:
    for piece in pieces(appearance):
        assert piece.anchor.min() >= 0
        assert piece.anchor.max() < len(head.mean)
        assert np.abs(piece.weight.sum(1) - 1).max() < 5e-3
        assert len(np.unique(piece.faces)) == len(piece.position)


def test_pieces_follow_a_moved_head(appearance: Appearance, head: LinearHead) -> None:
    moved = np.tile(np.float32([0.01, -0.02, 0.03]), (len(head.mean), 1))
    for piece in pieces(appearance):
        assert np.abs(piece.on(moved) - piece.position - moved[0]).max() < 2e-4


def test_no_hair_is_inside_the_skull(appearance: Appearance, head: LinearHead) -> None:
    mean, part, faces = head.mean.double().numpy(), head.part.numpy(), head.faces.numpy()
    skin = np.isin(part, [PARTS.index("face"), PARTS.index("head")]) & ~head.regions["ears"].numpy()
    skull = SurfaceIndex.of(mean, faces[skin[faces].all(1)])
    for piece in appearance.hair.values():
        found = skull.closest(piece.position.astype(np.float64))
        height = ((piece.position - found.positions) * found.normals).sum(1)
        near = ~found.at_border & (found.distance < 0.03)
        assert np.quantile(height[near], 0.01) > 5e-4, piece.name


def test_upper_lashes_close_with_the_lid(appearance: Appearance, head: LinearHead) -> None:
    shape = head.expression[list(head.expression_names).index("eyeBlinkLeft")].numpy()
    lid = head.landmark_vertices.numpy()[43:45, 0]
    for piece in appearance.lashes.values():
        down = piece.on(shape)[:, 1] - piece.position[:, 1]
        right = piece.position[:, 0] < 0
        assert np.abs(down[right]).max() < 1e-3, "the other eye stays open"
        assert down.min() < 0.9 * shape[lid, 1].min(), piece.name


def test_hair_has_the_stated_tone_and_holes(appearance: Appearance) -> None:
    for piece in appearance.hair.values():
        assert piece.picture is not None
        opaque = piece.picture[..., 3] > 200
        value = piece.picture[..., :3][opaque] / 255.0
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        assert linear.mean() == pytest.approx(HAIR_LEVEL, rel=0.1), piece.name
        assert (piece.picture[..., 3] < 20).any()


def test_brows_are_dense_on_their_spine_and_lie_above_the_eyes(appearance: Appearance, head: LinearHead) -> None:
    eyes = head.landmarks(head.mean, offset=False).numpy()
    for brow in appearance.brows.values():
        middle, edge = brow.alpha[:, 24:40].mean(), brow.alpha[:, [0, 1, -2, -1]].mean()
        assert middle > 4 * edge, brow.name
        assert (brow.middle[:, 1] > eyes[36:48, 1].max()).all()
        assert brow.middle[0, 0] < 0 < brow.middle[1, 0]
        assert ((brow.length > 0.03) & (brow.length < 0.07)).all()


def test_the_pupil_is_the_dark_middle_of_an_eye(appearance: Appearance) -> None:
    for eye in appearance.eyes.values():
        assert 0.08 < eye.pupil < 0.2 < eye.iris < 0.5
        row, column = np.indices(eye.picture.shape[:2]) + 0.5 - 128
        radius = np.hypot(row, column) / 128
        gray = eye.picture.mean(2)
        pupil, iris = gray[radius < 0.8 * eye.pupil], gray[(radius > eye.pupil * 1.2) & (radius < eye.iris * 0.95)]
        assert pupil.mean() < 0.6 * iris.mean(), eye.name
        assert iris.mean() < gray[(radius > eye.iris * 1.15) & (radius < 0.8)].mean(), eye.name


def test_panoramas_are_brighter_above_than_below(appearance: Appearance) -> None:
    means = np.array(
        [p.astype(np.float64)[:16].mean() / p.astype(np.float64)[48:].mean() for p in appearance.panoramas.values()]
    )
    assert np.isfinite(means).all()
    assert np.median(means) > 1


@pytest.mark.parametrize("size", [0, 7, 100_000, 1_000_000])
def test_a_cut_file_is_refused(size: int) -> None:
    with pytest.raises(WeightsError) as error:
        decode_appearance(ASSET.read_bytes()[:size], "cut")
    assert error.value.code == "appearance_damaged"


def test_triangles_of_other_vertices_are_refused() -> None:
    arrays, metadata = load_arrays(ASSET.read_bytes())
    arrays["hair.short04.faces"] = arrays["hair.short04.faces"] + np.uint16(2000)
    with pytest.raises(WeightsError, match="other vertices"):
        decode_appearance(safetensors.numpy.save(arrays, metadata), "changed")
