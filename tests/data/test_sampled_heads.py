"""Sampled heads: the same number gives the same head, and what is decoded is what was drawn."""

import json
from functools import cache

import numpy as np
import pytest
import torch

from headform.data import HeadSampling, MeshDataset, SampledHeads
from headform.errors import InputError
from headform.geometry.head_angles import rotation_from_euler
from headform.heads import load_open


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@cache
def made(count: int = 12, **options) -> SampledHeads:
    return SampledHeads(load_open(), count, 3, **options)


def test_is_a_mesh_dataset() -> None:
    assert isinstance(made(), MeshDataset)
    assert made().faces.dtype == np.int64
    shape = made().vertices(numbers(1, 4)).shape
    assert shape == (2, len(load_open().mean), 3)


def test_a_head_depends_on_its_number_alone() -> None:
    few, many = made(2), made(12)
    np.testing.assert_array_equal(few.codes.identity, many.codes.identity[:2])
    np.testing.assert_array_equal(few.codes.neck, many.codes.neck[:2])
    together = many.vertices(numbers(0, 7, 1, 7))
    torch.testing.assert_close(together[[0, 2]], few.vertices(numbers(0, 1)), rtol=0, atol=1e-6)
    torch.testing.assert_close(together[1], together[3], rtol=0, atol=1e-6)


def test_splits_and_seeds_share_no_head() -> None:
    head = load_open()
    sets = [SampledHeads(head, 20, s, split=p) for s in (0, 1) for p in ("train", "val", "test")]
    codes = np.concatenate([s.codes.identity for s in sets])
    assert len(np.unique(codes, axis=0)) == len(codes)


def test_decodes_like_the_head_one_by_one() -> None:
    head, data = load_open(), made()
    codes = data.codes
    moved = np.flatnonzero((codes.neck != 0).any(1) & (codes.gaze[:, 0] != 0))[:2]
    assert len(moved) == 2
    for index in moved:
        yaw, pitch, vergence = torch.from_numpy(codes.gaze[index])
        zero = torch.zeros(())
        shape = head.vertices(torch.from_numpy(codes.identity[index]), torch.from_numpy(codes.expression[index]))
        # the subject's left is +x: inwards is to the left for the right eye
        right = rotation_from_euler(yaw + vergence, -pitch, zero)
        left = rotation_from_euler(yaw - vergence, -pitch, zero)
        neck = rotation_from_euler(*torch.from_numpy(codes.neck[index]))
        wanted = head.rotate_neck(head.rotate_eyes(shape, right, left), neck)
        got = data.vertices(numbers(int(index)))[0]
        torch.testing.assert_close(got, wanted, rtol=0, atol=2e-6)


def test_gaze_turns_the_pupil_to_where_it_looks() -> None:
    head = load_open()
    data = made(posed=("gaze",))
    index = int(np.abs(data.codes.gaze[:, 0]).argmax())
    shape = data.vertices(numbers(index))
    ids = head.part_vertices("eye_left")
    pupil = ids[head.mean[ids, 2].argmax()]
    look = (shape[:, pupil] - head.eye_center(shape, "eye_left"))[0]
    rest = head.vertices(torch.from_numpy(data.codes.identity[index]))
    before = rest[pupil] - head.eye_center(rest, "eye_left")
    yaw, pitch, vergence = data.codes.gaze[index]
    turned = torch.atan2(look[0], look[2]) - torch.atan2(before[0], before[2])
    assert float(turned) == pytest.approx(float(yaw - vergence), abs=0.05)
    raised = torch.asin(look[1] / look.norm()) - torch.asin(before[1] / before.norm())
    assert float(raised) == pytest.approx(float(pitch), abs=0.05)


def test_posed_leaves_identity_and_the_rest() -> None:
    whole = made().codes
    names = load_open().expression_names
    lids = np.array([n.startswith("eyeLook") for n in names])
    for posed in (("expression",), ("neck",), ("gaze",), ()):
        codes = made(posed=posed).codes
        np.testing.assert_array_equal(codes.identity, whole.identity)
        np.testing.assert_array_equal(codes.neck, whole.neck if "neck" in posed else 0)
        np.testing.assert_array_equal(codes.gaze, whole.gaze if "gaze" in posed else 0)
        rest = whole.expression[:, ~lids] if "expression" in posed else 0
        np.testing.assert_array_equal(codes.expression[:, ~lids], rest)
        follow = whole.expression[:, lids] if "gaze" in posed else 0
        np.testing.assert_array_equal(codes.expression[:, lids], follow)


def test_identity_is_standard_normal_and_poses_are_as_varied_as_the_recipe_says() -> None:
    codes = SampledHeads(load_open(), 400, 11).codes
    assert abs(codes.identity.mean()) < 0.02  # 40,000 draws
    assert abs(codes.identity.std() - 1) < 0.02
    turned = (codes.neck != 0).any(1)
    assert abs(turned.mean() - 0.8) < 0.07
    spread = np.degrees(codes.neck[turned].std(0))
    np.testing.assert_allclose(spread, [15, 8, 6], rtol=0.2)
    assert np.abs(np.degrees(codes.neck)).max(0) == pytest.approx([40, 20, 15], abs=6)
    assert abs((codes.expression.sum(1) == 0).mean() - 0.15) < 0.06


def test_facts_make_the_same_heads_again() -> None:
    head = load_open()
    recipe = HeadSampling(identity_scale=(0.7, 1.25), neck_rate=0.5)
    data = SampledHeads(head, 4, 9, split="test", recipe=recipe, posed=("neck",))
    facts = json.loads(json.dumps(data.facts()))
    again = SampledHeads.from_facts(head, facts)
    torch.testing.assert_close(again.vertices(np.arange(4)), data.vertices(np.arange(4)))
    assert again.facts() == data.facts()
    for wrong in ({"head_sha256": "0" * 64}, {"recipe": None}, {"recipe": {"hair": 1}}):
        with pytest.raises(InputError) as caught:
            SampledHeads.from_facts(head, facts | wrong)
        assert caught.value.code == "facts_foreign"


def test_refuses_what_is_not_there() -> None:
    with pytest.raises(IndexError):
        made(2).vertices(numbers(2))
    with pytest.raises(IndexError):
        made(2).vertices(numbers(-1))
    with pytest.raises(ValueError, match="count"):
        SampledHeads(load_open(), 0, 0)
