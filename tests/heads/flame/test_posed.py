"""Posing a FLAME head: against loops of NumPy, its derivatives, its batches, what it leaves alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck, gradgradcheck

from headform.errors import InputError, WeightsError
from headform.geometry.rotation import rotation_from_rotvec
from headform.heads.coefficients import BASEL_FRONT, FLAME
from headform.heads.flame.head import FlameHead
from tests.heads.flame.flame_heads import Inputs, posed_by_loops, random_inputs, tiny_flame

DOUBLE = torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize(
    "without",
    [
        (),
        ("identity",),
        ("expression",),
        ("global_rotation", "neck"),
        ("jaw", "eyes", "translation"),
        ("identity", "expression", "global_rotation", "translation"),
    ],
    ids=" ".join,
)
def test_it_is_what_the_loops_give(dtype, without) -> None:
    head = tiny_flame(dtype=dtype)
    inputs = random_inputs(head, without=without)
    pose = head.pose(**inputs.given())
    vertices, joints = posed_by_loops(head, inputs)
    atol = 1e-6 if dtype == torch.float32 else 1e-14
    np.testing.assert_allclose(pose.vertices, vertices, atol=atol, rtol=0)
    np.testing.assert_allclose(pose.joints, joints, atol=atol, rtol=0)


def test_every_turn_moves_what_hangs_on_its_joint() -> None:
    head = tiny_flame(dtype=DOUBLE)
    head = replace(head, skinning=torch.eye(5, dtype=DOUBLE).repeat(8, 1)[: len(head.mean)])
    head = replace(head, pose_correctives=head.pose_correctives * 0)
    rest = head.pose().vertices
    moved = {}
    for name, width in (("global_rotation", 3), ("neck", 3), ("jaw", 3), ("eyes", 6)):
        turn = torch.full((width,), 0.3, dtype=DOUBLE)
        if name == "eyes":
            turn[3:] = 0  # the left eye alone
        changed = (head.pose(**{name: turn}).vertices - rest).norm(dim=-1) > 1e-9
        moved[name] = {int(j) for j in head.skinning[changed].argmax(-1)}
    assert moved == {
        "global_rotation": {0, 1, 2, 3, 4},
        "neck": {1, 2, 3, 4},
        "jaw": {2},
        "eyes": {3},
    }


def test_first_and_second_derivatives() -> None:
    head = tiny_flame(6, identities=2, expressions=1, dtype=DOUBLE)
    names = list(random_inputs(head).given())
    values = [v.requires_grad_() for v in random_inputs(head, 2).given().values()]

    def decode(*values):
        pose = head.pose(**dict(zip(names, values, strict=True)))
        return pose.vertices, pose.joints

    assert gradcheck(decode, values)
    assert gradgradcheck(decode, values, fast_mode=True)


def test_derivatives_at_rest_and_of_the_head_itself() -> None:
    head = tiny_flame(5, identities=1, expressions=1, dtype=DOUBLE)
    rest = torch.zeros(3, dtype=DOUBLE, requires_grad=True)
    assert gradcheck(lambda turn: head.pose(jaw=turn, neck=turn).vertices, (rest,))
    code = torch.ones(1, dtype=DOUBLE)

    def learned(mean, modes, correctives, skinning):
        own = replace(head, mean=mean, identity=modes, pose_correctives=correctives, skinning=skinning)
        return own.pose(code, jaw=rest.detach() + 0.4).vertices

    fields = (head.mean, head.identity, head.pose_correctives, head.skinning)
    own = [f.clone().requires_grad_() for f in fields]
    assert gradcheck(learned, own, fast_mode=True)


def test_a_learned_head_in_single_precision_gets_its_gradients() -> None:
    head = tiny_flame()
    basis = head.identity.clone().requires_grad_()
    inputs = random_inputs(head, 2)
    replace(head, identity=basis).pose(**inputs.given()).vertices.sum().backward()
    assert basis.grad is not None
    assert basis.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_batches_of_any_shape_are_the_items_one_by_one(dtype) -> None:
    head = tiny_flame(dtype=dtype)
    inputs = random_inputs(head, 2, 3)
    pose = head.pose(**inputs.given())
    assert pose.vertices.shape == (2, 3, 37, 3)
    assert pose.joints.shape == (2, 3, 5, 3)
    for at in np.ndindex(2, 3):
        alone = head.pose(**{n: v[at] for n, v in inputs.given().items()})
        torch.testing.assert_close(pose.vertices[at], alone.vertices, atol=1e-6, rtol=0)
        torch.testing.assert_close(pose.joints[at], alone.joints, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_axes_are_broadcast_and_gradients_summed(dtype) -> None:
    head = tiny_flame(dtype=dtype)
    one, many = random_inputs(head), random_inputs(head, 4, 1, seed=1)
    shape = one.identity.clone().requires_grad_()
    mimic = random_inputs(head, 3, seed=2).expression
    pose = head.pose(shape, mimic, jaw=many.jaw, translation=one.translation)
    assert pose.vertices.shape == (4, 3, 37, 3)
    wide = [t.expand(4, 3, -1) for t in (shape, mimic, many.jaw, one.translation)]
    full = head.pose(wide[0], wide[1], jaw=wide[2], translation=wide[3])
    torch.testing.assert_close(pose.vertices, full.vertices)
    weights = torch.randn_like(pose.vertices)
    (got,) = torch.autograd.grad((pose.vertices * weights).sum(), shape)
    singly = [
        torch.autograd.grad((head.pose(shape, mimic[j], jaw=many.jaw[i, 0]).vertices * weights[i, j]).sum(), shape)[0]
        for i in range(4)
        for j in range(3)
    ]
    torch.testing.assert_close(got, torch.stack(singly).sum(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_without_pose_it_is_the_linear_head(dtype) -> None:
    head = tiny_flame(dtype=dtype)
    inputs = random_inputs(head, 3)
    unposed = head.vertices(inputs.identity, inputs.expression)
    nothing = torch.zeros(3, 3, dtype=dtype)
    for turns in (
        {},
        {"jaw": nothing, "global_rotation": nothing, "eyes": torch.cat([nothing] * 2, 1)},
    ):
        pose = head.pose(inputs.identity, inputs.expression, **turns)
        torch.testing.assert_close(pose.vertices, unposed, atol=1e-7, rtol=0)
        torch.testing.assert_close(pose.joints, head.joint_regressor @ unposed, atol=1e-7, rtol=0)
    bare = head.pose()
    torch.testing.assert_close(bare.vertices, head.mean, atol=1e-7, rtol=0)
    assert bare.joints.shape == (5, 3)
    assert torch.equal(head.vertices(), head.mean)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_the_global_rotation_turns_everything_about_the_root(dtype) -> None:
    head = tiny_flame(dtype=dtype)
    inputs = random_inputs(head, 2)
    still = head.pose(**replace(inputs, global_rotation=None, translation=None).given())
    turned = head.pose(**inputs.given())
    rotation = rotation_from_rotvec(inputs.global_rotation)
    root = still.joints[:, :1]
    for before, after in ((still.vertices, turned.vertices), (still.joints, turned.joints)):
        expected = (before - root) @ rotation.mT + root + inputs.translation[:, None]
        torch.testing.assert_close(after, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, DOUBLE])
def test_any_floating_type(dtype) -> None:
    head = tiny_flame(dtype=dtype)
    inputs = random_inputs(head, 2)
    pose = head.pose(**inputs.given())
    assert pose.vertices.dtype == pose.joints.dtype == head.landmarks2d(pose).dtype == dtype
    exact = tiny_flame(dtype=DOUBLE).pose(**{n: v.double() for n, v in inputs.given().items()})
    error = (pose.vertices.double() - exact.vertices).abs().max()
    assert error < 8 * torch.finfo(dtype).eps


def test_fewer_coefficients_are_the_first_ones() -> None:
    head = tiny_flame()
    inputs = random_inputs(head, 2)
    few = head.pose(inputs.identity[:, :2], inputs.expression[:, :1], jaw=inputs.jaw)
    padded = [torch.zeros_like(t) for t in (inputs.identity, inputs.expression)]
    padded[0][:, :2], padded[1][:, :1] = inputs.identity[:, :2], inputs.expression[:, :1]
    torch.testing.assert_close(few.vertices, head.pose(*padded, jaw=inputs.jaw).vertices, atol=1e-7, rtol=0)
    none = head.pose(inputs.identity[:, :0], jaw=inputs.jaw)
    torch.testing.assert_close(none.vertices, head.pose(jaw=inputs.jaw).vertices)


def test_a_head_without_correctives_is_skinned_all_the_same() -> None:
    for dtype in (torch.float32, DOUBLE):
        head = tiny_flame(correctives=False, dtype=dtype)
        inputs = random_inputs(head)
        vertices, _ = posed_by_loops(head, inputs)
        got = head.pose(**inputs.given()).vertices
        np.testing.assert_allclose(got, vertices, atol=1e-6, rtol=0)


def test_no_heads_at_all() -> None:
    head = tiny_flame()
    code = torch.zeros(0, 4, requires_grad=True)
    pose = head.pose(code, jaw=torch.zeros(0, 3))
    assert pose.vertices.shape == (0, 37, 3)
    assert pose.joints.shape == (0, 5, 3)
    pose.vertices.sum().backward()
    assert code.grad.shape == (0, 4)


def test_what_does_not_fit_is_refused() -> None:
    head = tiny_flame()
    with pytest.raises(InputError, match="5 numbers of identity for 4 modes") as caught:
        head.pose(torch.zeros(5))
    assert caught.value.code == "code_length"
    with pytest.raises(InputError, match="4 numbers of expression for 3 modes"):
        head.pose(expression=torch.zeros(2, 4))
    with pytest.raises(InputError, match=r"float64, but the head is torch\.float32") as caught:
        head.pose(jaw=torch.zeros(3, dtype=DOUBLE))
    assert caught.value.code == "code_type"
    unchecked = FlameHead.pose.__wrapped__  # as where no annotations are checked
    for name in ("global_rotation", "neck", "jaw", "eyes", "translation"):
        with pytest.raises(InputError, match=rf"{name.replace('_', ' ')} has shape \(2, 1\)"):
            unchecked(head, **{name: torch.zeros(2, 1)})


def test_a_code_is_shape_pose_and_expression() -> None:
    head = tiny_flame(identities=6, expressions=5)
    code = FLAME.split(torch.randn(2, FLAME.size))
    pose = head.decode(code)
    by_hand = head.pose(
        code["shape"][:, :6],
        code["expression"][:, :5],
        global_rotation=code["pose"][:, :3],
        jaw=code["pose"][:, 3:],
    )
    assert torch.equal(pose.vertices, by_hand.vertices)
    offset = FLAME.slices["pose"].start
    assert torch.equal(code["pose"], code.pack()[:, offset : offset + 6])
    with pytest.raises(InputError) as caught:
        head.decode(BASEL_FRONT.zeros())
    assert caught.value.code == "code_layout"


def corners_of(vertices, ids, weights):
    """Points in triangles, one by one."""
    flat = [
        sum(w * vertices[i] for i, w in zip(row, shares, strict=True))
        for row, shares in zip(ids.tolist(), weights.tolist(), strict=True)
    ]
    return torch.stack(flat)


YAWS = [0, 7, 38.4, 38.6, 39.4, 39.6, 60, 120, -0.4, -0.6, -1, -20, -38.6, -39.4, -39.6, -90]
BINS = [0, 7, 38, 39, 39, 39, 39, 39, 0, 40, 40, 59, 78, 78, 78, 78]


def test_the_jaw_line_follows_the_yaw_and_the_rest_stays() -> None:
    head = tiny_flame(dtype=DOUBLE)
    yaw = torch.deg2rad(torch.tensor(YAWS, dtype=DOUBLE))
    turn = torch.zeros(len(YAWS), 3, dtype=DOUBLE)
    turn[:, 1] = -yaw  # bins count to the subject's right
    pose = head.pose(random_inputs(head).identity, global_rotation=turn)
    assert head.contour_bins(pose).tolist() == BINS
    seen, fixed = head.landmarks2d(pose), head.landmarks3d(pose)
    assert seen.shape == fixed.shape == (len(YAWS), 68, 3)
    for k, found in enumerate(BINS):
        vertices = pose.vertices[k]
        jaw = corners_of(vertices, head.contour_vertices[found], head.contour_weights[found])
        rest = corners_of(vertices, head.static_vertices, head.static_weights)
        torch.testing.assert_close(seen[k], torch.cat([jaw, rest]))
        full = corners_of(vertices, head.landmark_vertices, head.landmark_weights)
        torch.testing.assert_close(fixed[k], full)
    assert torch.equal(head.contour_landmarks(pose), seen[:, :17])
    assert torch.equal(head.static_landmarks(pose), seen[:, 17:])


def test_root_and_neck_turn_the_jaw_line_together() -> None:
    head = tiny_flame(dtype=DOUBLE)
    about_y = torch.tensor([0.0, -1.0, 0.0], dtype=DOUBLE)
    ten, twelve = (about_y * np.deg2rad(k) for k in (10.0, 12.0))
    assert int(head.contour_bins(head.pose(global_rotation=ten))) == 10
    assert int(head.contour_bins(head.pose(neck=twelve))) == 12
    assert int(head.contour_bins(head.pose(global_rotation=ten, neck=twelve))) == 22
    assert int(head.contour_bins(head.pose(jaw=twelve))) == 0
    both = head.pose(global_rotation=ten.repeat(4, 1), neck=torch.stack([twelve, -twelve])[:, None])
    assert head.contour_bins(both).tolist() == [[22] * 4, [41] * 4]
    turns = torch.randn(2, 30, 3, dtype=DOUBLE) * 0.4  # the root's turn comes after the neck's
    chain = Rotation.from_rotvec(turns[0].numpy()) * Rotation.from_rotvec(turns[1].numpy())
    rise = chain.as_matrix()[:, 2, 0]  # how far the head's x axis comes forward
    degrees = np.round(np.rad2deg(np.arcsin(rise))).clip(-39, 39).astype(int)
    found = head.contour_bins(head.pose(global_rotation=turns[0], neck=turns[1]))
    assert found.tolist() == np.where(degrees < 0, 39 - degrees, degrees).tolist()
    tilted = torch.tensor([0.5, 0.0, 0.0], dtype=DOUBLE)  # a bow is no yaw
    assert int(head.contour_bins(head.pose(global_rotation=tilted))) == 0


def test_a_pose_without_a_number_spoils_itself_alone() -> None:
    head = tiny_flame()
    turn = torch.zeros(3, 3)
    turn[1] = torch.nan
    pose = head.pose(global_rotation=turn)
    assert head.contour_bins(pose).tolist() == [0, 0, 0]
    lost = head.landmarks2d(pose).isnan().flatten(1)
    assert lost.all(1).tolist() == lost.any(1).tolist() == [False, True, False]


def test_landmarks_carry_gradients() -> None:
    head = tiny_flame(8, identities=2, dtype=DOUBLE)
    turn = torch.tensor([0.1, -0.2, 0.05], dtype=DOUBLE, requires_grad=True)
    code = torch.ones(2, dtype=DOUBLE, requires_grad=True)
    for points in (head.landmarks2d, head.landmarks3d):
        assert gradcheck(lambda c, t, p=points: p(head.pose(c, global_rotation=t)), (code, turn), fast_mode=True)


def test_a_head_without_landmarks_says_so() -> None:
    head = tiny_flame()
    none = torch.zeros(0, 3, dtype=torch.long)
    bare = replace(
        head,
        static_vertices=none,
        static_weights=none.float(),
        contour_vertices=none[:, None].expand(0, 17, 3),
        contour_weights=none[:, None].expand(0, 17, 3).float(),
        landmark_vertices=none,
        landmark_weights=none.float(),
        landmark_offset=none.float(),
    )
    pose = bare.pose(**Inputs(jaw=torch.zeros(3)).given())
    for points in (
        bare.static_landmarks,
        bare.contour_landmarks,
        bare.landmarks2d,
        bare.landmarks3d,
    ):
        with pytest.raises(WeightsError) as caught:
            points(pose)
        assert caught.value.code == "head_lacks"
