"""Albedo where a photo does not show the face."""

import numpy as np

from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photometric import fit_light_and_albedo
from headform.fit.plain_skin import SCALP_METERS, face_skin, plain_where_lost, without_hair
from headform.fit.vertex_colors import region_share
from headform.heads.linear import LinearHead

from .scenes import camera_at, mean_vertices, photograph


def scene(head: LinearHead, color: np.ndarray | None = None) -> FittedPhoto:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    albedo = head.albedo_mean.numpy() if color is None else color
    return FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, albedo))


def below(photo: FittedPhoto, y: float) -> np.ndarray:
    """Vertices that the camera sees below a row of the photo."""
    return photo.camera.project(photo.vertices)[:, 1] > y


def cut(photo: FittedPhoto, y: int) -> FittedPhoto:
    return FittedPhoto(photo.head, photo.vertices, photo.camera, np.ascontiguousarray(photo.rgb[:y]))


def cover(photo: FittedPhoto, clear: np.ndarray) -> FittedPhoto:
    return FittedPhoto(photo.head, photo.vertices, photo.camera, photo.rgb, clear, clear)


def middle_row(photo: FittedPhoto) -> int:
    """The row of the nose's bottom."""
    nose = photo.vertices[photo.head.landmark_vertices[33, 0]]
    return int(photo.camera.project(nose[None].astype(np.float64))[0, 1])


def test_vertices_outside_and_covered_are_lost(head: LinearHead) -> None:
    photo = scene(head)
    assert not photo.lost_vertices()[face_skin(head)].any()
    y = middle_row(photo)
    hidden, face = below(photo, y), face_skin(head)
    np.testing.assert_array_equal(cut(photo, y).lost_vertices()[face], hidden[face])
    clear = np.ones(photo.rgb.shape[:2], np.float32)
    clear[y:] = 0.4
    np.testing.assert_array_equal(cover(photo, clear).lost_vertices()[face], hidden[face])


def test_a_face_that_is_seen_whole_keeps_its_albedo(head: LinearHead) -> None:
    albedo = head.albedo_mean.numpy().astype(np.float64)
    np.testing.assert_array_equal(plain_where_lost(scene(head), albedo), albedo)


def test_a_half_whose_mirror_image_is_seen_keeps_its_albedo(head: LinearHead) -> None:
    photo = scene(head)
    clear = np.ones(photo.rgb.shape[:2], np.float32)
    clear[:, : photo.rgb.shape[1] // 2 - 4] = 0
    albedo = head.albedo_mean.numpy().astype(np.float64)
    np.testing.assert_allclose(plain_where_lost(cover(photo, clear), albedo), albedo, atol=1e-9)


def test_lost_skin_takes_the_tone_of_the_skin_that_is_seen(head: LinearHead) -> None:
    """A beard in the fitted albedo below the cut is gone; above it nothing changes, and lips stay redder than skin."""
    photo = scene(head)
    y, skin = middle_row(photo), face_skin(head)
    albedo = head.albedo_mean.numpy().astype(np.float64)
    bearded = albedo.copy()
    bearded[below(photo, y)] *= 0.2
    found = plain_where_lost(cut(photo, y), bearded)
    tone = np.median(albedo[skin & ~below(photo, y)], axis=0)
    far = below(photo, y + 25)
    np.testing.assert_allclose(found[skin & far], np.broadcast_to(tone, found[skin & far].shape), rtol=0.03)
    above = ~below(photo, y - 25)
    np.testing.assert_allclose(found[above], bearded[above], atol=0.02)
    lips = head.regions["lips"].numpy()
    ratio = found[lips & far] / tone
    assert (ratio[:, 0] > ratio[:, 1]).mean() > 0.9


def test_dark_hair_at_the_cut_grows_no_beard_below_it(head: LinearHead) -> None:
    """The lowest visible skin is painted dark: the fitted code must not darken the unseen chin more than the mean skin."""
    albedo = head.albedo_mean.numpy().astype(np.float64)
    plain = scene(head)
    y = middle_row(plain)
    painted = albedo.copy()
    painted[below(plain, y - 14)] *= [0.35, 0.3, 0.25]
    photo = cut(scene(head, painted), y)
    code = fit_light_and_albedo(photo).albedo_code
    chin = face_skin(head) & below(plain, y + 20)
    forehead = face_skin(head) & ~below(plain, y - 40)
    modes = head.albedo.numpy().astype(np.float64)
    fitted = albedo + np.tensordot(code, modes, 1)
    contrast = (fitted[chin].mean() / fitted[forehead].mean()) / (albedo[chin].mean() / albedo[forehead].mean())
    assert 0.9 < contrast < 1.1


def test_a_colored_cover_does_not_tint_light_or_skin(head: LinearHead) -> None:
    photo = scene(head)
    y = middle_row(photo)
    clean = fit_light_and_albedo(photo)
    clear = np.ones(photo.rgb.shape[:2], np.float32)
    clear[y - 10 :] = 0
    masked = photo.rgb.copy()
    masked[y - 10 :] = [120, 170, 225]
    hidden = FittedPhoto(photo.head, photo.vertices, photo.camera, masked, clear, clear)
    fit = fit_light_and_albedo(hidden)
    tint, true = (f.light[0] / f.light[0].mean() for f in (fit, clean))
    np.testing.assert_allclose(tint, true, atol=0.05)


def test_the_roots_of_the_hair_are_no_skin(head: LinearHead) -> None:
    albedo = 0.6 * head.albedo_mean.numpy().astype(np.float64)
    scalp, neck, lips = (head.regions[name].numpy() for name in ("scalp", "neck", "lips"))
    cheeks = head.regions["cheeks"].numpy() & face_skin(head)
    seen = np.ones(len(albedo))
    painted = albedo.copy()
    painted[scalp | neck] *= 0.2
    found = without_hair(head, painted, seen)
    np.testing.assert_allclose(found[scalp], albedo[scalp], rtol=0.1)
    np.testing.assert_allclose(found[lips], albedo[lips], rtol=1e-5)
    dark = albedo.copy()
    hidden = cheeks & (head.mean[:, 0].numpy() > 0) & (region_share(head, "scalp", SCALP_METERS) == 0)
    dark[hidden] *= 0.3
    np.testing.assert_allclose(without_hair(head, dark, seen)[hidden], dark[hidden], rtol=1e-5)  # a beard that is seen
    seen[hidden] = 0
    np.testing.assert_allclose(np.median(without_hair(head, dark, seen)[hidden] / albedo[hidden]), 1.0, rtol=0.15)
