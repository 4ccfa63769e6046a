"""Light inside of the mouth."""

import numpy as np

from headform.heads import load_open
from headform.heads.linear import PARTS
from headform.synth._mouth_light import MouthLight


def test_molars_and_the_rim_under_the_upper_lip_are_darker_than_incisors() -> None:
    head = load_open()
    jaw = head.expression_names.index("jawOpen")
    verts = head.mean.numpy() + 0.5 * head.expression.numpy()[jaw]
    marks = verts[head.dense.numpy()[:68]]
    mouth = MouthLight(head)
    share = mouth.share(verts, marks)
    x, y, z = (head.mean.numpy()[mouth.ids] * 100).T
    part = head.part.numpy()[mouth.ids]
    teeth = part == PARTS.index("teeth")
    front = z.max()
    lower = teeth & (y < -3.6)
    incisors, molars = lower & (np.abs(x) < 1) & (z > front - 1.5), teeth & (z < front - 3.5)
    assert share[incisors].mean() > 5 * share[molars].mean() > 0
    upper = teeth & (y > -3.4) & (np.abs(x) < 1) & (z > front - 1)
    high, low = upper & (y > np.median(y[upper])), upper & (y < np.median(y[upper]))
    assert share[low].mean() > 1.1 * share[high].mean()
    assert share.dtype == np.float32
    assert share.min() > 0
    assert share.max() <= 1
    assert set(np.unique(part)) == {PARTS.index(name) for name in ("teeth", "tongue", "mouth")}
