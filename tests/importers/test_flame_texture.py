"""The three texture files of FLAME: colors the right way round, in the right range; wrong ones are refused."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.importers import flame_texture
from tests.heads import flame_file
from tests.heads.flame_file import FlameModel
from tests.importers.flame_texture_file import (
    SKIN,
    picture,
    texture_map,
    write_albedo_mm,
    write_bfm_albedo,
    write_flame_texture,
)


@pytest.fixture(scope="module")
def model() -> FlameModel:
    return flame_file.flame_model(shape=2, expression=2)


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        flame_texture.read(path)
    assert path.name in caught.value.location
    return caught.value


def assert_pictures(space: Any, modes: int, size: int = 32, seed: int = 3, first: int = 0) -> None:
    mean, basis = picture(size, modes, seed)
    assert space.mean.shape == (size, size, 3)
    np.testing.assert_allclose(space.mean, mean, rtol=1e-5)
    kept = first or modes
    assert len(space.modes) == kept
    for mode in (0, kept - 1):
        np.testing.assert_allclose(space.modes[mode], basis[..., mode], atol=1e-6)


def test_the_texture_space_of_flame(tmp_path: Path, model: FlameModel) -> None:
    path = write_flame_texture(tmp_path / "FLAME_texture.npz", model)
    space = flame_texture.read(path)
    assert_pictures(space, 200)
    assert space.encoding == "srgb"
    assert (space.provenance.version, space.provenance.sources[0].name) == ("flame", path.name)
    assert "NC" in space.provenance.license
    vt, ft = texture_map(model)
    np.testing.assert_allclose(space.uv, vt, atol=1e-6)
    np.testing.assert_array_equal(space.uv_faces, ft)
    assert_pictures(flame_texture.read(path, modes=7), 200, first=7)


@pytest.mark.parametrize("bgr", [True, False])
def test_albedo_mm_in_either_order(tmp_path: Path, model: FlameModel, bgr: bool) -> None:
    name = "albedoModel2020_FLAME_albedoPart.npz"
    path = write_albedo_mm(tmp_path / name, model, bgr=bgr)
    space = flame_texture.read(path)
    assert_pictures(space, 145)
    assert space.encoding == "linear"
    assert ("BGR" in space.provenance.notes[0]) == bgr
    assert_pictures(flame_texture.read(path, part="specular"), 145, seed=4)


def test_the_basel_albedo(tmp_path: Path) -> None:
    path = write_bfm_albedo(tmp_path / "FLAME_albedo_from_BFM.npz")
    space = flame_texture.read(path)
    assert_pictures(space, 199)
    assert space.encoding == "srgb"
    assert len(space.uv) == len(space.uv_faces) == 0
    torch.testing.assert_close(space.mean.mean((0, 1)), torch.from_numpy(SKIN).float(), atol=0.01, rtol=0)
    with pytest.raises(WeightsError, match="no array `specMU`"):
        flame_texture.read(path, part="specular")


def change(path: Path, **changed: Any) -> Path:
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays |= changed
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


NAN = np.full((8, 8, 3), np.nan)


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"tex_dir": None}, "model_missing_key", "no array `tex_dir`"),
        ({"mean": None}, "model_missing_key", "no array `mean`"),
        ({"mean": np.ones((8, 8, 4))}, "model_shape", "8 x 8 x 4"),
        ({"mean": np.ones(190)}, "model_shape", "`mean`"),
        ({"mean": np.ones(3, "U3")}, "model_shape", "<U3"),
        ({"mean": np.zeros((0, 0, 3))}, "model_shape", "0 x 0 x 3"),
        ({"mean": np.zeros((8, 0, 3)), "tex_dir": np.zeros((8, 0, 3, 5))}, "model_shape", "8 x 0"),
        ({"tex_dir": np.ones((8, 9, 3, 5))}, "model_shape", "8 x 9 x 3 x 5"),
        ({"tex_dir": np.ones((190, 5))}, "model_shape", "190 x 5"),
        ({"tex_dir": np.ones((8, 8, 3, 5), int)}, "model_shape", "int64"),
        ({"mean": NAN}, "model_not_finite", "`mean`"),
        ({"vt": np.full((9000, 2), np.inf)}, "model_not_finite", "`vt`"),
        ({"vt": np.full((9000, 2), 1e300)}, "model_not_finite", "`vt`"),
        ({"mean": np.full((8, 8, 3), 1e300)}, "model_not_finite", "`mean`"),
        ({"tex_dir": np.full((8, 8, 3, 5), 1e300)}, "model_not_finite", "`tex_dir`"),
        ({"vt": np.zeros((100, 2))}, "model_index", "expected 0 to 99"),
        ({"vt": np.zeros((6000, 3))}, "model_shape", "6000 x 3"),
        ({"ft": np.zeros((9976, 3))}, "model_shape", "float64"),
        ({"ft": np.zeros((5000, 3), int)}, "model_mismatch", "5000 triangles, FLAME has 9976"),
    ],
)
def test_wrong_arrays(tmp_path: Path, model: FlameModel, changed: dict[str, Any], code: str, said: str) -> None:
    path = write_flame_texture(tmp_path / "FLAME_texture.npz", model, 8, 5)
    error = refusal(change(path, **changed))
    assert error.code == code
    assert said in error.message


def test_other_archives_and_broken_ones(tmp_path: Path, model: FlameModel) -> None:
    path = tmp_path / "texture.npz"
    np.savez(path, v_template=np.ones(3))
    assert refusal(path).code == "model_missing_key"
    whole = write_bfm_albedo(path, 8, 5).read_bytes()
    for cut in (0, 50, len(whole) - 9):
        path.write_bytes(whole[:cut])
        assert refusal(path).code == "weights_damaged"
    assert refusal(tmp_path / "none.npz").code == "weights_missing"


def test_a_pickle_within_is_not_loaded(tmp_path: Path, model: FlameModel) -> None:
    canary = tmp_path / "canary"

    class Touches:
        def __reduce__(self) -> tuple[Any, Any]:
            return os.system, (f"touch {canary}",)

    path = write_flame_texture(tmp_path / "FLAME_texture.npz", model, 8, 5)
    for name in ("mean", "tex_dir", "vt"):
        bad = change(path, **{name: np.array(Touches(), dtype=object)})
        error = refusal(bad)
        assert error.code == "unsafe_pickle"
        assert f"`{name}` holds Python objects" in error.message
        write_flame_texture(path, model, 8, 5)
    assert not canary.exists()


def test_a_bomb_of_zeros_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "FLAME_texture.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("mean.npy", "w", force_zip64=True) as entry:
            header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 20, 1 << 20, 3)}
            np.lib.format.write_array_header_1_0(entry, header)
            entry.write(bytes(1 << 20))
        with archive.open("tex_dir.npy", "w") as entry:
            np.lib.format.write_array(entry, np.ones((2, 2, 3, 4)))
    error = refusal(path)
    assert error.code == "weights_damaged"
    assert "`mean` says" in error.message
