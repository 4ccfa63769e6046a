"""Eyeballs and teeth that follow the skin."""

import numpy as np
from scipy.spatial.transform import Rotation

from headform import heads
from headform.registration.attached_parts import carried, main_component, part_labels


def test_all_parts_follow_a_rigid_motion_of_the_skin():
    head = heads.load_open()
    main = main_component(head)
    label = part_labels(head, main)
    assert (label[main] == -1).all()
    assert len(np.unique(label[~main])) == 4  # tongue, teeth, two eyeballs
    rest = head.mean.double().numpy()
    moved = Rotation.from_euler("xyz", [0.1, -0.2, 0.05]).apply(rest) + [0.01, 0.02, -0.03]
    np.testing.assert_allclose(carried(rest, np.where(main[:, None], moved, np.nan), main, label), moved, atol=1e-9)


def test_an_eyeball_stays_round_where_lids_are_bent():
    head = heads.load_open()
    main, rest = main_component(head), head.mean.double().numpy()
    moved = rest + 0.003 * np.sin(80 * rest[:, [1, 2, 0]])
    out = carried(rest, moved, main, part_labels(head, main))
    ball = head.part.numpy() == 8
    center, old = out[ball].mean(axis=0), rest[ball].mean(axis=0)
    np.testing.assert_allclose(
        np.linalg.norm(out[ball] - center, axis=1), np.linalg.norm(rest[ball] - old, axis=1), atol=1e-9
    )
    assert 0 < np.linalg.norm(center - old) < 0.006
