"""Decoding of an encoder's codes on the open head and on FLAME, against plain sums and rotations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.errors import UsageError
from headform.geometry.landmarks68 import five_points
from headform.heads.code_decoder import FlameDecoder, OpenDecoder, decoder_of, mean_code
from headform.heads.coefficients import FLAME, OPEN_ENCODER, CoefficientLayout, Coefficients
from headform.heads.linear import LinearHead
from headform.nets.recognition.crops import ARCFACE
from tests.heads.flame.flame_heads import Inputs, posed_by_loops, tiny_flame


def random_code(layout: CoefficientLayout, count: int = 2) -> Coefficients:
    return layout.split(0.5 * torch.randn(count, layout.size, generator=torch.Generator().manual_seed(4)))


def changed(code: Coefficients, **parts: torch.Tensor) -> Coefficients:
    return Coefficients(code.layout, dict(code.values) | parts)


def test_the_486_numbers_of_the_paper() -> None:
    assert FLAME.size == 486
    assert FLAME.parts == (
        ("shape", 300), ("pose", 6), ("expression", 100), ("texture", 50), ("camera", 3), ("light", 27),
    )  # fmt: skip
    assert FLAME.slices["pose"] == slice(300, 306)
    assert FLAME.slices["light"] == slice(459, 486)


def test_shape_is_identity_alone(head: LinearHead) -> None:
    decoder = decoder_of(head)
    assert isinstance(decoder, OpenDecoder)
    assert decoder.layout is OPEN_ENCODER
    code = random_code(OPEN_ENCODER)
    other = changed(code, **{n: code[n] + 1 for n in ("expression", "pose", "texture", "camera", "light")})
    first, second = decoder.decode(code), decoder.decode(other)
    assert torch.equal(first.shape, second.shape)
    wanted = head.mean.double() + torch.einsum("bk,kvc->bvc", code["identity"].double(), head.identity.double())
    torch.testing.assert_close(first.shape.double(), wanted, atol=1e-6, rtol=0)
    assert torch.equal(decoder.shape(code["identity"]), first.shape)
    assert float((first.posed - second.posed).abs().max()) > 0.01


def test_an_open_head_is_expressed_then_turned(head: LinearHead) -> None:
    code = random_code(OPEN_ENCODER)
    found = decoder_of(head).decode(code)
    for k in range(2):
        still = head.vertices(code["identity"][k], code["expression"][k]).numpy()
        turn = Rotation.from_rotvec(code["pose"][k].numpy())
        np.testing.assert_allclose(found.posed[k].numpy(), turn.apply(still), atol=1e-6)
        corners = still[head.landmark_vertices.numpy()]
        marks = (corners * head.landmark_weights.numpy()[..., None]).sum(1) + head.landmark_offset.numpy()
        np.testing.assert_allclose(found.landmarks68[k, 17:].numpy(), turn.apply(marks)[17:], atol=1e-6)
    assert found.albedo is not None
    wanted = head.albedo_mean + (code["texture"][0, :, None, None] * head.albedo).sum(0)
    torch.testing.assert_close(found.albedo[0], wanted, atol=1e-5, rtol=0)
    bare = replace(head, albedo_mean=head.albedo_mean[:0], albedo=head.albedo[:, :0])
    assert OpenDecoder(bare).decode(code).albedo is None


def test_a_turn_to_the_left_goes_to_the_subjects_left(head: LinearHead) -> None:
    code = OPEN_ENCODER.zeros(1)
    turned = decoder_of(head).decode(changed(code, pose=torch.tensor([[0.0, 0.5, 0.0]])))
    nose = turned.landmarks68[0, 30] - turned.landmarks68[0, 27]
    still = decoder_of(head).decode(code)
    assert float(nose[0]) > 0.005, "x is the subject's left"
    assert abs(float(still.landmarks68[0, 30, 0])) < 0.002


@pytest.mark.parametrize(("degrees", "share"), [(0, 1.0), (-30, 1.0), (42.5, 0.5), (60, 0.0)])
def test_the_averted_jaw_is_on_the_visible_outline(head: LinearHead, degrees: float, share: float) -> None:
    """Point by point: the outermost candidate to the side, to 35 degrees; the turned point itself from 50 degrees on."""
    pose = torch.tensor([[0.0, float(np.radians(degrees)), 0.0]])
    code = changed(random_code(OPEN_ENCODER, 1), pose=pose)
    found = decoder_of(head).decode(code)
    posed, marks = found.posed[0].numpy(), found.landmarks68[0].numpy()
    still = head.landmarks(head.vertices(code["identity"][0], code["expression"][0])).numpy()
    turned = Rotation.from_euler("y", degrees, degrees=True).apply(still)
    for k in range(17):
        side = np.sign(k - 8)
        outer = max(0.0, (side * (posed[head.contour[k].numpy(), 0] - turned[k, 0])).max())
        np.testing.assert_allclose(marks[k], turned[k] + [share * side * outer, 0.0, 0.0], atol=1e-6)
    moved = 1000 * np.abs(marks - turned)[:17, 0]
    if degrees == 0:
        assert moved.max() < 3.0, "of a frontal head the jaw is the outline already"
    if degrees == -30:  # the nose to the subject's right
        assert moved[:8].max() > 5.0


def test_the_mean_code_shows_the_face_where_crops_have_it(head: LinearHead) -> None:
    decoder = decoder_of(head)
    template = ARCFACE.points / (ARCFACE.side / 2) - 1
    code = OPEN_ENCODER.split(mean_code(decoder, torch.from_numpy(template).float())[None])
    found = decoder.decode(code)
    torch.testing.assert_close(found.shape[0], head.mean)
    scale, tx, ty = code["camera"][0].tolist()
    points = found.landmarks68[0].double().numpy()
    ndc = np.stack([scale * (points[:, 0] + tx), -scale * (points[:, 1] + ty)], 1)
    five = five_points(ndc)
    np.testing.assert_allclose(five.mean(0), template.mean(0), atol=1e-5)
    assert np.linalg.norm(five - template, axis=1).max() < 0.12
    for factor in (0.98, 1.02):  # the best scale about the middle
        other = (five - five.mean(0)) * factor + template.mean(0)
        assert np.square(other - template).sum() > np.square(five - template).sum()
    assert ndc[30, 1] < ndc[8, 1], "y down: the chin is below the nose"
    assert ndc[36, 0] < ndc[45, 0], "the subject's right eye is left in the picture"
    light = code["light"].view(9, 3)
    assert float(light[1:].abs().max()) == 0
    assert 0.7 < float(light[0, 0]) / np.sqrt(4 * np.pi) < 1.0, "a white surface is bright and not clipped"


def test_flame_takes_global_rotation_and_jaw() -> None:
    flame = tiny_flame()
    decoder = decoder_of(flame)
    assert isinstance(decoder, FlameDecoder)
    code = random_code(FLAME, 1)
    found = decoder.decode(code)
    pose = code["pose"][0]
    inputs = Inputs(code["shape"][0, :4], code["expression"][0, :3], global_rotation=pose[:3], jaw=pose[3:])
    wanted, _ = posed_by_loops(flame, inputs)
    np.testing.assert_allclose(found.posed[0].numpy(), wanted, atol=1e-6)
    neutral, _ = posed_by_loops(flame, Inputs(code["shape"][0, :4]))
    np.testing.assert_allclose(found.shape[0].numpy(), neutral, atol=1e-6)
    assert found.albedo is None
    more = changed(code, shape=code["shape"] + torch.arange(300).ge(4).float())
    assert torch.equal(decoder.decode(more).posed, found.posed), "modes that this head lacks are ignored"


def test_flames_landmarks_are_the_contour_of_the_view_and_51() -> None:
    flame = tiny_flame()
    yaw = torch.tensor([0.0, 0.4])
    code = FLAME.zeros(2)
    code = changed(code, pose=torch.cat([torch.zeros(2, 1), yaw[:, None], torch.zeros(2, 4)], 1))
    found = decoder_of(flame).decode(code)
    for k, number in enumerate((0, 39 + 23)):  # 0.4 rad are 23 degrees; a nose to the left has the negative bins
        corners = found.posed[k][flame.contour_vertices[number]]
        jaw = (corners * flame.contour_weights[number][..., None]).sum(1)
        torch.testing.assert_close(found.landmarks68[k, :17], jaw)
        rest = (found.posed[k][flame.static_vertices] * flame.static_weights[..., None]).sum(1)
        torch.testing.assert_close(found.landmarks68[k, 17:], rest)


def test_gradients_reach_what_they_should(head: LinearHead) -> None:
    code = (0.1 * torch.randn(1, OPEN_ENCODER.size)).requires_grad_()
    found = decoder_of(head).decode(OPEN_ENCODER.split(code))
    assert found.albedo is not None
    for value, parts in (
        (found.shape, {"identity"}),
        (found.posed, {"identity", "expression", "pose"}),
        (found.landmarks68, {"identity", "expression", "pose"}),
        (found.albedo, {"texture"}),
    ):
        (grad,) = torch.autograd.grad((value * torch.linspace(0, 1, value.numel()).view_as(value)).sum(), code,
                                      retain_graph=True)  # fmt: skip
        reached = {n for n, part in OPEN_ENCODER.split(grad).values.items() if float(part.abs().max()) > 0}
        assert reached == parts


def test_another_head_is_refused(head: LinearHead) -> None:
    with pytest.raises(UsageError, match="99 of identity") as caught:
        decoder_of(replace(head, identity=head.identity[:99]))
    assert caught.value.code == "head_unsupported"
