"""Hair cut for one person: outside the skull, off the eyes, with a hairline where it should be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.geometry.face_classes import HAIR
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.synth.appearance import HAIR_LEVEL
from headform.synth.groom.hair import Hairdresser
from headform.synth.groom.scalp import ScalpCylinder
from headform.synth.piece import Piece
from headform.synth.randomization.hair import HAIR_STYLES, HairRandomization
from headform.synth.skin_fields import skin_fields

NAMES = [name for name, _ in HAIR_STYLES]
HAIRY = HairRandomization(bald_rate=0.0, shaved_rate=0.0)


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return load_open()


@pytest.fixture(scope="module")
def hairdresser(head: LinearHead) -> Hairdresser:
    return Hairdresser(head, skin_fields(head))


def cut(hairdresser: Hairdresser, seed: int, displacement: np.ndarray, **changes: object) -> tuple[Piece, np.ndarray]:
    config = replace(HAIRY, **changes)  # type: ignore[arg-type]
    made = hairdresser.cut(np.random.default_rng(seed), displacement, np.array([0.1, 0.05, 0.02]), config)
    assert made.piece is not None
    return made.piece, made.roots


def still(head: LinearHead) -> np.ndarray:
    return np.zeros(head.mean.shape, np.float32)


def test_the_cylinder_is_undone(head: LinearHead) -> None:
    cylinder = ScalpCylinder.of(head)
    points = np.random.default_rng(0).uniform([-0.1, -0.1, -0.1], [0.1, 0.1, 0.1], (500, 3)).astype(np.float32)
    azimuth, distance = cylinder.unrolled(points)
    assert cylinder.rolled(azimuth, points[:, 1], distance) == pytest.approx(points, abs=1e-6)


def test_skin_lies_on_the_cylinder(head: LinearHead) -> None:
    cylinder = ScalpCylinder.of(head)
    scalp = head.mean.numpy()[head.regions["scalp"].numpy()]
    scalp = scalp[(scalp[:, 1] < 0.1) & (np.abs(scalp[:, 0]) > 0.03)]
    assert np.abs(cylinder.unrolled(scalp)[1]).mean() < 0.003


@pytest.mark.parametrize("name", NAMES)
def test_every_style_is_cut_and_repeatable(hairdresser: Hairdresser, head: LinearHead, name: str) -> None:
    identity = torch.randn(20, generator=torch.Generator().manual_seed(1))
    displacement = (head.vertices(identity) - head.mean).numpy()
    one, roots = cut(hairdresser, 3, displacement, styles=((name, 1.0),))
    two, _ = cut(hairdresser, 3, displacement, styles=((name, 1.0),))
    assert np.array_equal(one.vertices, two.vertices)
    assert np.isfinite(one.vertices).all()
    assert np.abs(one.vertices).max() < 0.6
    assert one.label == HAIR
    assert one.blended
    assert one.albedo.mean(0) * HAIR_LEVEL == pytest.approx([0.1, 0.05, 0.02], rel=0.4)
    assert roots.min() >= 0
    assert roots.max() <= 1
    assert roots[head.regions["scalp"].numpy()].mean() > 0.5
    assert roots[head.regions["nose"].numpy()].max() < 1e-6


def test_a_cleared_fringe_shows_the_eyes(hairdresser: Hairdresser, head: LinearHead) -> None:
    eyes = head.landmarks(head.mean, offset=False).numpy()[36:48]

    def hidden(rate: float) -> int:
        piece, _ = cut(hairdresser, 0, still(head), styles=(("short03", 1.0),), clear_rate=rate, wave_rate=0.0)
        near = (np.abs(piece.vertices[:, 0]) < eyes[:, 0].max()) & (piece.vertices[:, 2] > 0.09)
        return int((near & (piece.vertices[:, 1] < eyes[:, 1].max())).sum())

    assert hidden(0.0) > 0
    assert hidden(1.0) == 0


def test_hanging_hair_is_shortened(hairdresser: Hairdresser, head: LinearHead) -> None:
    short, long = (
        cut(hairdresser, 0, still(head), styles=(("long01", 1.0),), length=(size, size))[0] for size in (0.4, 1.0)
    )
    assert short.vertices[:, 1].min() > long.vertices[:, 1].min() + 0.1


def test_a_receding_hairline_bares_the_forehead(hairdresser: Hairdresser, head: LinearHead) -> None:
    style = {"styles": (("short04", 1.0),), "crown_rate": 0.0, "fringe_rate": 0.0, "mirror_rate": 0.0, "thin_rate": 0.0}
    full, full_roots = cut(hairdresser, 0, still(head), **style, recede_rate=0.0)
    less, less_roots = cut(hairdresser, 0, still(head), **style, recede_rate=1.0, recede=(0.04, 0.04))
    assert less_roots.sum() < 0.95 * full_roots.sum()
    forward = (full.vertices[:, 2] > 0.06) & (full.vertices[:, 1] < 0.1)
    assert (
        np.linalg.norm(less.vertices[forward] - [0, 0.045, 0], axis=1).mean()
        < np.linalg.norm(full.vertices[forward] - [0, 0.045, 0], axis=1).mean()
    )


def test_bald_and_shaved_heads_have_no_pieces(hairdresser: Hairdresser, head: LinearHead) -> None:
    rgb = np.array([0.1, 0.05, 0.02])
    bald = hairdresser.cut(np.random.default_rng(0), still(head), rgb, replace(HAIRY, bald_rate=1.0))
    shaved = hairdresser.cut(np.random.default_rng(0), still(head), rgb, replace(HAIRY, shaved_rate=1.0))
    assert bald.piece is shaved.piece is None
    assert bald.roots.max() == 0
    assert 0 < shaved.roots.max() <= 0.8


def test_a_bald_crown_leaves_sides_and_back(hairdresser: Hairdresser, head: LinearHead) -> None:
    style = {"styles": (("short01", 1.0),), "crown_rate": 1.0, "recede_rate": 0.0}
    piece, roots = cut(hairdresser, 0, still(head), **style)
    mean, scalp = head.mean.numpy(), head.regions["scalp"].numpy()
    assert roots[scalp & (mean[:, 1] > 0.12)].max() == 0
    assert roots[scalp & (mean[:, 1] < 0.06) & (mean[:, 2] < -0.05) & (mean[:, 1] > 0.0)].mean() > 0.5
    assert piece.vertices[:, 1].max() < mean[:, 1].max(), "what grew there has sunk under the skin"
