"""Teeth, gums and tongue: the person's brightness within limits, dark toward the throat."""

import numpy as np

from headform.fit.mouth_material import GAINS, TEETH, TEETH_SHOWN, paint_mouth, teeth_gain
from headform.heads.linear import PARTS, LinearHead


def test_the_mouth_darkens_toward_the_throat_and_the_skin_is_left_alone(head: LinearHead) -> None:
    albedo = head.albedo_mean.double().numpy()
    out = paint_mouth(head, albedo, np.ones(3))
    depth, part = head.mean[:, 2].numpy(), head.part.numpy()
    for name in ("teeth", "mouth", "tongue"):
        ids = np.flatnonzero(part == PARTS.index(name))
        order = ids[np.argsort(depth[ids])]
        assert out[order[-20:]].mean() > 2 * out[order[:20]].mean()
    teeth = out[part == PARTS.index("teeth")]
    assert teeth.max() < 0.5
    assert (teeth[:, 0] > teeth[:, 2]).all(), "ivory"
    skin = part == PARTS.index("face")
    np.testing.assert_array_equal(out[skin], albedo[skin])


def test_teeth_are_as_bright_as_the_photos_within_limits() -> None:
    usual = np.asarray(TEETH) * TEETH_SHOWN
    np.testing.assert_allclose(teeth_gain(usual * 1.3, np.full(3, 1.3)), 1.0)
    np.testing.assert_allclose(teeth_gain(usual * 9, np.ones(3)), GAINS[1])
    np.testing.assert_allclose(teeth_gain(usual * 0.1, np.ones(3)), GAINS[0])
    np.testing.assert_array_equal(teeth_gain(None, np.ones(3)), 1.0)
    yellow = teeth_gain(usual * [1.0, 1.0, 0.5], np.ones(3))
    assert yellow[2] < yellow[0] < 1.4 * yellow[2]
