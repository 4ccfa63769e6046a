"""Coefficients as other systems write them, decoded to neutral heads: trees with the original names."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch

from headform.cli.main import main
from headform.errors import HeadformError
from headform.evaluate.peers import import_predictions
from headform.evaluate.peers.importing import Imported, summary
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import read_surface
from headform.heads.linear import LinearHead
from tests.evaluate.peers.system_files import NAMES, padded, write
from tests.heads.flame.flame_heads import tiny_flame
from tests.registration.other_heads import basel_face


@pytest.fixture(scope="module")
def basel() -> LinearHead:
    return basel_face()


@pytest.fixture(scope="module")
def flame() -> LinearHead:
    return replace(tiny_flame(), now7=torch.arange(7))


def code_of(number: int, count: int) -> np.ndarray:
    return np.random.default_rng(number).normal(0, 1, count).astype(np.float32)


def imported(folder: Path, system: str, head: LinearHead | None, **options: object) -> Imported:
    return import_predictions(folder / "demo", system, folder / "out", head=head, coefficients=True, **options)


def assert_decoded(folder: Path, name: str, head: LinearHead, code: np.ndarray) -> None:
    wanted = 1000 * head.vertices(torch.from_numpy(code)).double().numpy()
    np.testing.assert_allclose(read_surface(folder / "out" / f"{name}.obj").vertices, wanted, atol=1e-3)
    seven = read_landmarks7(folder / "out" / f"{name}.npy")
    np.testing.assert_allclose(seven, wanted[head.now7.numpy()], atol=1e-3)


@pytest.mark.parametrize("packed", [False, True])
def test_deep3d_of_pytorch_and_of_tensorflow(tmp_path: Path, basel: LinearHead, packed: bool) -> None:
    for number, name in enumerate(NAMES[:2]):
        base = tmp_path / "demo" / name
        base.parent.mkdir(parents=True, exist_ok=True)
        whole = code_of(number, 257)
        sizes = {"id": 80, "exp": 64, "tex": 80, "angle": 3, "gamma": 27, "trans": 3}
        parts = np.split(whole, np.cumsum(list(sizes.values()))[:-1])
        content = {key: part[None] for key, part in zip(sizes, parts, strict=True)} | {"lm68": np.zeros((1, 68, 2))}
        scipy.io.savemat(
            f"{base}.mat", {"coeff": whole[None], "landmarks_2d": np.zeros((68, 2))} if packed else content
        )
    result = imported(tmp_path, "deep3d", basel)
    for number, name in enumerate(NAMES[:2]):
        assert_decoded(tmp_path, name, basel, code_of(number, 257)[:80])
    text = summary(result)
    assert "unit: m in 2" in text
    assert "expression: neutral in 2" in text
    assert "note: decoded from 80 identity coefficients in 2" in text


def test_ringnet_beside_its_meshes(tmp_path: Path, flame: LinearHead) -> None:
    base = tmp_path / "demo" / "A" / "selfie"
    vertices, faces, landmarks = padded(0, 1700)
    write(base / "mesh" / "x.obj", vertices, faces)
    np.save(base / "mesh" / "x.npy", landmarks)
    (base / "params").mkdir()
    code = code_of(1, 3)
    content = {"cam": np.zeros(3), "pose": np.ones(6), "shape": code, "expression": np.ones(50)}
    np.save(base / "params" / "x.npy", content)
    result = imported(tmp_path, "ringnet", flame)
    assert [line.code for line in result.lines] == [""]
    assert_decoded(tmp_path, "A/selfie/x", flame, code)


def test_deca_and_mica_by_their_folders(tmp_path: Path, flame: LinearHead) -> None:
    for system in ("deca", "mica"):
        folder = tmp_path / system
        for number, name in enumerate(NAMES[:2]):
            base = folder / "demo" / name
            base.mkdir(parents=True)
            if system == "mica":
                np.save(base / "identity.npy", code_of(number, 4))
                np.save(base / "kpt7.npy", np.zeros((7, 3)))
            else:
                scipy.io.savemat(
                    base / f"{base.name}.mat", {"shape": code_of(number, 4)[None], "exp": np.ones((1, 50))}
                )
        result = imported(folder, system, flame)
        assert [line.code for line in result.lines] == ["", ""]
        for number, name in enumerate(NAMES[:2]):
            assert_decoded(folder, name, flame, code_of(number, 4))


def test_files_that_hold_no_identity(tmp_path: Path, flame: LinearHead) -> None:
    base = tmp_path / "demo" / "A" / "selfie"
    base.mkdir(parents=True)

    class Runs:
        def __reduce__(self) -> object:
            return os.mkdir, (str(tmp_path / "ran"),)

    contents: dict[str, object] = {
        "fine": {"shape": np.ones(2)},
        "another": {"verts": np.zeros((3, 3))},
        "long": {"shape": np.ones(5)},
        "vast": {"shape": np.array([1.0, 1e6])},
        "hole": {"shape": np.array([1.0, np.nan])},
        "many": {"shape": np.ones((2, 2))},
        "code": {"shape": Runs()},
    }
    for name, content in contents.items():
        np.save(base / f"{name}.npy", content)
    np.save(base / "points.npy", np.zeros((7, 3)))
    result = imported(tmp_path, "ringnet", flame)
    codes = {line.image.stem: line.code for line in result.lines}
    assert codes.pop("fine") == ""
    assert set(codes.values()) == {"peer_coefficients"}
    assert len(codes) == 7
    assert not (tmp_path / "ran").exists()
    report = json.loads((tmp_path / "out" / "import.json").read_text())
    assert sum(line["code"] == "" for line in report["meshes"]) == 1


def test_heads_that_do_not_decode_them(tmp_path: Path, basel: LinearHead, flame: LinearHead) -> None:
    def code(system: str, head: LinearHead | None) -> str:
        with pytest.raises(HeadformError) as caught:
            imported(tmp_path, system, head)
        return caught.value.code

    assert code("mica", None) == "head_missing"
    assert code("mica", basel) == code("deep3d", flame) == "head_unsupported"
    assert code("prnet", flame) == code("focus", flame) == "coefficients_unknown"
    assert code("mica", replace(flame, now7=flame.now7[:0])) == "head_lacks"
    assert code("mica", flame) == "peer_outputs_missing"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "import", "--from", "mica", str(tmp_path), "-o", str(tmp_path / "out"), "--coefficients"]
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error [head_missing]: coefficients of MICA need FLAME")
