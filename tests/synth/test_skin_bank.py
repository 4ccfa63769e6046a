"""The bank of skins that ships, and files that are none."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headform import heads
from headform.errors import WeightsError
from headform.fit.plain_skin import face_skin
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.io.model_file import CARD_FIELDS, save_model
from headform.render.texture_sampling import vertex_colors
from headform.synth.skin import skin_rgb
from headform.synth.skin_bank import KIND, SIDE, SkinBank, load_skin_bank


@pytest.fixture(scope="module")
def bank() -> SkinBank:
    return load_skin_bank()


def test_bank_spans_light_and_dark_skin(bank: SkinBank) -> None:
    assert len(bank) >= 16
    assert bank.maps.shape == (len(bank), SIDE, SIDE, 3)
    assert bank.median_rgb[:, 0].min() < 0.2
    assert bank.median_rgb[:, 0].max() > 0.5
    assert (np.diff(bank.median_rgb, axis=1) < 0).all(), "skin is redder than green, greener than blue"
    assert 0.1 < bank.bearded.mean() < 0.4
    assert sorted(bank.wrinkles)[0] == 0
    assert sorted(bank.wrinkles)[-1] == 1


def test_pigments_give_the_median_color(bank: SkinBank) -> None:
    expected = [skin_rgb(float(m), float(h)) for m, h in zip(bank.melanin, bank.haemoglobin, strict=True)]
    np.testing.assert_allclose(bank.median_rgb, expected, atol=2e-3)


def test_maps_show_skin_of_that_color_and_red_lips(bank: SkinBank) -> None:
    head = heads.load_open()
    skin, lips = face_skin(head), head.regions["lips"].numpy()
    for k in range(0, len(bank), 8):
        colors = vertex_colors(bank.maps[k], head.uv.numpy(), head.faces.numpy(), head.uv_faces.numpy(), len(head.mean))
        linear = LINEAR_FROM_SRGB8[np.rint(255 * colors).astype(int)]
        found = np.median(linear[skin], axis=0)
        np.testing.assert_allclose(found, bank.median_rgb[k], rtol=0.2)
        redness = linear[:, 0] / linear[:, 1]
        assert np.median(redness[lips]) > 1.05 * np.median(redness[skin])


def test_shipped_bank_is_read_once_and_cannot_be_changed(bank: SkinBank) -> None:
    assert load_skin_bank() is bank
    with pytest.raises(ValueError, match="read-only"):
        bank.maps[0, 0, 0] = 0


def picture(side: int, form: str = "WEBP") -> torch.Tensor:
    data = io.BytesIO()
    Image.new("RGB", (side, side)).save(data, form)
    return torch.from_numpy(np.frombuffer(data.getvalue(), np.uint8).copy())


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("skin bank", picture(64)),
        ("skin bank", picture(SIDE, "PNG")),
        ("skin bank", torch.zeros(9).byte()),
        ("identity", picture(SIDE)),
    ],
)
def test_other_files_are_refused(tmp_path: Path, kind: str, first: torch.Tensor) -> None:
    assert KIND == "skin bank"
    fields = {name: torch.zeros(1) for name in ("melanin", "haemoglobin", "bearded", "wrinkles")}
    fields["median_rgb"] = torch.zeros(1, 3)
    file = tmp_path / "bank.safetensors"
    save_model(file, {"map.000": first} | fields, dict.fromkeys(CARD_FIELDS, "") | {"kind": kind})
    with pytest.raises(WeightsError) as caught:
        load_skin_bank(file)
    assert caught.value.code == "weights_kind"
