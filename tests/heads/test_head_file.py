"""Files of converted heads: every field comes back, what is wrong is named, equal heads give equal bytes."""

import io
import json
from dataclasses import fields, replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import Tensor

from headform import heads
from headform.cli.main import main
from headform.errors import WeightsError
from headform.heads import head_file
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance, SourceFile, provenance_of
from headform.importers.importing import linear_head
from tests.heads.flame.flame_heads import tiny_flame
from tests.heads.made_models import SIDE, mask_model

COUNT = SIDE * SIDE


@pytest.fixture(scope="module")
def made() -> LinearHead:
    origin = Provenance("made", "2", (SourceFile("a.mat", "ab" * 32),), "free", ("one", "two"))
    return linear_head(
        mask_model(
            provenance=origin,
            regions={"nose": np.arange(COUNT) % 3 == 0, "all": np.ones(COUNT, bool)},
            albedo_mean=np.full((COUNT, 3), 0.25),
            albedo_space="srgb",
            expression_names=("smile", "jaw open"),
            mirror=np.arange(COUNT)[::-1].copy(),
        )
    )


def test_every_field_comes_back(made, tmp_path) -> None:
    digest = head_file.write(made, tmp_path / "made.safetensors")
    again = heads.load(tmp_path / "made.safetensors")
    assert again.sha256 == digest
    for field in fields(made):
        here, there = getattr(made, field.name), getattr(again, field.name)
        if isinstance(here, Tensor):
            assert here.dtype == there.dtype, field.name
            assert torch.equal(here, there), field.name
        elif field.name == "regions":
            assert list(here) == list(there)
            assert all(torch.equal(here[n], there[n]) for n in here)
        elif field.name != "sha256":
            assert here == there, field.name
    head_file.write(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == head_file.encode(made)


def test_a_file_cut_anywhere_is_refused(made, tmp_path) -> None:
    data = head_file.encode(made)
    path = tmp_path / "cut.safetensors"
    for end in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:end])
        with pytest.raises(WeightsError) as caught:
            heads.load(path)
        assert caught.value.code == "head_damaged"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("faces", lambda a: a + COUNT),
        ("identity", lambda a: a[:, :-1]),
        ("expression", lambda a: a[:1]),
        ("sigma", lambda a: a[:2]),
        ("mean", lambda a: np.where(a == a.max(), np.nan, a)),
        ("landmark_weights", lambda a: a[:60]),
        ("regions/nose", lambda a: a[:-1]),
        ("regions/nose", None),
        ("mean", None),
        ("mirror", lambda a: a[:-1]),
        ("albedo_mean", lambda a: a[:-1]),
        ("mean", lambda a: a[:, 0]),
        ("mean", lambda a: a.astype(np.float64)),
        ("mean", lambda a: a.astype(np.int32)),
        ("faces", lambda a: a[:, [0, 1, 2, 2]]),
        ("faces", lambda a: a.astype(np.float32)),
        ("sigma", lambda a: a[:, None]),
        ("albedo_mean", lambda a: a[:, :1]),
        ("landmark_weights", lambda a: a[:, :1]),
        ("neck_pivot", lambda a: a[:2]),
        ("part", lambda a: np.full(COUNT, 200, np.uint8)),
        ("regions/nose", lambda a: a.astype(np.float32)),
    ],
)
def test_parts_that_do_not_fit_are_refused(made, tmp_path, name, change) -> None:
    data = head_file.encode(made)
    arrays = safetensors.numpy.load(data)
    text = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    if change is None:
        del arrays[name]
    else:
        arrays[name] = np.ascontiguousarray(change(arrays[name]))
    path = tmp_path / "bad.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays, text))
    with pytest.raises(WeightsError) as caught:
        heads.load(path)
    assert caught.value.code == "head_damaged"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("skinning", lambda a: a[:-1]),
        ("joint_regressor", lambda a: a[:-1]),
        ("pose_correctives", lambda a: a[:-1]),
        ("static_vertices", lambda a: a + 1000),
        ("contour_vertices", lambda a: a - 1000),
        ("contour_weights", lambda a: a[:-1]),
        ("parents", lambda a: [-1, 2, 1, 1, 1]),
        ("parents", lambda a: [-1, 0, 1.0, 1, 1]),
    ],
)
def test_skeletons_that_do_not_fit_are_refused(name, change) -> None:
    for head in (tiny_flame(), tiny_flame(correctives=False)):
        data = head_file.encode(head)
        arrays = safetensors.numpy.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        text = json.loads(header["__metadata__"]["headform"])
        assert head_file.decode(arrays, text, "here").parents == head.parents
        table = text if name in text else arrays
        if not len(table[name]):
            continue
        table[name] = change(table[name])
        with pytest.raises(WeightsError) as caught:
            head_file.decode(arrays, text, "here")
        assert caught.value.code == "head_damaged"


def test_names_of_files_that_are_no_text_are_shown_escaped(tmp_path, monkeypatch) -> None:
    origin = Provenance("made", "2", (SourceFile("a\udcff.mat", "ab" * 32),))
    path = tmp_path / "made.safetensors"
    head_file.write(linear_head(mask_model(provenance=origin)), path)
    assert heads.load(path).provenance == origin
    strict = io.TextIOWrapper(io.BytesIO(), "utf-8", "strict")
    monkeypatch.setattr("sys.stdout", strict)
    assert main(["heads", "inspect", str(path)]) == 0
    assert b"sources: a\\udcff.mat" in strict.buffer.getvalue()


def test_texts_that_are_none_are_refused(made) -> None:
    data = head_file.encode(made)
    arrays = safetensors.numpy.load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text = json.loads(header["__metadata__"]["headform"])
    assert head_file.decode(arrays, text, "here").name == "mask"
    for bad in ({"name": 5}, {"expression_names": [1, 2]}, {"albedo_space": "cmyk"}):
        with pytest.raises(WeightsError) as caught:
            head_file.decode(arrays, text | bad, "here")
        assert caught.value.code == "head_damaged", bad


def test_safetensors_of_other_makes(tmp_path) -> None:
    path = tmp_path / "other.safetensors"
    entry = {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}
    for code, header, body in (
        ("head_damaged", {"a": entry}, bytes(2)),
        ("head_foreign", {"__metadata__": {"headform": "[" * 100_000}}, b""),
    ):
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + body)
        with pytest.raises(WeightsError) as caught:
            heads.load(path)
        assert caught.value.code == code
    with pytest.raises(WeightsError) as caught:
        heads.load(tmp_path / ("n" * 300))
    assert caught.value.code == "head_unreadable"


def test_a_head_that_could_not_be_read_again_is_not_written(made, tmp_path) -> None:
    for bad in (
        replace(made, mean=made.mean * torch.inf),
        replace(made, sigma=made.sigma[:-1]),
        replace(made, faces=made.faces + COUNT),
    ):
        with pytest.raises(WeightsError) as caught:
            head_file.write(bad, tmp_path / "bad.safetensors")
        assert caught.value.code == "head_damaged"
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_no_head(tmp_path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(WeightsError) as caught:
        heads.load(tmp_path / "pipe.safetensors")
    assert caught.value.code == "head_unreadable"


def test_a_head_moves_between_precisions(made) -> None:
    double = made.to(dtype=torch.float64)
    assert double.mean.dtype == double.sigma.dtype == torch.float64
    assert double.provenance == made.provenance
    assert double.faces.dtype == torch.int64
    assert replace(double, name="x").albedo_space == "srgb"


def test_sources_are_digested(tmp_path) -> None:
    (tmp_path / "m.bin").write_bytes(b"abc")
    origin = provenance_of("made", [tmp_path / "m.bin"], version="3", notes=["seen"])
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert origin.sources == (SourceFile("m.bin", sha),)
    assert origin.label == "made 3"
    assert Provenance("open").label == "open"
    assert Provenance.from_json(json.loads(json.dumps(origin.to_json()))) == origin
    with pytest.raises(WeightsError) as caught:
        provenance_of("made", [tmp_path / "none.bin"])
    assert caught.value.code == "weights_missing"
    for bad in ({}, None, {"kind": 1, "version": "", "license": "", "notes": [], "sources": [3]}):
        with pytest.raises(ValueError, match="provenance"):
            Provenance.from_json(bad)
