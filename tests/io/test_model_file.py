import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from headform.errors import ResourceError, WeightsError
from headform.io import model_file
from headform.io.model_file import card_path, check_state, load_model, save_model
from tests.io.test_file_content import LFS, PAGE

CARD = {
    "data": "synthetic faces",
    "license": "MIT",
    "command": "headform train landmarks",
    "commit": "0" * 40,
    "images_seen": 1000,
    "minutes": 1.5,
    "seed": 0,
    "config": {"channels": [1, 2]},
    "metrics": {"error": 0.04},
}


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    save_model(path, network().state_dict(), CARD)
    return path


def test_round_trip_is_half_precision_for_kernels_and_exact_for_vectors(tmp_path: Path) -> None:
    state = network().state_dict()
    path = tmp_path / "net.safetensors"
    save_model(path, state, CARD)
    tensors, card = load_model(path)
    assert tensors.keys() == state.keys()
    for name, tensor in tensors.items():
        expected = state[name].numpy()
        if expected.ndim >= 2:
            expected = expected.astype(np.float16).astype(np.float32)
        assert tensor.dtype == (torch.int64 if "tracked" in name else torch.float32)
        np.testing.assert_array_equal(tensor.numpy(), expected)
    assert {key: card[key] for key in CARD} == CARD
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["bytes"] == path.stat().st_size
    assert card["parameters"] == 3 * 4 * 9 + 4 + 4 * 4 + 8 + 2


def test_single_precision_where_it_is_asked_for(tmp_path: Path) -> None:
    state = network().state_dict()
    save_model(tmp_path / "net.safetensors", state, CARD, half=False)
    tensors, _ = load_model(tmp_path / "net.safetensors")
    for name, tensor in tensors.items():
        assert torch.equal(tensor, state[name]), name


def test_the_same_state_writes_the_same_bytes_whatever_its_order(tmp_path: Path) -> None:
    state = network().state_dict()
    save_model(tmp_path / "a.safetensors", state, CARD)
    save_model(tmp_path / "b.safetensors", dict(reversed(state.items())), CARD)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_values_beyond_half_precision_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    wide = torch.tensor([[1e6, 1e-9], [3.0, -7e5]])
    save_model(path, {"w": wide}, CARD)
    assert torch.equal(load_model(path)[0]["w"], wide)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_never_saved_over_good_weights(saved: Path, bad: float) -> None:
    before = saved.read_bytes()
    with pytest.raises(WeightsError, match="w holds NaN") as caught:
        save_model(saved, {"w": torch.tensor([1.0, bad])}, CARD)
    assert caught.value.code == "weights_nan"
    assert saved.read_bytes() == before


def test_a_card_must_be_complete(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(WeightsError, match="lacks license, seed") as caught:
        save_model(path, {}, {k: v for k, v in CARD.items() if k not in ("license", "seed")})
    assert caught.value.code == "card_incomplete"
    with pytest.raises(WeightsError, match="not plain JSON"):
        save_model(path, {}, CARD | {"config": torch.zeros(1)})
    assert list(tmp_path.iterdir()) == []


def code_of(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    assert caught.value.exit_code == 5
    assert path.stem in str(caught.value)
    return caught.value.code


def test_missing_weights_and_missing_card(saved: Path) -> None:
    assert code_of(saved.with_name("other.safetensors")) == "weights_missing"
    data = saved.read_bytes()
    saved.unlink()
    assert code_of(saved) == "weights_missing"
    saved.mkdir()
    assert code_of(saved) == "weights_missing"
    saved.rmdir()
    saved.write_bytes(data)
    load_model(saved)
    card_path(saved).unlink()
    assert code_of(saved) == "weights_missing"


def test_truncated_and_altered_weights(saved: Path) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[:-1])
    assert code_of(saved) == "weights_truncated"
    saved.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert code_of(saved) == "weights_hash"
    saved.write_bytes(data + b"\0")
    assert code_of(saved) == "weights_hash"


def with_card_of(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    card = CARD | {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    card_path(path).write_text(json.dumps(card))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04.",
        (2**60).to_bytes(8, "little") + b"{}",
        (40).to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[9],"data":1',
    ],
    ids=["empty", "pickle", "huge header", "cut header"],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.safetensors"
    with_card_of(path, data)
    assert code_of(path) == "weights_damaged"


def test_a_file_with_nan_is_refused(tmp_path: Path) -> None:
    import safetensors.torch

    path = tmp_path / "net.safetensors"
    with_card_of(path, safetensors.torch.save({"w": torch.tensor([float("nan")])}))
    assert code_of(path) == "weights_nan"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sha256": 1, "bytes": 1}', '{"sha256": "a"}'])
def test_damaged_cards(saved: Path, text: str) -> None:
    card_path(saved).write_text(text)
    assert code_of(saved) == "card_damaged"


def test_a_crash_between_write_and_rename_leaves_the_old_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_model(saved)

    def full(*_: object) -> None:
        raise ResourceError("write_failed", "disk full")

    monkeypatch.setattr(model_file, "write_bytes", full)
    with pytest.raises(ResourceError):
        save_model(saved, network().state_dict(), CARD)
    after = load_model(saved)
    assert after[1] == before[1]
    assert all(torch.equal(after[0][name], before[0][name]) for name in before[0])


def test_check_state_accepts_exactly_the_state() -> None:
    net = network()
    assert check_state(net, network().state_dict(), "x") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("3.bias"), "3.bias is missing"),
        (lambda s: s.update(more=torch.zeros(1)), "more is not expected"),
        (lambda s: s.update({"3.bias": torch.zeros(3)}), r"3.bias has shape \(3,\), expected \(2,"),
        (lambda s: s.update({"3.bias": torch.zeros(2, dtype=torch.int64)}), "3.bias holds torch.i"),
        (lambda s: s.clear(), r"0.weight is missing \(and 8 more\)"),
    ],
)
def test_check_state_names_what_is_wrong(change, message: str) -> None:  # type: ignore[no-untyped-def]
    state = dict(network().state_dict())
    change(state)
    with pytest.raises(WeightsError, match=message) as caught:
        check_state(network(), state, "net.safetensors")
    assert caught.value.code == "weights_mismatch"
    assert "net.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"), [(PAGE, "web page"), (LFS, "Git LFS pointer"), (b"\x80\x02}q\x00.", "pickle")]
)
def test_what_is_no_weights_file_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=words) as caught:
        load_model(path)
    assert caught.value.code == "weights_damaged"
