"""Arrays in memory: the accepted kinds give the pixels they mean, all others are explained."""

import numpy as np
import pytest
import torch

from headform import images
from headform.errors import FaceError, InputError
from tests.images.photo_files import gradient


def test_eight_bits_are_taken_as_they_are_and_copied():
    mine = gradient()
    photo = images.from_array(mine, name="frame 3")
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert (photo.name, photo.notes) == ("frame 3", ())
    mine[:] = 0
    np.testing.assert_array_equal(photo.rgb, gradient())


@pytest.mark.parametrize(
    "same",
    [
        gradient().astype(np.uint16) * 257,
        gradient() / 255.0,
        (gradient() / 255.0).astype(np.float32),
        torch.tensor(gradient()),
        torch.tensor(gradient() / 255.0, requires_grad=True),
        np.dstack([gradient(), np.full((32, 48), 255, np.uint8)]),
        np.asfortranarray(gradient()),
    ],
    ids=["uint16", "float64", "float32", "tensor", "tensor with gradient", "alpha", "fortran"],
)
def test_other_types_of_the_same_picture(same):
    photo = images.from_array(same)
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert photo.rgb.flags.c_contiguous


def test_bfloat16_is_read_to_its_precision():
    photo = images.from_array(torch.tensor(gradient() / 255.0, dtype=torch.bfloat16))
    assert np.abs(photo.rgb.astype(int) - gradient()).max() <= 1


@pytest.mark.parametrize("shape", [(32, 48), (32, 48, 1)])
def test_gray_is_repeated(shape):
    gray = gradient()[..., 0].reshape(shape)
    np.testing.assert_array_equal(images.from_array(gray).rgb, np.repeat(gradient()[..., :1], 3, axis=2))


def test_alpha_is_shown_on_white():
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[..., 3] = 51  # a fifth of black over white
    photo = images.from_array(rgba)
    assert (photo.rgb == 204).all()
    assert "transparent pixels shown on white" in photo.notes


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((32, 32, 3), np.nan), "NaN or infinity"),
        (np.full((32, 32, 3), np.inf, np.float32), "NaN or infinity"),
        (torch.full((32, 32, 3), float("nan")), "NaN or infinity"),
        (np.full((32, 32, 3), 200.0), "divide by 255"),
        (np.full((32, 32, 3), -0.5), "floats must lie in 0..1"),
        (np.zeros((3, 32, 32), np.uint8), "channels go last"),
        (np.zeros((2, 32, 32, 3), np.uint8), "pass (H, W, 3)"),
        (np.zeros((0, 32, 3), np.uint8), "it is empty"),
        (np.zeros((32, 32, 3), np.int64), "its type is int64"),
        (np.zeros((32, 32, 3), object), "its type is object"),
        ([[1, 2], [3, 4]], "a list is not an array"),
        (None, "a NoneType is not an array"),
    ],
)
def test_what_is_no_picture_is_explained(array, said):
    with pytest.raises(InputError) as caught:
        images.from_array(array)
    assert (caught.value.code, caught.value.exit_code) == ("image_array", 3)
    assert said in str(caught.value)
    assert "the array is not a picture" in str(caught.value)


def test_sizes_are_those_of_files():
    with pytest.raises(FaceError, match="8x8 pixels") as small:
        images.from_array(np.zeros((8, 8, 3), np.uint8))
    assert small.value.code == "face_too_small"
    with pytest.raises(InputError, match="longest over shortest side") as strip:
        images.from_array(np.zeros((20, 400, 3), np.uint8))
    assert strip.value.code == "image_aspect"
    with pytest.raises(InputError, match="megapixels") as large:
        images.from_array(np.broadcast_to(np.uint8(0), (8000, 8000, 3)))
    assert large.value.code == "image_too_large"
