"""Every loss against an independent oracle, its gradient by finite differences, and what must cost nothing."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from headform import losses
from headform.geometry.landmarks68 import EYE_CLOSURE_PAIRS, INNER_LIP_PAIRS
from headform.losses.regularizers import within_subject_permutation
from headform.nets.recognition.crops import ARCFACE, CropSpec
from headform.nets.recognition.face_crop import crop_faces
from tests import oracles

DOUBLE = torch.float64


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def number(value: torch.Tensor) -> float:
    return float(value.detach())


def tiny_mesh() -> tuple[torch.Tensor, torch.Tensor]:
    """Faces of a tetrahedron with a flap, a lonely vertex at the end; and a mirror map of the seven."""
    faces = torch.tensor([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0], [2, 4, 3], [4, 5, 3]])
    return faces, torch.tensor([1, 0, 2, 3, 5, 4, 6])


MASK = (draw(2, 1, 5, 6, seed=9) > 0).to(DOUBLE)
WEIGHTS = losses.deca_landmark_weights()
FACES, MIRROR = tiny_mesh()
SHARE = torch.tensor([0.3, 0.8], dtype=DOUBLE)


class Critic(nn.Module):
    """Smooth and not linear, so that the second derivatives are something."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 5), nn.Linear(5, 1)
        self.double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.first(x.flatten(1))))


def cases(device: str | torch.device = "cpu") -> dict[str, tuple]:
    """Name: the loss as a function of its differentiable inputs, the inputs, and the oracle of the same arrays."""
    weights, mask, faces, mirror = (t.to(device) for t in (WEIGHTS, MASK, FACES, MIRROR))
    points = draw(3, 68, 2), draw(3, 68, 2, seed=1)
    visible = draw(3, 68, seed=2) > -1
    pictures = draw(2, 3, 5, 6).sigmoid(), draw(2, 3, 5, 6, seed=1).sigmoid()
    features = draw(4, 7), draw(4, 7, seed=1)
    meshes = draw(2, 7, 3), draw(2, 7, 3, seed=1)
    kappa = torch.tensor([150.0, 150, 0.01, 1, 1, 0.01, 1], dtype=DOUBLE)
    scores = draw(3, 1), draw(3, 1, seed=1)
    return {
        "landmarks": (
            lambda p, q: losses.landmark_loss(p, q, weights, visible.to(device)),
            points,
            lambda p, q: oracles.weighted_landmark_l1(p, q, WEIGHTS.numpy(), visible.numpy()),
        ),
        "landmarks, all alike": (losses.landmark_loss, points, lambda p, q: np.abs(p - q).mean()),
        "eye pairs": (
            lambda p, q: losses.pair_distance_loss(p, q, EYE_CLOSURE_PAIRS),
            points,
            lambda p, q: oracles.pair_distance_loss(p, q, oracles.EYE_PAIRS),
        ),
        "lip pairs": (
            lambda p, q: losses.pair_distance_loss(p, q, INNER_LIP_PAIRS),
            points,
            lambda p, q: oracles.pair_distance_loss(p, q, oracles.LIP_PAIRS),
        ),
        "photometric": (
            lambda a, b: losses.photometric_loss(a, b, mask),
            pictures,
            lambda a, b: oracles.masked_photometric_l1(a, b, MASK[:, 0].numpy()),
        ),
        "pixel": (
            lambda a, b: losses.pixel_loss(a, b, mask),
            pictures,
            lambda a, b: oracles.masked_pixel_l2(a, b, MASK[:, 0].numpy()),
        ),
        "cosine": (losses.cosine_loss, features, oracles.cosine_identity),
        "regions": (
            lambda v, w: losses.region_weighted_loss(v, w, kappa.to(device)),
            meshes,
            lambda v, w: oracles.region_weighted_vertices(v, w, kappa.numpy()),
        ),
        "vertices": (losses.vertex_loss, meshes, oracles.vertex_l2),
        "laplacian": (
            lambda v: losses.laplacian_loss(v, faces),
            meshes[:1],
            lambda v: oracles.laplacian_smoothness(v, FACES.numpy()),
        ),
        "symmetry": (
            lambda v: losses.symmetry_loss(v, mirror),
            meshes[:1],
            lambda v: oracles.symmetry(v, MIRROR.numpy(), 1e-8),
        ),
        "code prior": (losses.code_prior, features[:1], oracles.half_squared_sum),
        "gray light": (losses.gray_light_prior, (draw(2, 9, 3),), oracles.light_gray),
        "critic": (losses.critic_loss, scores, oracles.critic_loss),
        "generator": (losses.generator_loss, scores[:1], oracles.generator_loss),
    }


@pytest.mark.parametrize("name", list(cases()))
def test_value_and_gradient(name, device) -> None:
    loss, inputs, oracle = cases(device)[name]
    want = float(oracle(*(t.numpy() for t in inputs)))
    moved = [t.to(device) for t in inputs]
    assert number(loss(*moved)) == pytest.approx(want, rel=1e-12)
    assert number(loss(*(t.float() for t in moved))) == pytest.approx(want, rel=1e-4)
    assert gradcheck(loss, tuple(t.requires_grad_() for t in moved))


@pytest.mark.parametrize(
    "name", [n for n in cases() if n not in ("symmetry", "code prior", "gray light", "critic", "generator")]
)
def test_nothing_to_lose_costs_nothing_and_has_no_nan(name) -> None:
    loss, inputs, _ = cases()[name]
    same = inputs[0].clone()
    if name == "laplacian":
        same = torch.ones_like(same)
    given = [same.requires_grad_(), *([same.detach().clone()] if len(inputs) == 2 else [])]
    value = loss(*given)
    assert abs(number(value)) < 1e-12
    value.backward()
    assert torch.isfinite(same.grad).all()


def test_hidden_landmarks_may_be_anything() -> None:
    predicted, target = draw(1, 68, 2).requires_grad_(), draw(1, 68, 2, seed=1)
    visible = torch.ones(1, 68, dtype=torch.bool)
    visible[0, :5] = False
    clean = losses.landmark_loss(predicted, target, None, visible)
    target[0, :5] = torch.nan
    dirty = losses.landmark_loss(predicted, target, None, visible)
    assert number(dirty) == number(clean)
    dirty.backward()
    assert torch.isfinite(predicted.grad).all()
    assert (predicted.grad[0, :5] == 0).all()


def test_decas_weights() -> None:
    np.testing.assert_array_equal(WEIGHTS, oracles.deca_landmark_weights())


def test_region_weights_are_micas() -> None:
    masks = {"face": [0, 1], "left_eyeball": [1, 2], "right_eyeball": [4], "left_ear": [3], "right_ear": []}
    want = oracles.flame_region_weights(masks, 7)

    def mask(*names: str) -> torch.Tensor:
        found = torch.zeros(7, dtype=torch.bool)
        for name in names:
            found[masks[name]] = True
        return found

    regions = {
        "face": mask("face"),
        "ears": mask("left_ear", "right_ear"),
        "eyeballs": mask("left_eyeball", "right_eyeball"),
    }
    np.testing.assert_allclose(losses.region_weights(regions), want, rtol=1e-6)
    with pytest.raises(ValueError, match="no region nose; there are face, ears, eyeballs"):
        losses.region_weights(regions, {"nose": 50.0})


def test_an_empty_mask_costs_nothing() -> None:
    pictures = draw(1, 3, 4, 4).requires_grad_(), draw(1, 3, 4, 4, seed=1)
    value = losses.pixel_loss(*pictures, torch.zeros(1, 1, 4, 4, dtype=DOUBLE))
    value.backward()
    assert number(value) == 0
    assert (pictures[0].grad == 0).all()


def test_gradient_penalty_is_the_oracles_and_differentiable_twice() -> None:
    torch.manual_seed(0)
    critic, real, fake = Critic(), draw(2, 2, 2), draw(2, 2, 2, seed=1)

    def gradient(x: np.ndarray) -> np.ndarray:
        at = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(critic(at).sum(), at)[0].numpy()

    want = oracles.gradient_penalty(gradient, real.numpy(), fake.numpy(), SHARE.numpy())
    found = losses.gradient_penalty(critic, real, fake, share=SHARE)
    assert number(found) == pytest.approx(want, rel=1e-12)

    def of_weights(weight: torch.Tensor) -> torch.Tensor:
        def own(x: torch.Tensor) -> torch.Tensor:
            return critic.last(torch.tanh(x.flatten(1) @ weight.T))

        return losses.gradient_penalty(own, real, fake, share=SHARE)

    weight = critic.first.weight.detach().clone().requires_grad_()
    assert gradcheck(of_weights, (weight,))
    assert gradgradcheck(of_weights, (weight,))


def test_gradient_penalty_of_linear_critics() -> None:
    real, fake = draw(3, 4), draw(3, 4, seed=1)
    unit = torch.nn.functional.normalize(draw(4, seed=2), dim=0)
    assert number(losses.gradient_penalty(lambda x: x @ unit, real, fake)) == pytest.approx(0, abs=1e-12)
    assert number(losses.gradient_penalty(lambda x: 0 * x, real, fake)) == pytest.approx(10)
    fixed = [losses.gradient_penalty(Critic(), real, fake, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert all(torch.isfinite(f) for f in fixed)


def test_codes_are_exchanged_within_subjects() -> None:
    subjects = torch.tensor([3, 1, 3, 1, 3, 7])
    seen = set()
    for seed in range(40):
        order = within_subject_permutation(subjects, torch.Generator().manual_seed(seed))
        codes = draw(6, 2)
        want = oracles.permute_codes_within_subjects(codes.numpy(), subjects.numpy(), order.numpy())
        np.testing.assert_array_equal(codes[order], want)
        seen.add(tuple(order.tolist()))
    assert len(seen) == 12  # 3! 2! 1!, each of them


def test_mesh_identity_passes_gradients_to_the_prediction_alone() -> None:
    encoder = nn.Linear(6, 3).double()
    loss = losses.MeshIdentityLoss(lambda v: encoder(v.flatten(1)))
    assert not list(loss.parameters())
    predicted, target = draw(2, 2, 3).requires_grad_(), draw(2, 2, 3, seed=1).requires_grad_()
    value = loss(predicted, target)
    want = oracles.feature_similarity(*(encoder(t.flatten(1)).detach().numpy() for t in (predicted, target)))
    assert number(value) == pytest.approx(want)
    value.backward()
    assert predicted.grad.abs().max() > 0
    assert target.grad is None
    assert number(loss(target, target)) == pytest.approx(0, abs=1e-12)


def test_mesh_identity_compares_features_less_those_of_the_origin() -> None:
    encoder = nn.Linear(6, 3).double()
    origin, predicted, target = draw(2, 3, seed=2), draw(2, 2, 3), draw(2, 2, 3, seed=1)
    loss = losses.MeshIdentityLoss(lambda v: encoder(v.flatten(1)), origin)
    center = encoder(origin.flatten()[None])
    want = oracles.feature_similarity(*((encoder(t.flatten(1)) - center).detach().numpy() for t in (predicted, target)))
    assert number(loss(predicted, target)) == pytest.approx(want)


POINTS = torch.tensor([[[30.0, 40], [52, 41], [41, 55], [33, 66], [50, 67]]], dtype=DOUBLE)
SMALL = CropSpec(8, ARCFACE.points * 8 / 112)


@pytest.mark.parametrize("side", [112, 20])
def test_the_crop_is_the_one_that_networks_are_measured_with(side) -> None:
    """The torch twin against `CropSpec.crop`, enlarging and reducing."""
    rng = np.random.default_rng(0)
    smooth = torch.nn.functional.interpolate(
        torch.from_numpy(rng.uniform(0, 255, (1, 3, 12, 11))), (96, 88), mode="bicubic"
    )
    photo = smooth.clamp(0, 255).round()
    spec = CropSpec(side, ARCFACE.points * side / 112)
    want = spec.crop(photo[0].permute(1, 2, 0).numpy().astype(np.uint8), POINTS[0].numpy())
    found = crop_faces(photo, POINTS, spec)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - want).max() <= 0.51  # the other is rounded to whole numbers
    half = crop_faces(torch.cat([photo, photo]), torch.cat([POINTS, POINTS + 3]), spec)
    np.testing.assert_allclose(half[0].permute(1, 2, 0), found, atol=1e-9)
    assert (half[1] - half[0]).abs().max() > 1


def test_identity_loss_through_the_crop() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5)).double()
    loss = losses.IdentityLoss(network, SMALL)
    assert not list(loss.parameters())
    assert not loss.state_dict()
    photo, rendered = draw(1, 3, 80, 80).sigmoid(), draw(1, 3, 80, 80, seed=1).sigmoid()
    assert number(loss(photo, photo, POINTS)) == pytest.approx(0, abs=1e-12)
    crops = [crop_faces(t, POINTS, SMALL) * 255 for t in (rendered, photo)]
    want = oracles.cosine_identity(*(network((c - 127.5) / 127.5).detach().numpy() for c in crops))
    rendered.requires_grad_()
    value = loss(rendered, photo, POINTS)
    assert number(value) == pytest.approx(want)
    value.backward()
    assert rendered.grad.abs().max() > 0
    assert all(p.grad is None for p in network.parameters())
    patch = rendered.detach()[..., 40:44, 40:44].clone().requires_grad_()

    def of_patch(patch: torch.Tensor) -> torch.Tensor:
        own = rendered.detach().clone()
        own[..., 40:44, 40:44] = patch
        return loss(own, photo, POINTS)

    assert gradcheck(of_patch, (patch,))


def test_vertices_that_a_photo_does_not_show_do_not_count() -> None:
    first, second = torch.rand(2, 4, 3), torch.rand(2, 4, 3)
    weights = torch.tensor([[1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 2.0]])
    apart = (first - second).norm(dim=-1)
    wanted = (apart[0, 0] + 0.5 * apart[0, 2] + 2 * apart[1, 3]) / 3.5
    torch.testing.assert_close(losses.vertex_loss(first, second, weights), wanted)
    torch.testing.assert_close(losses.vertex_loss(first, second, torch.ones(2, 4)), losses.vertex_loss(first, second))
    assert float(losses.vertex_loss(first, second, torch.zeros(2, 4))) == 0
