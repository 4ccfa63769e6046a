"""Samples: fields that do not fit are refused by name, files give back what went in, damage is named."""

import dataclasses

import jaxtyping
import numpy as np
import pytest

from headform.data.sample import LONGEST_NAME, Sample, is_sample_name, sample_name
from headform.data.sample_files import decode_sample, encode_sample
from headform.errors import InputError
from tests.data.shard_samples import SIDE, make_sample


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a.b"}, "name"),
        ({"name": ""}, "name"),
        ({"subject": "a\nb"}, "subject"),
        ({"image": np.zeros((4, 5, 3), np.uint8)}, "image"),
        ({"image": np.zeros((0, 0, 3), np.uint8)}, "image"),
        ({"points68": np.full((68, 2), np.inf, np.float32)}, "points68"),
        ({"skin": np.zeros((3, 3), np.uint8)}, "skin"),
        ({"vertices": np.full((3, 3), np.nan, np.float32)}, "vertices"),
        ({"coefficients": {"identity": np.array([np.nan], np.float32)}}, "identity"),
        ({"coefficients": {"identity": [1.0]}}, "identity"),
        ({"head": "abc"}, "head"),
    ],
)
def test_fields_that_do_not_fit_are_refused(
    change: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users run without its checks
    with pytest.raises(InputError, match=words) as error:
        dataclasses.replace(make_sample(0), **change)  # type: ignore[arg-type]
    assert error.value.code == "sample_invalid"


def test_a_point_known_in_one_coordinate_is_refused() -> None:
    points = np.zeros((68, 2), np.float32)
    points[3, 0] = np.nan
    with pytest.raises(InputError, match="one coordinate"):
        dataclasses.replace(make_sample(0), points68=points)


def test_names_are_made_of_any_text() -> None:
    assert sample_name("face-001") == "face-001"
    texts = ["a/b.jpg", "a-b-jpg", "a b.jpg", "ä.jpg", "...", "x" * 300, "x" * 301, "y/" + "x" * 300]
    names = [sample_name(text) for text in texts]
    assert all(map(is_sample_name, names))
    assert len(set(names)) == len(texts)
    assert max(map(len, names)) <= LONGEST_NAME


@pytest.mark.parametrize("full", [True, False])
def test_files_give_back_the_sample(full: bool) -> None:
    sample = make_sample(5, full=full)
    found = decode_sample(sample.name, encode_sample(sample, lossless=True))
    assert_equal(found, sample)
    lossy = decode_sample(sample.name, encode_sample(sample))
    assert np.abs(lossy.image.astype(int) - sample.image).mean() < 3  # JPEG of quality 95
    assert_equal(dataclasses.replace(lossy, image=sample.image), sample)


def assert_equal(found: Sample, sample: Sample) -> None:
    for field in dataclasses.fields(Sample):
        a, b = getattr(found, field.name), getattr(sample, field.name)
        if field.name == "coefficients":
            assert a.keys() == b.keys()
            for name in a:
                np.testing.assert_array_equal(a[name], b[name], strict=True)
        elif isinstance(b, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b, field.name


def test_numbers_come_back_to_the_bit() -> None:
    bits = np.random.default_rng(0).integers(0, 1 << 32, 20_000, dtype=np.uint32).view(np.float32)
    values = bits[np.isfinite(bits)]
    sample = dataclasses.replace(make_sample(0), coefficients={"identity": values})
    found = decode_sample(sample.name, encode_sample(sample)).coefficients["identity"]
    np.testing.assert_array_equal(found.view(np.uint32), values.view(np.uint32))


@pytest.mark.parametrize(
    ("ending", "data"),
    [
        ("jpg", b""),
        ("jpg", b"\xff\xd8\xff\xe0 no picture"),
        ("skin.png", b"\x89PNG\r\n\x1a\n"),
        ("json", b"{"),
        ("json", b"[1]"),
        ("json", b'{"subject": 1, "source": "a", "side": 32}'),
        ("json", b'{"subject": "1", "source": "a", "side": 31}'),
        ("json", b'{"subject": "1", "source": "a", "side": 32, "points68": [[1]], "coefficients": {}}'),
        ("json", b'{"subject": "1", "source": "a", "side": 32, "points68": [], "coefficients": {"a": {"shape": [9]}}}'),
        ("vertices.npy", b"\x93NUMPY\1\0"),
    ],
)
def test_damaged_files_are_refused(ending: str, data: bytes) -> None:
    files = encode_sample(make_sample(1)) | {ending: data}
    with pytest.raises(ValueError, match=r".+"):
        decode_sample("face-001", files)


def test_absurd_coefficients_are_refused() -> None:
    files = encode_sample(make_sample(1))
    for part in (b'{"shape": [2, 3], "values": [1, 2]}', b'{"shape": [-1], "values": []}', b'{"values": "a"}', b"1"):
        start, _, rest = files["json"].partition(b'"identity": ')
        with pytest.raises(ValueError, match="identity"):
            decode_sample("face-001", files | {"json": start + b'"identity": ' + part + rest[rest.index(b"}") + 1 :]})


def test_a_sample_without_a_picture_or_with_two_is_refused() -> None:
    files = encode_sample(make_sample(1))
    with pytest.raises(ValueError, match="picture"):
        decode_sample("face-001", {k: v for k, v in files.items() if k != "jpg"})
    with pytest.raises(ValueError, match="picture"):
        decode_sample("face-001", files | encode_sample(make_sample(1), lossless=True))
    assert decode_sample("face-001", files | {"caption.txt": b"?"}).side == SIDE
