"""Head files: what is written comes back, and what is wrong is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch

from headform.errors import WeightsError
from headform.heads import load, load_open, with_landmark_offset
from headform.heads.asset import encode, write


def refused(path) -> str:
    with pytest.raises(WeightsError) as caught:
        load(path)
    assert caught.value.exit_code == 5
    assert str(path) in str(caught.value)
    return caught.value.code


def test_written_heads_come_back(head, tmp_path) -> None:
    digest = write(head, tmp_path / "head.safetensors")
    again = load(tmp_path / "head.safetensors")
    assert again.sha256 == digest
    assert again.expression_names == head.expression_names
    for name in (
        "mean",
        "faces",
        "mirror",
        "uv_faces",
        "landmark_offset",
        "dense",
        "contour",
        "neck_pivot",
    ):
        torch.testing.assert_close(getattr(again, name), getattr(head, name), rtol=0, atol=0)
    for name in head.regions:
        assert torch.equal(again.regions[name], head.regions[name])
    # quantizing what was quantized changes nothing beyond the last digit of float32
    torch.testing.assert_close(again.identity, head.identity, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(again.expression, head.expression, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(again.uv, head.uv, rtol=0, atol=1e-7)


def test_quantizing_loses_little(head, tmp_path) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(head.identity.shape, generator=generator) * 1e-3
    noisy = replace(head, identity=head.identity + noise)
    write(noisy, tmp_path / "noisy.safetensors")
    back = load(tmp_path / "noisy.safetensors").identity
    error = (back - noisy.identity).abs().amax((1, 2))
    peak = noisy.identity.abs().amax((1, 2))
    assert (error[:20] <= 0.51 * peak[:20] / 32767 + 1e-9).all()
    assert (error[20:] <= 0.51 * peak[20:] / 127 + 1e-9).all()


def test_an_offset_can_be_replaced_and_kept(head, tmp_path) -> None:
    offset = torch.linspace(-0.002, 0.002, 68 * 3).reshape(68, 3)
    changed = with_landmark_offset(head, offset)
    write(changed, tmp_path / "head.safetensors")
    torch.testing.assert_close(load(tmp_path / "head.safetensors").landmark_offset, offset)


def test_equal_heads_give_equal_bytes(head) -> None:
    assert encode(head) == encode(head)


def test_read_once_and_each_module_its_own() -> None:
    first, second = load_open(), load_open()
    assert first is not second
    assert first.identity is second.identity  # read once
    first.to(dtype=torch.float64)
    assert (first.mean.dtype, second.mean.dtype) == (torch.float64, torch.float32)


def test_missing_and_unreadable(tmp_path) -> None:
    assert refused(tmp_path / "nothing.safetensors") == "head_missing"
    assert refused(tmp_path) == "head_unreadable"


@pytest.mark.parametrize("keep", [0, 7, 300, 100_000, -1])
def test_truncated(head, tmp_path, keep) -> None:
    path = tmp_path / "head.safetensors"
    path.write_bytes(encode(head)[:keep])
    assert refused(path) == "head_damaged"


def test_foreign(tmp_path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(safetensors.numpy.save({"weight": np.zeros(3, np.float32)}))
    assert refused(path) == "head_foreign"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(3)}, {"headform": json.dumps({"format": "another"})}))
    assert refused(path) == "head_foreign"
    path.write_bytes(b"PK\x03\x04 this is a zip archive, or looks like one")
    assert refused(path) == "head_damaged"


@pytest.mark.parametrize("damage", ["faces", "mean", "names", "short"])
def test_parts_that_do_not_fit(head, tmp_path, damage) -> None:
    data = encode(head)
    arrays = safetensors.numpy.load(data)
    size = int.from_bytes(data[:8], "little")
    text = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["headform"])
    if damage == "faces":
        arrays["faces"][0, 0] = len(head.mean)
    elif damage == "mean":
        arrays["mean"][0, 0] = np.nan
    elif damage == "names":
        text["expression_names"].pop()
    else:
        del arrays["uv"]
    path = tmp_path / "head.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays, {"headform": json.dumps(text)}))
    assert refused(path) == "head_damaged"


@pytest.mark.parametrize(
    "name",
    [
        "identity.first",
        "identity.later",
        "albedo",
        "expression.moving",
        "expression.scale",
        "regions",
        "identity.first.scale",
    ],
)
def test_one_number_is_not_repeated_for_many(head, tmp_path, name) -> None:
    """A basis of one mode with a scale for each of 60,000 would take 40 GB."""
    data = encode(head)
    arrays = safetensors.numpy.load(data)
    size = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    arrays[name] = arrays[name][:, :1].copy() if name in ("expression.moving", "regions") else arrays[name][:1]
    path = tmp_path / "head.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    assert refused(path) == "head_damaged"
    arrays["identity.first"] = arrays["identity.first"][:1]
    arrays["identity.first.scale"] = np.zeros(60_000, np.float32)
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    assert refused(path) == "head_damaged"
