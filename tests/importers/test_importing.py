"""What every importer ends in: units, winding, indices, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER, infer_unit
from headform.heads.checks import check_shape
from headform.importers.importing import check_unit, inward, linear_head
from tests.heads.made_models import SIDE, mask_model


def refused(**changes: object) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        linear_head(mask_model(**changes))
    assert "made 1" in str(caught.value)
    return caught.value


@pytest.mark.parametrize("unit", list(METERS_PER))
def test_positions_become_meters(unit: str) -> None:
    model = mask_model()
    factor = 0.001 / METERS_PER[unit]
    same = mask_model(
        unit=unit,
        mean=model.mean * factor,
        identity=model.identity * factor,
        expression=model.expression * factor,
    )
    head = linear_head(same)
    np.testing.assert_allclose(head.mean.numpy(), model.mean / 1000, atol=1e-8)
    code, weights = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.5, 0.25])
    expected = model.mean.copy()
    for k in range(3):
        expected += code[k].item() * model.identity[k]
    for k in range(2):
        expected += weights[k].item() * model.expression[k]
    got = head.vertices(code, weights).numpy()
    np.testing.assert_allclose(got, expected / 1000, atol=1e-8)
    np.testing.assert_allclose(head.sigma.numpy(), [3, 2, 1])


def test_what_is_unknown_is_empty_and_asking_for_it_is_an_error() -> None:
    head = linear_head(mask_model())
    assert not any(head.has_field(name) for name in ("uv", "mirror", "part", "albedo_mean", "now7"))
    assert head.has_field("landmark_vertices")
    assert head.has_field("identity")
    with pytest.raises(WeightsError, match="mask has no texture coordinates and no colors") as e:
        head.require_fields("identity", "uv", "albedo_mean")
    assert e.value.code == "head_lacks"
    bare = linear_head(mask_model(landmarks=None))
    assert not bare.landmark_known.any()
    assert bare.landmark_known.shape == (68,)
    with pytest.raises(WeightsError, match="no landmarks"):
        bare.landmarks(bare.mean)


def test_unknown_landmarks_are_nan_and_known_ones_are_vertices() -> None:
    head = linear_head(mask_model())
    points = head.landmarks(head.vertices(torch.zeros(2, 3)))
    assert points.shape == (2, 68, 3)
    assert torch.equal(points[1, 36], head.mean[4 * SIDE + 1])
    known = torch.zeros(68, dtype=torch.bool)
    known[[30, 36, 45]] = True
    assert torch.equal(torch.isnan(points).any(-1), ~known.expand(2, 68))


def test_now_points_come_from_the_landmarks_where_all_seven_are_known() -> None:
    landmarks = np.arange(68)
    landmarks[[36, 45]] = [4 * SIDE + 1, 4 * SIDE + 7]
    head = linear_head(mask_model(landmarks=landmarks))
    assert head.now7.tolist() == landmarks[[36, 39, 42, 45, 33, 48, 54]].tolist()
    own = np.arange(7) + 3
    assert linear_head(mask_model(now7=own)).now7.tolist() == own.tolist()


def test_clockwise_triangles_are_turned_round_and_noted() -> None:
    model = mask_model(uv=np.random.default_rng(1).random((SIDE * SIDE, 2)))
    assert not inward(model.mean, model.faces)
    assert linear_head(model).provenance.notes == ()
    turned = linear_head(mask_model(faces=model.faces[:, ::-1].copy(), uv=model.uv))
    assert torch.equal(turned.faces, torch.from_numpy(model.faces))
    assert torch.equal(turned.uv_faces, turned.faces)
    assert "reversed" in turned.provenance.notes[0]


@pytest.mark.parametrize("radius", [0.1, 100.0])
def test_closed_meshes_know_their_outside(radius: float) -> None:
    corners = radius * np.array([[0, 0, 0], [1.0, 0, 0], [0, 1, 0], [0, 0, 1]]) + 5
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    assert not inward(corners, faces)
    assert inward(corners, faces[:, ::-1])


@pytest.mark.parametrize("name", ["mean", "identity", "expression"])
def test_numbers_that_are_not_finite_are_refused(name: str) -> None:
    array = getattr(mask_model(), name).copy()
    array.reshape(-1)[7] = np.nan
    error = refused(**{name: array})
    assert error.code == "model_not_finite"
    assert f"`{name}`" in error.message


@pytest.mark.parametrize("bad", [-1, SIDE * SIDE])
def test_indices_outside_are_refused(bad: int) -> None:
    faces = mask_model().faces.copy()
    faces[3, 1] = bad
    error = refused(faces=faces)
    assert error.code == "model_index"
    assert str(bad) in error.message
    landmarks = mask_model().landmarks.copy()
    landmarks[5] = SIDE * SIDE
    assert refused(landmarks=landmarks).code == "model_index"
    assert refused(mirror=np.full(SIDE * SIDE, bad)).code == "model_index"
    uv_faces = np.full((2 * (SIDE - 1) ** 2, 3), 4)
    assert refused(uv=np.zeros((4, 2)), uv_faces=uv_faces).code == "model_index"


def test_a_head_of_the_wrong_size_is_refused() -> None:
    error = refused(unit="cm")
    assert error.code == "model_unit"
    assert "0.9 m" in error.message
    assert refused(unit="um").code == "model_unit"
    check_unit("here", 0.089)
    for distance in (0.089 / 3.01, 0.089 * 3.01):
        with pytest.raises(WeightsError, match="outer eye corners"):
            check_unit("here", distance)


def test_the_unit_is_read_off_the_eyes() -> None:
    published = {"um": 89000.0, "mm": 92.4, "cm": 8.92, "dm": 0.863, "m": 0.089}
    for unit, distance in published.items():
        assert infer_unit(distance) == unit
    for nothing in (0.0, np.nan, np.inf):
        assert infer_unit(float(nothing)) == "m"


def test_shapes_are_checked() -> None:
    check_shape("file", "x", np.zeros((3, 4)), 3, None)
    for array in (np.zeros((2, 4)), np.zeros(3), np.zeros((3, 4, 1))):
        with pytest.raises(WeightsError, match=r"`x` is .*, expected 3 x any") as caught:
            check_shape("file", "x", array, 3, None)
        assert caught.value.code == "model_shape"


def test_published_srgb_is_kept_and_decodes_linear() -> None:
    count = SIDE * SIDE
    mean = np.full((count, 3), 0.5)
    basis = np.full((1, count, 3), 0.1)
    head = linear_head(mask_model(albedo_mean=mean, albedo=basis, albedo_space="srgb"))
    assert head.mean_albedo[0, 0].item() == pytest.approx(((0.5 + 0.055) / 1.055) ** 2.4, 1e-6)
    up = head.albedo_of(torch.tensor([[2.0], [9.0]]))
    assert up[0, 0, 0].item() == pytest.approx(((0.7 + 0.055) / 1.055) ** 2.4, 1e-6)
    assert up[1].unique().tolist() == [1.0]
    linear = linear_head(mask_model(albedo_mean=mean, albedo=basis))
    assert linear.albedo_of(torch.tensor([9.0]))[0, 0].item() == pytest.approx(1.4)


def test_codes_of_different_batches_are_repeated_against_each_other() -> None:
    head = linear_head(mask_model()).to(dtype=torch.float64)
    code = torch.randn(2, 1, 2, dtype=torch.float64)
    weights = torch.randn(5, 2, dtype=torch.float64)
    got = head.vertices(code, weights)
    assert got.shape == (2, 5, SIDE * SIDE, 3)
    one = head.mean + sum(code[1, 0, k] * head.identity[k] for k in range(2))
    one = one + sum(weights[3, k] * head.expression[k] for k in range(2))
    torch.testing.assert_close(got[1, 3], one)
    torch.testing.assert_close(head.vertices(None, weights)[0], head.vertices(None, weights[0]))
    assert head.vertices() is head.mean


def test_decoding_has_exact_gradients() -> None:
    head = linear_head(mask_model()).to(dtype=torch.float64)
    inputs = (torch.randn(2, 3), torch.randn(2, 2))
    inputs = tuple(x.double().requires_grad_() for x in inputs)
    assert torch.autograd.gradcheck(head.vertices, inputs)


@pytest.mark.parametrize("name", ["mean", "identity", "sigma", "albedo", "uv"])
def test_numbers_beyond_single_precision_are_refused(name: str) -> None:
    model = mask_model(albedo_mean=np.ones((81, 3)), albedo=np.ones((1, 81, 3)), uv=np.ones((81, 2)))
    assert linear_head(model).has_field(name)
    with pytest.raises(WeightsError, match=f"`{name}`") as caught:
        linear_head(replace(model, landmarks=None, **{name: getattr(model, name) + 1e200}))
    assert caught.value.code == "model_not_finite"
