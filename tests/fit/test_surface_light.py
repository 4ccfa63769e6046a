"""Light on a head: harmonics where they are known, even light behind, and what harmonics miss."""

import numpy as np

from headform.fit.plain_skin import face_skin
from headform.fit.surface_light import BACK, light_beside_refined, surface_shading, unexplained_light
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import LinearHead

from .scenes import AMBIENT_LIGHT


def directions(count: int = 2000) -> np.ndarray:
    normals = np.random.default_rng(1).normal(size=(count, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_even_light_stays_even() -> None:
    shading, level = surface_shading(directions(), 1.3 * AMBIENT_LIGHT)
    np.testing.assert_allclose(shading, 1.3)
    np.testing.assert_allclose(level, 1.3)


def test_the_front_has_its_harmonics_and_the_back_is_not_black() -> None:
    normals, light = directions(), AMBIENT_LIGHT * [0.5, 0.45, 0.4]
    light[2] = -1.6  # a flash: along z, which points away from the camera
    light[6] = -0.6
    harmonics = sh_basis(normals) @ light
    shading, level = surface_shading(normals, light)
    front, back = normals[:, 2] < -0.6, normals[:, 2] > 0.8
    np.testing.assert_allclose(shading[front].mean(axis=1), harmonics[front].mean(axis=1), rtol=1e-6)
    assert harmonics[back].max() < 0.05, "continued, they are black"
    assert shading[back].min() > 0.95 * BACK * level.min()
    np.testing.assert_allclose(shading[back] / level, np.mean(shading[back] / level), rtol=0.05)  # no tint of its own


def test_a_lamp_beside_the_face_is_light_and_a_beard_is_mostly_skin(head: LinearHead) -> None:
    weight = face_skin(head).astype(float)
    x = head.mean[:, 0].double().numpy()
    lamp = np.clip(0.5 * x / 0.06, -0.5, 0.5)[:, None].repeat(3, axis=1)
    found = unexplained_light(head, lamp, weight)
    cheeks = head.regions["cheeks"].numpy() & face_skin(head)
    assert np.abs(found - lamp)[cheeks].max() < 0.3
    assert np.corrcoef(found[cheeks, 0], lamp[cheeks, 0])[0, 1] > 0.95
    chin = np.where(head.regions["chin"].numpy()[:, None], -0.8, 0.0).repeat(3, axis=1)
    kept = unexplained_light(head, chin, weight)[head.regions["chin"].numpy() & face_skin(head)]
    assert -0.3 < kept.mean() < 0.0
    bright = np.where(head.regions["cheeks"].numpy()[:, None], 0.5, 0.0).repeat(3, axis=1)
    assert unexplained_light(head, bright, weight)[cheeks].mean() > 0.2, "highlights of both cheeks are light"
    assert not unexplained_light(head, lamp, np.zeros(len(x))).any()


def test_beside_a_refined_albedo_shadows_are_light_and_pores_are_skin(head: LinearHead) -> None:
    skin = face_skin(head)
    weight = skin.astype(float)
    x = head.mean.double().numpy()
    shadow = np.where(x[:, :1] > 0.02, -0.6, 0.0).repeat(3, axis=1)  # with an edge, such as a nose casts
    pores = np.random.default_rng(0).normal(0, 0.1, (len(x), 1)).repeat(3, axis=1)
    normals, bare = np.tile([0.0, 0.0, -1.0], (len(x), 1)), np.zeros(len(x))
    found = light_beside_refined(head, shadow + pores, weight, normals, bare)
    left = skin & (x[:, 0] > 0.03)
    right = skin & (x[:, 0] < 0.01)
    assert np.median(found[right]) - np.median(found[left]) > 0.5
    rest = shadow + pores - found
    assert rest[left].std() > 0.7 * pores[left].std(), "what is fine stays"
    chin = head.regions["chin"].numpy() & skin
    dark = np.where(head.regions["chin"].numpy()[:, None], -0.8, 0.0).repeat(3, axis=1)
    assert light_beside_refined(head, dark, weight, normals, bare)[chin].mean() < -0.5, "a shadow on bare skin is light"
    beard = head.regions["chin"].numpy().astype(float)
    assert light_beside_refined(head, dark, weight, normals, beard)[chin].mean() > -0.25, "a beard's darkness is not"
    assert not light_beside_refined(head, shadow, np.zeros(len(x)), normals, bare).any()


def test_around_the_mouth_the_photo_tells_hues_and_the_rest_of_the_face_the_tint_of_the_light(head: LinearHead) -> None:
    skin, x = face_skin(head), head.mean.double().numpy()
    lips, chin = head.regions["lips"].numpy(), head.regions["chin"].numpy() & skin
    weight, bare = (skin | lips).astype(float), np.zeros(len(x))
    normals = np.stack([x[:, 0] / 0.08, np.zeros(len(x)), -np.sqrt(np.maximum(1 - (x[:, 0] / 0.08) ** 2, 0))], axis=1)
    green = np.array([-0.1, 0.2, -0.1])
    painted = np.where((lips | chin)[:, None], green, 0.0)  # the network's lips are purple, its chin is, too
    found = light_beside_refined(head, painted, weight, normals, bare)
    assert np.abs(found[chin]).max() < 0.1
    assert np.abs(found[lips]).max() < 0.1
    sky = normals[:, :1] * [-0.1, 0.0, 0.1]  # blue from one side
    found = light_beside_refined(head, sky, weight, normals, bare)
    np.testing.assert_allclose(found[chin].mean(axis=0), sky[chin].mean(axis=0), atol=0.02)
    assert np.corrcoef(found[chin, 2], sky[chin, 2])[0, 1] > 0.9
