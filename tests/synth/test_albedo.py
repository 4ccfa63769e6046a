"""True colors at the vertices: those of the picture without light, against plain arithmetic."""

import numpy as np
import pytest

from headform.heads.linear import PARTS, LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.synth._pixel_kernels import BROW_SIDE, GROWTH, LIP, MIX, TINT
from headform.synth.generator import Generator
from headform.synth.people import sample_person
from headform.synth.randomization import FULL

PAINTED = FULL.with_changes(
    hair={"bald_rate": 1.0},
    hats={"rate": 0.0},
    skin={
        "lip_paint_rate": 1.0,
        "lip_paint": (1.0, 1.0),
        "stubble_rate": 0.0,
        "beard_rate": 0.0,
        "moustache_rate": 0.0,
    },
)


@pytest.fixture(scope="module")
def generator(open_head: LinearHead) -> Generator:
    return Generator(open_head, size=48, randomization=PAINTED, bank_size=2, albedo=True)


def test_plain_skin_by_hand(generator: Generator) -> None:
    head, renderer, builder = generator.head, generator._renderer, generator._builder
    rng = np.random.default_rng(4)
    person = sample_person(rng, PAINTED, head.expression_names, len(head.identity))
    subject = builder.build(rng, person, generator._shaper.shape([person])[0])
    found = renderer.albedo(subject)
    maps = [m.copy() for m in renderer._looks(subject)[:2]]
    faces, attributes = head.faces.numpy(), subject.surface.attributes
    bare = (attributes[:, GROWTH] == 0) & (attributes[:, LIP] == 0) & (attributes[:, BROW_SIDE] > 2)
    inner = head.regions["cheeks"].numpy() & bare
    rows = [v for v in np.flatnonzero(inner) if bare[faces[(faces == v).any(1)]].all()][::40]
    assert len(rows) > 4
    for v in rows:
        colors = []
        for f in np.flatnonzero((faces == v).any(1)):
            w = np.where(faces[f] == v, 2 / 3, 1 / 6)
            u, top = w @ head.uv.numpy()[head.uv_faces.numpy()[f]]
            at = w @ attributes[faces[f]]
            first, second = (_bilinear(m, u, top) for m in maps)
            colors.append((first + (second - first) * at[MIX]) * at[TINT : TINT + 3])
        np.testing.assert_allclose(found[v], np.clip(np.mean(colors, axis=0), 0, 1), rtol=0.02, atol=0.004)


def _bilinear(image: np.ndarray, u: float, v: float) -> np.ndarray:
    side = len(image)
    x, y = u * side - 0.5, (1 - v) * side - 0.5
    i, j = int(x), int(y)
    block = image[j : j + 2, i : i + 2].astype(float)
    weights = np.outer([1 - (y - j), y - j], [1 - (x - i), x - i])
    return np.interp((block * weights[..., None]).sum((0, 1)), np.arange(256), LINEAR_FROM_SRGB8)


def test_the_picture_is_the_same_and_paint_is_in_the_colors(
    generator: Generator, open_head: LinearHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = generator.batch(np.random.default_rng(8), 2)
    monkeypatch.setattr(generator, "_albedo", False)
    two = generator.batch(np.random.default_rng(8), 2)
    np.testing.assert_array_equal(one.images, two.images)
    assert two.albedo is None
    assert one.albedo is not None
    part = open_head.part.numpy()
    assert ((one.albedo >= 0) & (one.albedo <= 1)).all()
    for albedo in one.albedo:
        chin = albedo[open_head.regions["chin"].numpy() & (part == 0)].mean(0)
        lips = albedo[open_head.regions["lips"].numpy() & (part == 0)]
        redness = np.percentile(lips[:, 0] / (lips[:, 1] + 1e-3), 75)
        assert redness > 1.3 * chin[0] / chin[1], "lipstick"
        teeth = albedo[part == PARTS.index("teeth")]
        assert teeth.mean() > 0.3
        assert np.ptp(albedo[part == PARTS.index("eye_right")].mean(1)) > 0.3, "iris and sclera"
