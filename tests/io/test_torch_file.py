"""Checkpoints that are data come back bit for bit; checkpoints that are programs or lies are refused by name."""

import argparse
import collections
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from headform.errors import WeightsError
from headform.io.torch_file import is_torch, read_torch, state_dict_of

LAYOUTS = (True, False)
DTYPES = [
    getattr(torch, name)
    for name in (
        "float64 float32 float16 bfloat16 complex128 complex64 int64 int32 int16 int8 uint8 bool "
        "uint16 uint32 uint64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz"
    ).split()
]


def save(path: Path, value: object, zipped: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def bits(tensor: torch.Tensor) -> bytes:
    dense = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return dense.flatten().view(torch.uint8).numpy().tobytes() if dense.numel() else b""


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert bits(found) == bits(expected)


def refusal(path: Path, **options: Any) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read_torch(path, **options)
    assert path.name in caught.value.location
    return caught.value


def sample(dtype: torch.dtype) -> torch.Tensor:
    raw = torch.randint(0, 256, (6 * 16,), dtype=torch.uint8)
    if dtype == torch.bool:
        return raw[:6].reshape(2, 3) > 127
    return raw.view(dtype)[:6].reshape(2, 3)


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_every_type_comes_back_bit_for_bit(tmp_path: Path, zipped: bool) -> None:
    expected = {str(dtype): sample(dtype) for dtype in DTYPES}
    found = read_torch(save(tmp_path / "a.pt", expected, zipped)).tensors
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert_same(found[name], tensor)


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_views_shared_storages_and_strides(tmp_path: Path, zipped: bool) -> None:
    whole = torch.arange(60.0).reshape(3, 4, 5)
    parameter = nn.Parameter(torch.randn(3))
    tagged = nn.Parameter(torch.randn(2))
    tagged.kind = "a"  # type: ignore[attr-defined]
    expected = {
        "whole": whole,
        "part": whole[1:, 2],
        "turned": whole.permute(2, 0, 1),
        "strided": whole[:, ::2, 1::3],
        "expanded": torch.tensor([[7.0], [8.0]]).expand(2, 5),
        "number": torch.tensor(3, dtype=torch.int16),
        "empty": torch.zeros(0, 4),
        "channels": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "parameter": parameter,
        "tagged": tagged,
        "conjugate": torch.tensor([1 + 2j, 3 - 1j]).conj(),
        "negative": torch.tensor([1 + 2j, 3 - 1j]).conj().imag,
        "needs gradient": torch.ones(2, requires_grad=True),
    }
    found = read_torch(save(tmp_path / "a.pt", expected, zipped)).tensors
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert_same(found[name], tensor)
        if name not in ("conjugate", "negative"):
            assert found[name].stride() == tensor.stride()
        assert not found[name].requires_grad
    assert found["part"].untyped_storage().data_ptr() == found["whole"].untyped_storage().data_ptr()


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_what_training_leaves_beside_the_network(tmp_path: Path, zipped: bool) -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    value = {
        "model": net.state_dict(),  # with the attribute _metadata
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "best": np.float64(0.25),
        "table": np.arange(6, dtype=">i4").reshape(2, 3),
        "options": argparse.Namespace(lr=0.5, name="x"),
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "nothing": None,
    }
    found = read_torch(save(tmp_path / "a.pt", value, zipped))
    for name, tensor in net.state_dict().items():
        assert_same(found.tensors[f"model/{name}"], tensor)
    first = optimizer.state_dict()["state"][0]["exp_avg"]
    assert_same(found.tensors["optimizer/state/0/exp_avg"], first)
    assert found.tensors["table"].tolist() == [[0, 1, 2], [3, 4, 5]]
    expected = {"epoch": 3, "best": 0.25, "options/lr": 0.5, "options/name": "x", "size/1": 3}
    assert found.values.items() >= expected.items()
    assert state_dict_of(tmp_path / "a.pt").keys() == net.state_dict().keys()


def test_names_of_the_network_are_its_own(tmp_path: Path) -> None:
    tensors = collections.OrderedDict(a=torch.ones(1), b=torch.zeros(2))
    wrapped = {f"module.module.{name}": tensor for name, tensor in tensors.items()}
    cases: list[tuple[Any, str | None]] = [
        (tensors, None),
        (wrapped, None),
        ({"state_dict": wrapped, "ema": {"c": torch.ones(3)}}, None),
        ({"model": {"state_dict": tensors}, "optimizer": {"x": torch.ones(1)}}, None),
        ({"arcface": wrapped}, None),
        ({"arcface": wrapped, "flame": {"c": torch.ones(3)}}, "arcface"),
    ]
    for number, (value, part) in enumerate(cases):
        found = state_dict_of(save(tmp_path / f"{number}.pt", value), part)
        assert list(found) == ["a", "b"], number
    for part in (None, "nose"):
        with pytest.raises(WeightsError, match=r"`arcface`, `flame`") as caught:
            state_dict_of(tmp_path / "5.pt", part)
        assert caught.value.code == "weights_missing_key"
    safetensors.torch.save_file(wrapped, tmp_path / "a.safetensors")
    assert sorted(state_dict_of(tmp_path / "a.safetensors")) == ["a", "b"]
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:-1])
    with pytest.raises(WeightsError) as caught:
        state_dict_of(tmp_path / "a.safetensors")
    assert caught.value.code == "weights_damaged"


def test_the_first_layout_is_told_from_others(tmp_path: Path) -> None:
    assert is_torch(save(tmp_path / "a", {}, True))
    assert is_torch(save(tmp_path / "b", {}, False))
    (tmp_path / "c").write_bytes(pickle.dumps({}))
    assert not is_torch(tmp_path / "c")
    assert not is_torch(tmp_path / "none")


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.function, self.arguments


@pytest.mark.parametrize("zipped", LAYOUTS)
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "system"),
        (eval, "eval"),
        (torch.load, "torch.serialization.load"),
        (torch.hub.load, "torch.hub.load"),
        (torch.storage._load_from_bytes, "torch.storage._load_from_bytes"),
        (nn.Linear, "torch.nn.modules.linear.Linear"),
        (getattr, "getattr"),
    ],
)
def test_calls_are_refused_by_name_and_never_made(tmp_path: Path, function: Any, name: str, zipped: bool) -> None:
    canary = tmp_path / "canary"
    argument = {
        "system": f"touch {canary}",
        "eval": f"open({str(canary)!r}, 'w')",
    }.get(name, str(canary))
    value = {"a": torch.ones(3), "b": Calls(function, argument)}
    error = refusal(save(tmp_path / "a.pth", value, zipped))
    assert error.code == "unsafe_pickle"
    assert name in error.message
    assert not canary.exists()


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_kinds_of_tensors_that_are_no_plain_numbers(tmp_path: Path, zipped: bool) -> None:
    sparse = torch.eye(3).to_sparse()
    assert "_rebuild_sparse_tensor" in refusal(save(tmp_path / "a.pt", [sparse], zipped)).message
    assert "Linear" in refusal(save(tmp_path / "b.pt", nn.Linear(2, 2), zipped)).message


def test_a_torchscript_program(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {"a": torch.ones(1)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/code/__torch__.py", "def f(): pass")
    assert "TorchScript" in refusal(path).message


def rebuilt(source: Path, target: Path, changed: dict[str, bytes | None], method: int = 0) -> Path:
    """The same archive with some entries replaced (or dropped)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            short = name.partition("/")[2]
            data = changed.get(short, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def tensor_pickle(
    storage: tuple[Any, ...],
    offset: Any,
    size: Any,
    stride: Any,
    function: str = "_rebuild_tensor_v2",
) -> bytes:
    """data.pkl of one tensor, with whatever it is given."""
    out = io.BytesIO()
    pickler = pickle._Pickler(out, 2)  # type: ignore[attr-defined]
    out.write(b"\x80\x02")
    out.write(f"ctorch._utils\n{function}\n".encode() + b"(")
    out.write(b"(")
    for part in storage:
        if part is torch.FloatStorage:
            out.write(b"ctorch\nFloatStorage\n")
        else:
            pickler.save(part)
    out.write(b"tQ")
    for part in (offset, size, stride, False, None):
        pickler.save(part)
    out.write(b"tR.")
    return out.getvalue()


GOOD = ("storage", torch.FloatStorage, "0", "cpu", 12)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((GOOD, 0, (3, 4), (4, 1)), None),
        ((GOOD, 8, (4,), (1,)), None),
        ((GOOD, 9, (4,), (1,)), "weights_damaged"),
        ((GOOD, 0, (3, 4), (5, 1)), "weights_damaged"),
        ((GOOD, 0, (13,), (1,)), "weights_damaged"),
        ((GOOD, 2**40, (1,), (1,)), "weights_damaged"),
        ((GOOD, -1, (1,), (1,)), "weights_damaged"),
        ((GOOD, 0, (-3,), (1,)), "weights_damaged"),
        ((GOOD, 11, (2,), (-1,)), "weights_damaged"),
        ((GOOD, 0, (2**30, 2**30), (0, 0)), "weights_damaged"),
        ((GOOD, 0, (2**62,), (1,)), "weights_damaged"),
        ((GOOD, 0, (3, 4), (1,)), "weights_damaged"),
        ((GOOD, 0, ("3",), (1,)), "weights_damaged"),
        ((GOOD, 0, 3, 1), "weights_damaged"),
        (((*GOOD[:4], 13), 0, (1,), (1,)), "weights_damaged"),
        (((*GOOD[:4], 2**60), 0, (1,), (1,)), "weights_damaged"),
        (((*GOOD[:4], "12"), 0, (1,), (1,)), "weights_damaged"),
        (((*GOOD[:2], "1", "cpu", 12), 0, (1,), (1,)), "weights_damaged"),
        (((*GOOD[:2], "../0", "cpu", 12), 0, (1,), (1,)), "weights_damaged"),
        (((*GOOD, ("v", 6, 6)), 2, (4,), (1,)), None),
        (((*GOOD, ("v", 6, 7)), 2, (4,), (1,)), "weights_damaged"),
        (("module", torch.FloatStorage, "x", "source"), "unsafe_pickle"),
    ],
)
def test_sizes_that_lie(tmp_path: Path, arguments: Any, code: str | None) -> None:
    plain = save(tmp_path / "plain.pt", torch.arange(12.0))
    if arguments[0] == "module":
        arguments = (arguments, 0, (1,), (1,))
    text = tensor_pickle(*arguments)
    path = rebuilt(plain, tmp_path / "a.pt", {"data.pkl": text})
    if code is not None:
        assert refusal(path).code == code
        return
    start = arguments[1] + (arguments[0][5][1] if len(arguments[0]) > 5 else 0)
    expected = torch.arange(12.0).as_strided(arguments[2], arguments[3], start)
    assert_same(read_torch(path).tensors["value"], expected)


def test_bytes_that_were_changed_cut_or_compressed(tmp_path: Path) -> None:
    plain = save(tmp_path / "plain.pt", torch.arange(12.0))
    data = bytearray(plain.read_bytes())
    at = data.index(torch.arange(12.0).numpy().tobytes())
    data[at + 9] ^= 1
    path = tmp_path / "a.pt"
    path.write_bytes(data)
    assert "CRC" in refusal(path).message
    path = rebuilt(plain, tmp_path / "b.pt", {"data/0": bytes(44)})
    assert "does not have the length" in refusal(path).message
    path = rebuilt(plain, tmp_path / "c.pt", {"data/0": None})
    assert refusal(path).code == "weights_damaged"
    path = rebuilt(plain, tmp_path / "d.pt", {"byteorder": b"middle"})
    assert refusal(path).code == "weights_damaged"
    path = rebuilt(plain, tmp_path / "e.pt", {"data/0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    error = refusal(path)
    assert (error.code, "compresses" in error.message) == ("unsafe_pickle", True)


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_truncation_anywhere(tmp_path: Path, zipped: bool) -> None:
    whole = save(tmp_path / "plain.pt", {"a": torch.arange(40.0)}, zipped).read_bytes()
    path = tmp_path / "a.pt"
    for length in (0, 3, 30, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert refusal(path).code == "weights_damaged", length


def test_high_byte_first(tmp_path: Path) -> None:
    value = {"f": torch.randn(3), "c": torch.randn(2, dtype=torch.complex64), "i": torch.arange(4)}
    plain = save(tmp_path / "plain.pt", value)
    swapped: dict[str, bytes | None] = {"byteorder": b"big"}
    for key, item in zip("012", (4, 4, 8), strict=True):
        with zipfile.ZipFile(plain) as archive:
            data = archive.read(f"plain/data/{key}")
        swapped[f"data/{key}"] = np.frombuffer(data, f"u{item}").byteswap().tobytes()
    found = read_torch(rebuilt(plain, tmp_path / "a.pt", swapped)).tensors
    for name, tensor in value.items():
        assert_same(found[name], tensor)


def test_files_without_checksums(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        path = save(tmp_path / "a.pt", torch.arange(3))
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_torch(path).tensors["value"].tolist() == [0, 1, 2]


def test_storages_that_overlap(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", [torch.arange(64.0), torch.arange(64.0)])
    data = bytearray(path.read_bytes())
    offsets = []
    at = data.index(b"PK\x01\x02")
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        name_length = struct.unpack_from("<H", data, at + 28)[0]
        name = bytes(data[at + 46 : at + 46 + name_length])
        if name in (b"a/data/0", b"a/data/1"):
            offsets.append(at)
        at += 46
    struct.pack_into("<I", data, offsets[1] + 42, struct.unpack_from("<I", data, offsets[0] + 42)[0])
    path.write_bytes(data)
    assert refusal(path).code == "weights_damaged"


def test_values_that_describe_endlessly_many(tmp_path: Path) -> None:
    value: list[Any] = ["x"]
    for _ in range(40):
        value = [value, value]
    assert "entries" in refusal(save(tmp_path / "a.pt", value)).message
    assert "not a PyTorch" in refusal(plain(tmp_path, b"\x80\x02" + b"N0" * 9 + b"N.")).message


def plain(folder: Path, data: bytes) -> Path:
    (folder / "plain").write_bytes(data)
    return folder / "plain"


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    for data in (
        b"",
        b"text",
        json.dumps({}).encode(),
        pickle.dumps({"a": 1}),
        zlib.compress(b"x"),
    ):
        assert refusal(plain(tmp_path, data)).code == "weights_damaged"
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    assert "data.pkl" in refusal(tmp_path / "z.zip").message
    assert "0.1.10" in refusal(plain(tmp_path, bytes(257) + b"ustar" + bytes(500))).message
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "none", tmp_path, tmp_path / "fifo"):
        assert refusal(path).code == "weights_missing"
    assert refusal(save(tmp_path / "a.pt", torch.zeros(99)), max_bytes=200).code == "weights_damaged"


def test_limits(tmp_path: Path) -> None:
    text = b"\x80\x02" + b"N0" * 60_000_000 + b"N."
    old = save(tmp_path / "plain.pt", torch.zeros(1))
    path = rebuilt(old, tmp_path / "a.pt", {"data.pkl": text})
    error = refusal(path, cpu_seconds=1)
    assert (error.code, "limits" in error.message) == ("unsafe_pickle", True)
    path = rebuilt(old, tmp_path / "b.pt", {"data.pkl": b"\x80\x02" + b"]" * 9_000_000 + b"."})
    error = refusal(path, memory_bytes=300 << 20)
    assert (error.code, "memory" in error.message) == ("unsafe_pickle", True)
